"""Visits of profiles: counted beside the page, never in its way, and never by whom."""

import threading
from datetime import date

import pytest
from django.db import OperationalError, ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from directory import visits
from directory.models import ProfileVisits
from tests.client import StrictClient
from tests.factories import EnterpriseFactory

pytestmark = pytest.mark.usefixtures("reference")
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
PATH = "/entreprises/ateliers-alice/"


@pytest.fixture
def reader(enterprise):
    return StrictClient(headers={"user-agent": BROWSER})


def views():
    visits.write()
    return sum(ProfileVisits.objects.values_list("views", flat=True))


def test_each_reading_counts_for_its_month(reader, enterprise):
    for _time in range(3):
        reader.get(PATH)
    assert views() == 3
    row = ProfileVisits.objects.get()
    assert row.enterprise == enterprise
    assert row.month == timezone.localdate().replace(day=1)
    reader.get(PATH)
    assert views() == 4
    assert ProfileVisits.objects.count() == 1


def test_a_page_that_the_browser_had_kept_counts_too(reader):
    etag = reader.get(PATH).headers["ETag"]
    assert reader.get(PATH, headers={"If-None-Match": etag}).status_code == 304
    assert views() == 2


def test_counting_asks_nothing_of_the_database_and_sets_no_cookie(
    reader, django_assert_num_queries
):
    program = StrictClient(headers={"user-agent": "curl/8.5.0"})
    etag = program.get(PATH).headers["ETag"]
    with CaptureQueriesContext(connection) as uncounted:
        program.get(PATH)
    with django_assert_num_queries(len(uncounted)):
        response = reader.get(PATH)
    assert not response.cookies
    assert "max-age=0" in response.headers["Cache-Control"]
    with CaptureQueriesContext(connection) as uncounted:
        program.get(PATH, headers={"If-None-Match": etag})
    with django_assert_num_queries(len(uncounted)):
        reader.get(PATH, headers={"If-None-Match": etag})
    with django_assert_num_queries(1):
        visits.write()
    with django_assert_num_queries(0):
        visits.write()


@pytest.mark.parametrize(
    "headers",
    [
        {"user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
        {"user-agent": "curl/8.5.0"},
        {"user-agent": "python-requests/2.32"},
        {"user-agent": ""},
        {"user-agent": BROWSER, "sec-purpose": "prefetch"},
    ],
)
def test_programs_and_pages_fetched_ahead_do_not_count(enterprise, headers):
    assert StrictClient(headers=headers).get(PATH).status_code == 200
    assert views() == 0


def test_neither_do_heads_nor_what_is_not_there(reader, enterprise):
    reader.head(PATH)
    reader.get("/entreprises/nulle-part/")
    type(enterprise).objects.update(state="archived", closing="closed")
    reader.get(PATH)
    assert views() == 0


def test_an_address_that_is_no_listing_s_adds_nothing(reader):
    """A browser may say that it has any page at all."""
    etag = reader.get(PATH).headers["ETag"]
    for slug in ("nulle-part", "x" * 300):
        reader.get(f"/entreprises/{slug}/", headers={"If-None-Match": etag})
    assert views() == 1


def test_what_is_kept_in_memory_is_bounded(monkeypatch, enterprise):
    monkeypatch.setattr(visits, "MOST", 2)
    for slug in ("a", "b", "c", "ateliers-alice", "a"):
        visits.count(slug)
    assert len(visits._tally) == 2
    assert sum(visits._tally.values()) == 3


def test_what_could_not_be_written_is_kept_for_the_next_time(reader, monkeypatch):
    reader.get(PATH)
    add = visits.ADD
    monkeypatch.setattr(visits, "ADD", "SELECT 1 FROM nowhere WHERE %s = %s AND %s IS NULL")
    with pytest.raises(ProgrammingError), transaction.atomic():
        visits.write()
    monkeypatch.setattr(visits, "ADD", add)
    reader.get(PATH)
    assert views() == 2


def test_a_process_writes_by_itself_and_when_it_ends(reader, monkeypatch):
    monkeypatch.setattr(visits, "EVERY", 3600.0)
    reader.get(PATH)
    timer = visits._timer
    assert timer.daemon
    assert timer.interval == 3600.0
    reader.get(PATH)
    assert visits._timer is timer  # one for all that is counted meanwhile
    monkeypatch.setattr(connection, "close", lambda: None)
    visits._write_at_the_end()
    assert views() == 2
    assert visits._timer is None
    timer.cancel()


def test_a_failure_of_the_thread_is_logged_and_nothing_lost(reader, monkeypatch, caplog):
    reader.get(PATH)
    monkeypatch.setattr(connection, "close", lambda: None)

    def fail():
        raise OperationalError("down")

    monkeypatch.setattr(visits, "write", fail)
    visits._write_apart()
    assert "could not be written" in caplog.text
    assert sum(visits._tally.values()) == 1


@pytest.mark.django_db(transaction=True)
def test_processes_that_write_at_once_lose_nothing(reference):
    enterprises = [EnterpriseFactory(slug=f"a{number}", published=True) for number in range(6)]
    month = date(2026, 8, 1)
    barrier = threading.Barrier(4)

    def write(order):
        barrier.wait()
        for _time in range(5):
            with connection.cursor() as cursor:
                slugs = [enterprise.slug for enterprise in enterprises][::order]
                cursor.execute(visits.ADD, [slugs, [month] * 6, [1] * 6])
        connection.close()

    threads = [threading.Thread(target=write, args=[order]) for order in (1, -1, 1, -1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(ProfileVisits.objects.values_list("views", flat=True)) == [20] * 6


def test_the_last_months_are_told_from_the_newest(enterprise):
    this = timezone.localdate().replace(day=1)
    ProfileVisits.objects.create(enterprise=enterprise, month=this, views=5)
    ProfileVisits.objects.create(enterprise=enterprise, month=date(2020, 1, 1), views=99)
    months = visits.of_last_months(enterprise, 6)
    assert months[0] == (this, 5)
    assert [views for _day, views in months[1:]] == [0] * 5
    days = [day for day, _views in months]
    assert days == sorted(set(days), reverse=True)
    assert all(day.day == 1 for day in days)
