"""A listing that two calls found nobody for: out of results, still there, back by itself."""

import io
from datetime import timedelta

import openpyxl
import pytest
from django.core.management import call_command
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from directory import changes, freshness, integrity, phone_calls, sections, state
from directory.models import Enterprise, Listing
from tests.factories import EnterpriseFactory, PhoneCallFactory, ReminderFactory, UserFactory

pytestmark = pytest.mark.django_db

ADMIN = "admin:directory_enterprise_changelist"


@pytest.fixture
def by():
    return UserFactory(name="Estelle Équipe", is_staff=True)


@pytest.fixture
def silent():
    """On the telephone list, and never called."""
    confirmed = timezone.localdate() - timedelta(days=800)
    enterprise = EnterpriseFactory(
        name="Traiteur muet",
        slug="traiteur-muet",
        published=True,
        confirmed_on=confirmed,
        phone="+14505550123",
    )
    due = Enterprise.objects.with_due_on().get(pk=enterprise.pk).due_on
    ReminderFactory(enterprise=enterprise, due_on=due, step=freshness.CALL)
    return enterprise


def call(enterprise, outcome, by, **said):
    key = f"{outcome}-{enterprise.phone_calls.count()}"
    assert phone_calls.record(enterprise=enterprise, outcome=outcome, by=by, key=key, **said)
    enterprise.refresh_from_db()


def hide(enterprise, by):
    call(enterprise, "no_answer", by)
    call(enterprise, "no_answer", by)


def listed(enterprise):
    """As results have it; what is stored is always what should be."""
    found = Listing.objects.filter(enterprise=enterprise).exists()
    assert found == Enterprise.objects.listed().filter(pk=enterprise.pk).exists()
    assert found != enterprise.is_unreachable
    report = integrity.check(timezone.localdate())
    assert report.wrong == []
    return found


def test_the_second_call_without_an_answer_takes_it_out_of_results(silent, by, client):
    call(silent, "no_answer", by)
    assert listed(silent)
    call(silent, "wrong_number", by)
    assert not listed(silent)
    assert silent.unreachable_since == timezone.localdate()
    last = silent.history.first()
    assert (last.history_user, last.version) == (by, silent.version)
    assert last.history_change_reason == "Appels sans réponse\xa0: hors des résultats"
    assert client.get("/entreprises.json").json()["total"] == 0
    assert client.get("/sitemap-entreprises-1.xml").status_code == 404
    assert phone_calls.waiting().filter(pk=silent.pk).exists()


def test_its_page_stays_and_says_that_nobody_answers(silent, by, client):
    hide(silent, by)
    page = client.get(silent.get_absolute_url())
    assert page.status_code == 200
    assert "Personne n’a répondu aux appels du Pôle depuis le" in page.content.decode()


def test_who_searches_for_it_by_its_name_is_led_to_its_page(silent, by, client):
    hide(silent, by)
    html = client.get("/entreprises/?q=traiteur+muet").content.decode()
    assert "Personne n’y répond aux appels du Pôle" in html
    assert f'href="{silent.get_absolute_url()}">Voir la fiche' in html


@pytest.mark.parametrize("first", ["call_back", "changed"])
def test_calls_count_for_what_they_found_not_for_their_number(silent, by, first):
    said = {"call_back_on": timezone.localdate()} if first == "call_back" else {}
    call(silent, first, by, **said)
    call(silent, "no_answer", by)
    assert listed(silent)


def test_calls_of_another_round_do_not_count(silent, by):
    PhoneCallFactory(enterprise=silent, at=timezone.now() - timedelta(days=2_000))
    call(silent, "no_answer", by)
    assert listed(silent)


def test_calls_to_a_listing_that_is_not_due_hide_nothing(by):
    enterprise = EnterpriseFactory(published=True)
    hide(enterprise, by)
    assert listed(enterprise)


@pytest.mark.parametrize(("outcome", "back"), [
    ("confirmed", True), ("changed", True), ("call_back", True), ("closed", False),
    ("no_answer", False),
])  # fmt: skip
def test_a_call_that_somebody_answers_puts_it_back(silent, by, outcome, back):
    hide(silent, by)
    said = {"call_back_on": timezone.localdate()} if outcome == "call_back" else {}
    call(silent, outcome, by, **said)
    assert listed(silent) is back
    assert (silent.unreachable_since is None) is back


def test_a_third_call_leaves_the_day_as_it_is(silent, by):
    hide(silent, by)
    before = timezone.localdate() - timedelta(days=9)
    Enterprise.objects.filter(pk=silent.pk).update(unreachable_since=before)
    call(silent, "no_answer", by)
    assert silent.unreachable_since == before


def test_the_link_of_a_reminder_puts_it_back(silent, by):
    hide(silent, by)
    due = Enterprise.objects.with_due_on().get(pk=silent.pk).due_on
    link = freshness.confirmation_link(silent, due)
    freshness.confirm_by_link(link.rstrip("/").rpartition("/")[2])
    silent.refresh_from_db()
    assert listed(silent)


@pytest.mark.parametrize(("source", "back"), [("owner", True), ("staff", False)])
def test_an_edit_by_its_owner_puts_it_back_and_one_by_staff_does_not(silent, by, source, back):
    hide(silent, by)
    sections.apply(
        enterprise=silent,
        section="identity",
        changes={"mission": "Cuisiner pour tous."},
        by=by,
        source=source,
    )
    silent.refresh_from_db()
    assert listed(silent) is back


def test_a_confirmation_written_by_hand_puts_it_back_and_taken_back_hides_it_again(silent, by):
    hide(silent, by)
    before = silent.confirmed_on
    for day, found in ((timezone.localdate(), True), (before, False)):
        Enterprise.objects.filter(pk=silent.pk).update(confirmed_on=day)
        silent.refresh_from_db()
        assert listed(silent) is found


def test_its_owner_reads_it_and_brings_it_back_in_one_tap(silent, by, alice):
    alice.enterprise.representatives.update(enterprise=silent)
    hide(silent, by)
    page = reverse("directory:mine_listing", args=[silent.slug])
    assert "ne paraît plus dans les résultats" in alice.get(page).content.decode()
    alice.post(reverse("directory:mine_confirm", args=[silent.slug]))
    silent.refresh_from_db()
    assert listed(silent)
    assert "ne paraît plus dans les résultats" not in alice.get(page).content.decode()


def test_staff_find_it_from_the_index_and_in_their_files(silent, by, curator):
    hide(silent, by)
    EnterpriseFactory(name="Joignable", published=True)
    address = f"{reverse(ADMIN)}?injoignable=1"
    assert address in curator.get(reverse("admin:index")).content.decode()
    rows = curator.get(address).context["cl"].result_list
    assert [row.name for row in rows] == ["Traiteur muet"]
    page = reverse("admin:directory_enterprise_change", args=[silent.pk])
    assert "Injoignable depuis" in curator.get(page).content.decode()
    ids = list(Enterprise.objects.values_list("pk", flat=True))
    response = curator.post(reverse(ADMIN), {"action": "export", "_selected_action": ids})
    sheet = openpyxl.load_workbook(io.BytesIO(response.getvalue())).worksheets[0]
    header, *lines = sheet.iter_rows(values_only=True)
    rows = {row["Nom"]: row for row in (dict(zip(header, line, strict=True)) for line in lines)}
    column = "Hors des résultats, injoignable depuis le"
    assert rows["Traiteur muet"][column].date() == timezone.localdate()
    assert rows["Joignable"][column] is None


def test_the_caller_is_told_and_the_list_says_it(silent, facilitator):
    address = reverse("directory:phone_call", args=[silent.slug])
    said = {"outcome": "no_answer", "note": "", "call_back_on": "", "consent_email": ""}
    facilitator.post(address, said | {"key": "a" * 32})
    html = facilitator.post(address, said | {"key": "b" * 32}, follow=True).content.decode()
    assert "ne paraît plus dans les résultats" in html
    html = facilitator.get(reverse("directory:phone_list") + "?tous=1").content.decode()
    assert "hors des résultats" in html


def test_the_index_of_another_who_signs_in_says_nothing_of_it(silent, by, moderator):
    hide(silent, by)
    assert "injoignable=1" not in moderator.get(reverse("admin:index")).content.decode()


@pytest.mark.django_db(transaction=True)
def test_changes_since_say_that_it_left_and_that_it_came_back(silent, by, reference):
    def told(since):
        found = changes.since(changes.Since(since))
        gone = {row["slug"]: (row["reason"], row["successor"]) for row in found.withdrawn}
        return gone, [row["slug"] for row in found.published]

    start = state.current().version
    hide(silent, by)
    assert told(start) == ({"traiteur-muet": ("unreachable", None)}, [])
    hidden = state.current().version
    freshness.confirm(enterprise=silent, source="owner", by=None)
    assert told(hidden) == ({}, ["traiteur-muet"])
    assert integrity.check(timezone.localdate()).wrong == []


@pytest.mark.django_db(transaction=True)
def test_what_it_alone_says_is_no_longer_proposed_as_a_correction(silent, by):
    Enterprise.objects.filter(pk=silent.pk).update(name="Xylophonerie")
    silent.refresh_from_db()
    state.take_words()

    def known():
        with connection.cursor() as cursor:
            cursor.execute("SELECT words FROM directory_snapshot")
            return "Xylophonerie" in str(cursor.fetchone())

    assert known()
    hide(silent, by)
    state.take_words()
    assert not known()


def test_the_command_that_reminds_leaves_it_on_the_list(silent, by):
    hide(silent, by)
    call_command("send_reminders", verbosity=0)
    assert silent.reminders.count() == 1
    assert phone_calls.waiting().filter(pk=silent.pk).exists()
