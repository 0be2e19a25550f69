"""Reminders: when a listing is due, whom one may write to, the link that confirms it."""

import datetime
import re
import threading
from datetime import date, timedelta
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.urls import reverse
from django.utils import timezone

from directory import bulk_invitations, freshness, outbox
from directory.models import ConsentBasis, Enterprise, Mail, Reminder, Representative
from directory.views.freshness import change_address
from tests.factories import (
    ConsentBasisFactory,
    EnterpriseFactory,
    MailFactory,
    OfferingFactory,
    UserFactory,
)
from tests.smtp import html, text

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 22)
EMAIL = "info@traiteur.example"


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """The day is TODAY, until `clock.pass_(days=…)`."""

    class Clock:
        now = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)

        def pass_(self, **span):
            self.now += timedelta(**span)

    clock = Clock()
    monkeypatch.setattr(timezone, "now", lambda: clock.now)
    monkeypatch.setattr("django.core.signing.time.time", lambda: clock.now.timestamp())
    return clock


def due(confirmed_on=date(2025, 11, 22), **fields):
    return EnterpriseFactory(published=True, confirmed_on=confirmed_on, **fields)


def owned(enterprise, email="alice@exemple.test", role="owner", **fields):
    user = UserFactory(email=email, **fields)
    Representative.objects.create(user=user, enterprise=enterprise, role=role)
    return enterprise


def steps(enterprise):
    return list(enterprise.reminders.order_by("step").values_list("step", flat=True))


def remind():
    done = freshness.remind()
    return done.mailed, done.again, done.to_call


# --- When a listing is due


@pytest.mark.parametrize(
    ("confirmed", "published", "months", "expected"),
    [
        (date(2026, 1, 15), date(2020, 1, 1), 12, date(2027, 1, 15)),
        (None, date(2026, 2, 1), 6, date(2026, 8, 1)),
        (date(2025, 11, 30), date(2020, 1, 1), 3, date(2026, 2, 28)),
        (date(2024, 2, 29), date(2020, 1, 1), 12, date(2025, 2, 28)),
    ],
)
def test_a_listing_is_due_so_many_months_after_it_was_last_said_true(
    confirmed, published, months, expected
):
    EnterpriseFactory(
        published=True,
        confirmed_on=confirmed,
        confirmed_by="staff" if confirmed else "",
        published_on=published,
        confirm_every_months=months,
    )
    assert Enterprise.objects.with_due_on().get().due_on == expected


def test_only_published_listings_past_their_date_are_reminded():
    owned(due(confirmed_on=TODAY - timedelta(days=100)))
    EnterpriseFactory(archived=True)
    EnterpriseFactory(name="Brouillon")
    assert remind() == (0, 0, 0)
    assert not Mail.objects.exists()


# --- Steps


def test_an_owner_is_written_to_then_again_then_called(clock):
    enterprise = owned(due())
    assert remind() == (1, 0, 0)
    assert remind() == (0, 0, 0)  # run twice, sent once
    clock.pass_(days=20)
    assert remind() == (0, 0, 0)
    clock.pass_(days=1)
    assert remind() == (0, 1, 0)
    assert remind() == (0, 0, 0)
    clock.pass_(days=21)
    assert remind() == (0, 0, 1)
    clock.pass_(days=100)
    assert remind() == (0, 0, 0)
    assert steps(enterprise) == [1, 2, 3]
    mails = Mail.objects.order_by("pk")
    assert [mail.recipient for mail in mails] == ["alice@exemple.test"] * 2
    assert all(mail.service for mail in mails)
    assert [mail.subject.startswith("Rappel") for mail in mails] == [False, True]


def test_days_missed_delay_a_step_and_skip_none(clock):
    enterprise = owned(due(confirmed_on=date(2025, 1, 1)))
    clock.pass_(days=90)
    assert remind() == (1, 0, 0)
    clock.pass_(days=200)
    assert remind() == (0, 1, 0)
    clock.pass_(days=200)
    assert remind() == (0, 0, 1)
    assert steps(enterprise) == [1, 2, 3]


def test_a_confirmation_ends_the_steps_and_the_next_date_starts_them_anew(clock):
    enterprise = owned(due())
    remind()
    freshness.confirm(enterprise=enterprise, source="owner", by=None)
    clock.pass_(days=30)
    assert remind() == (0, 0, 0)
    clock.pass_(days=340)
    assert remind() == (1, 0, 0)
    assert Mail.objects.count() == 2


def test_each_owner_is_written_to_editors_and_closed_accounts_are_not():
    enterprise = owned(due())
    owned(enterprise, "autre@exemple.test")
    owned(enterprise, "editrice@exemple.test", role="editor")
    owned(enterprise, "partie@exemple.test", is_active=False)
    remind()
    assert sorted(Mail.objects.values_list("recipient", flat=True)) == [
        "alice@exemple.test",
        "autre@exemple.test",
    ]


def test_a_closed_account_explains_nothing_of_why_nobody_is_reached():
    enterprise = owned(due(), "partie@exemple.test", is_active=False)
    assert freshness.recipients(enterprise) == []
    assert freshness.unreached_because(enterprise) == "sans courriel"
    asked, mine = reverse("directory:claim", args=[enterprise.slug]), "directory:mine_listing"
    assert change_address(enterprise) == asked
    owned(enterprise, "editrice@exemple.test", role="editor")
    assert change_address(enterprise) == reverse(mine, args=[enterprise.slug])


def test_an_enterprise_without_an_address_one_may_write_to_is_called_at_once():
    enterprise = due(email=EMAIL)
    assert remind() == (0, 0, 1)
    assert steps(enterprise) == [3]
    assert not Mail.objects.exists()


def test_a_consented_address_is_written_to_with_a_way_to_stop(smtp, client, clock):
    enterprise = due(email=EMAIL)
    ConsentBasisFactory(enterprise=enterprise, email=EMAIL)
    assert remind() == (1, 0, 0)
    outbox.send_due()
    (message,) = smtp.messages
    assert message["To"] == EMAIL
    stop = urlsplit(message["List-Unsubscribe"].strip("<>")).path
    assert client.post(stop).status_code == 200
    clock.pass_(days=1)
    assert remind() == (0, 0, 1)  # nobody to write to any more: no need to wait
    assert steps(enterprise) == [1, 3]


def test_an_address_that_came_back_is_not_written_to_again(clock):
    enterprise = owned(due(email=EMAIL))
    remind()
    Mail.objects.update(sent_at=clock.now, bounced_at=clock.now)
    clock.pass_(days=1)
    ConsentBasisFactory(enterprise=enterprise, email=EMAIL)
    assert remind() == (0, 0, 0)  # another address is known: its turn comes
    clock.pass_(days=20)
    assert remind() == (0, 1, 0)
    assert Mail.objects.order_by("pk").last().recipient == EMAIL
    Mail.objects.update(sent_at=clock.now, bounced_at=clock.now)
    clock.pass_(days=1)
    assert remind() == (0, 0, 1)


def test_a_dry_run_counts_and_writes_nothing(capsys):
    owned(due())
    due()
    call_command("send_reminders", "--dry-run")
    assert (
        capsys.readouterr().out
        == "1 reminded, 0 reminded again, 1 to call, 0 of the staff told (dry run)\n"
    )
    assert not Reminder.objects.exists()
    assert not Mail.objects.exists()
    call_command("send_reminders")
    assert (
        "1 reminded, 0 reminded again, 1 to call, 0 of the staff told\n" in capsys.readouterr().out
    )


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_take_each_step_once():
    for number in range(6):
        owned(due(), f"a{number}@exemple.test")
    ready, counts = threading.Barrier(2), []

    def run():
        ready.wait()
        counts.append(freshness.remind().mailed)
        connections.close_all()

    runs = [threading.Thread(target=run) for _ in range(2)]
    for thread in runs:
        thread.start()
    for thread in runs:
        thread.join(60)
    assert sum(counts) == 6
    assert Mail.objects.count() == Reminder.objects.count() == 6


# --- Whom one may write to


@pytest.mark.parametrize(
    ("fields", "allowed"),
    [
        ({}, True),
        ({"email": EMAIL.upper()}, True),
        ({"email": "autre@traiteur.example"}, True),  # to be reminded there, not invited
        ({"withdrawn_on": date(2026, 2, 1)}, False),
        ({"given_on": date(2027, 1, 1)}, False),
        ({"basis": "published", "given_on": date(2015, 1, 1)}, True),
        ({"basis": "express", "given_on": date(2015, 1, 1)}, True),
        ({"basis": "relationship", "given_on": TODAY - timedelta(days=730)}, True),
        ({"basis": "relationship", "given_on": TODAY - timedelta(days=731)}, False),
    ],
)
def test_what_allows_to_write_is_on_record_and_in_force(fields, allowed):
    enterprise = due(email=EMAIL)
    ConsentBasisFactory(enterprise=enterprise, **fields)
    assert freshness.in_force(enterprise).exists() is allowed
    assert bool(freshness.recipients(enterprise)) is allowed
    assert not freshness.recipients(due(email=EMAIL))
    elsewhere = fields.get("email", EMAIL).lower() != EMAIL
    prospect = bulk_invitations.prospects().get(pk=enterprise.pk)
    assert prospect.apart == ("" if allowed and not elsewhere else "no_right")


@pytest.mark.parametrize("email", [EMAIL, EMAIL.upper()])
def test_one_may_not_write_where_mail_came_back_within_a_year(email, clock):
    enterprise = due(email=email)
    ConsentBasisFactory(enterprise=enterprise, email=email)
    MailFactory(recipient=EMAIL, sent_at=clock.now, bounced_at=clock.now)
    assert not freshness.recipients(enterprise)
    assert bulk_invitations.prospects().get().apart == "came_back"
    clock.pass_(days=366)
    assert freshness.recipients(enterprise) == [(email, False)]
    assert bulk_invitations.prospects().get().apart == ""


def test_staff_note_what_allows_to_write_in_their_name(curator):
    enterprise = due()
    curator.post(
        reverse("admin:directory_consentbasis_add"),
        {
            "enterprise": enterprise.pk,
            "email": EMAIL,
            "basis": "express",
            "source": "Formulaire du 12 mars",
            "given_on": "2026-03-12",
            "withdrawn_on": "",
        },
    )
    assert ConsentBasis.objects.get().recorded_by == curator.user


# --- The link


@pytest.fixture
def link(smtp):
    """The address of the button in the mail that an owner has just been sent."""
    enterprise = owned(
        due(
            phone="+14505550123",
            email=EMAIL,
            name="Traiteur & fils",
            provenance={"phone": "import"},
        )
    )
    OfferingFactory(enterprise=enterprise, name="Boîtes à lunch")
    remind()
    outbox.send_due()
    (message,) = smtp.messages
    assert "450\xa0555-0123" in text(message)
    found = re.search(r"https://repertoire\.example(/confirmer/[^\s]+)", text(message))[1]
    assert found in html(message)
    return found


def test_a_scanner_that_follows_the_link_confirms_nothing_a_tap_does(link, client):
    for _scan in range(3):
        page = client.get(link)
    assert page.status_code == 200
    shown = page.content.decode()
    assert "450\xa0555-0123" in shown
    assert "Boîtes à lunch" in shown
    assert "Traiteur &amp; fils" in shown
    assert Enterprise.objects.get().confirmed_on == date(2025, 11, 22)
    response = client.post(link)
    assert response.status_code == 302
    assert not response.cookies
    enterprise = Enterprise.objects.get()
    assert enterprise.confirmed_on == TODAY
    assert enterprise.confirmed_by == "owner"
    assert enterprise.provenance == {"phone": "owner"}
    assert enterprise.version == 2
    assert enterprise.history.latest().history_change_reason == "Tout est exact"
    assert "C’est confirmé" in client.get(response.headers["Location"]).content.decode()


def test_a_link_confirms_once(link, client):
    client.post(link)
    response = client.post(link)
    assert response.status_code == 200
    assert "C’est confirmé" in response.content.decode()
    assert Enterprise.objects.get().version == 2


def test_a_link_that_is_three_months_old_says_so(link, client, clock):
    clock.pass_(days=91)
    for ask in (client.get, client.post):
        response = ask(link)
        assert response.status_code == 200
        assert "Ce lien n’est plus bon" in response.content.decode()
    assert Enterprise.objects.get().confirmed_on == date(2025, 11, 22)


def test_a_link_of_the_last_date_does_not_confirm_the_next(link, client, clock):
    Enterprise.objects.update(confirm_every_months=3)
    assert "Ce lien n’est plus bon" in client.post(link).content.decode()


def test_a_link_to_a_listing_that_is_gone_leads_nowhere(link, client):
    Enterprise.objects.update(state="archived", closing="closed")
    assert client.get(link).status_code == 404
    assert client.post(link).status_code == 404


def test_a_link_leads_to_where_changes_are_told(link, client):
    page = client.get(link).content.decode()
    assert "Quelque chose a changé" in page
    address = re.search(r'<a href="([^"]+)">Quelque chose a changé', page)[1]
    assert client.get(address).status_code in {200, 302}


def test_the_page_of_a_link_is_kept_by_nobody_and_found_by_no_engine(link, client):
    page = client.get(link)
    assert "no-store" in page.headers["Cache-Control"]
    assert 'name="robots" content="noindex"' in page.content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_link_followed_twice_at_once_confirms_once(reference):
    enterprise = due()
    token = urlsplit(freshness.confirmation_link(enterprise, TODAY)).path.split("/")[2]
    ready, states = threading.Barrier(2), []

    def follow():
        ready.wait()
        states.append(freshness.confirm_by_link(token).state)
        connections.close_all()

    both = [threading.Thread(target=follow) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(30)
    assert sorted(states) == ["good", "used"]
    enterprise.refresh_from_db()
    assert enterprise.version == 2


# --- Saying that all is true


def test_staff_speak_for_files_and_the_enterprise_for_all(superuser):
    said = {"phone": "import", "email": "staff", "name": "owner"}
    enterprise = due(provenance=said)
    freshness.confirm(enterprise=enterprise, source="staff", by=superuser.user)
    assert enterprise.provenance == {"phone": "staff", "email": "staff", "name": "owner"}
    assert enterprise.history.latest().history_user == superuser.user
    freshness.confirm(enterprise=enterprise, source="owner", by=None)
    assert set(enterprise.provenance.values()) == {"owner"}
    with pytest.raises(ValueError, match="confirms nothing"):
        freshness.confirm(enterprise=enterprise, source="import", by=None)


def test_the_public_figure_is_the_share_confirmed_within_a_year(client, reference):
    assert freshness.share_confirmed() is None
    due(confirmed_on=date(2025, 11, 22))
    due(confirmed_on=date(2025, 11, 21))
    due(confirmed_on=date(2026, 11, 1))
    connection.check_constraints()  # as a commit would: the version of the data moves
    assert freshness.share_confirmed() == 66
    assert "66\xa0%" in client.get(reverse("directory:about")).content.decode()
