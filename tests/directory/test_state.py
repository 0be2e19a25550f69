"""The counts of a large directory: taken apart, while readers are given the last ones."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from directory import state
from tests.factories import EnterpriseFactory


@pytest.fixture
def large(transactional_db, reference, as_large):
    EnterpriseFactory.create_batch(3, published=True)
    as_large(2)


def counted():
    for thread in threading.enumerate():
        if thread.name == "recount":
            thread.join(timeout=10)


def make_late():
    with connection.cursor() as cursor:
        cursor.execute("UPDATE directory_snapshot SET taken_at = taken_at - interval '61 s'")


def test_counts_of_not_long_ago_are_given_as_they_are(large):
    EnterpriseFactory(published=True)
    assert state.current().whole.total == 3
    assert not [thread for thread in threading.enumerate() if thread.name == "recount"]


def test_late_counts_are_given_once_more_while_they_are_taken_apart(large):
    EnterpriseFactory(published=True)
    make_late()
    before = state.current()
    assert before.whole.total == 3
    counted()
    after = state.current()
    assert after.whole.total == 4
    # What is kept by browsers is told apart, though the data are the same.
    assert (before.version, before.etag != after.etag) == (after.version, True)


def test_counts_of_yesterday_are_given_while_those_of_today_are_taken(large):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE directory_snapshot SET day = day - 1")
    assert state.current().whole.total == 3
    counted()
    assert state.current().whole.day == timezone.localdate()


def test_the_first_counts_ever_are_waited_for(transactional_db, reference, monkeypatch):
    monkeypatch.setattr(state, "EXACT_UP_TO", 2)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE directory_snapshot SET version = 0, total = 0, day = '0001-01-01'")
    EnterpriseFactory.create_batch(3, published=True)
    assert state.current().whole.total == 3


def test_a_count_that_fails_is_told_and_tried_again(large, monkeypatch, caplog):
    make_late()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE directory_snapshot ADD CONSTRAINT no CHECK (total = 3)")
    try:
        EnterpriseFactory(published=True)
        assert state.current().whole.total == 3
        counted()
        assert "could not be counted" in caplog.text
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE directory_snapshot DROP CONSTRAINT no")
    assert state.current().whole.total == 3
    counted()
    assert state.current().whole.total == 4


def test_what_has_not_moved_is_not_made_again(transactional_db, reference):
    EnterpriseFactory(published=True)
    state.current().whole  # noqa: B018 counts it
    before = state.current()
    assert state.current() is before
    EnterpriseFactory(published=True)
    after = state.current()
    assert after.version > before.version
    assert after.labels is before.labels


def test_counts_that_another_process_took_are_learnt(transactional_db, reference):
    EnterpriseFactory.create_batch(2, published=True)
    before = state.current()
    assert before.snapshot.version < before.version
    with connection.cursor() as cursor:
        cursor.execute("SELECT directory_take_snapshot(%s)", [before.today])
    after = state.current()
    assert (after.version, after.snapshot.version) == (before.version, before.version)
    assert after.snapshot.total == 2


def test_a_new_day_is_another_state(transactional_db, reference, monkeypatch):
    before = state.current()
    tomorrow = before.today + timedelta(days=1)
    monkeypatch.setattr(timezone, "localdate", lambda *args: tomorrow)
    assert (state.current().today, state.current().whole.day) == (tomorrow, tomorrow)
