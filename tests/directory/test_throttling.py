"""How often one may do something: spans of the clock, and several limits at once."""

import datetime

import pytest
from django.db import transaction
from django.utils import timezone

from directory import throttling
from directory.models import Counter
from directory.throttling import Limit

pytestmark = pytest.mark.django_db

START = datetime.datetime(2026, 11, 22, 9, 40, tzinfo=datetime.UTC)
HOUR, DAY = datetime.timedelta(hours=1), datetime.timedelta(days=1)
LIMITS = [Limit(2, HOUR), Limit(3, DAY)]


@pytest.fixture
def at(monkeypatch):
    """Sets the time."""

    def at(moment):
        monkeypatch.setattr(timezone, "now", lambda: moment)

    at(START)
    return at


def ask(purpose="essai", client="203.0.113.7"):
    return throttling.admit(purpose=purpose, client=client, limits=LIMITS)


def test_one_is_admitted_up_to_the_limit_then_told_when_to_come_back(at):
    assert [ask(), ask()] == [0, 0]
    assert ask() == 20 * 60 + 1  # the hour ends at ten
    at(START + datetime.timedelta(minutes=20))
    assert ask() == 0


def test_the_longer_limit_holds_when_the_shorter_begins_anew(at):
    for hour in (0, 0, 1):
        at(START + hour * HOUR)
        assert ask() == 0
    assert ask() == (13 * 60 + 20) * 60 + 1  # the day ends at midnight, UTC


def test_who_is_refused_by_one_limit_is_counted_by_none(at):
    ask(), ask()
    for _again in range(5):
        assert ask() > 0
    at(START + HOUR)
    assert ask() == 0  # the third of the day


def test_each_person_and_each_purpose_is_counted_apart(at):
    ask(), ask()
    assert ask(client="203.0.113.8") == 0
    assert ask(purpose="autre") == 0
    assert ask() > 0


def test_what_is_rolled_back_was_not_counted(at):
    for _attempt in range(3):
        with transaction.atomic():
            assert ask() == 0
            transaction.set_rollback(True)
    assert not Counter.objects.exists()


@pytest.mark.parametrize(
    ("seen", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),  # what one subscriber has
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("", ""),
        ("unix:" + "x" * 100, ("unix:" + "x" * 100)[:64]),
    ],
)
def test_an_address_stands_for_one_subscriber(seen, address, rf):
    assert throttling.address(rf.get("/", REMOTE_ADDR=seen)) == address
