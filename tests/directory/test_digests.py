"""The mail that tells staff what came to wait for them, once a day at most."""

import datetime
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from directory import claims, digests, outbox
from directory.models import Claim, Mail, Revision
from tests.at_once import at_once
from tests.factories import (
    ClaimFactory,
    ErrorReportFactory,
    RevisionFactory,
    SuggestionFactory,
    UserFactory,
)
from tests.smtp import html, text


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Noon in Longueuil, until `clock.pass_(days=…)`."""

    class Clock:
        now = datetime.datetime(2026, 11, 22, 17, tzinfo=datetime.UTC)

        def pass_(self, **span):
            self.now += timedelta(**span)

    clock = Clock()
    monkeypatch.setattr(timezone, "now", lambda: clock.now)
    # Its default is the function itself, not its name.
    monkeypatch.setattr(Mail._meta.get_field("created_at"), "_get_default", lambda: clock.now)
    return clock


@pytest.fixture
def boss(reference):
    return UserFactory(email="racine@exemple.test", is_staff=True, is_superuser=True)


def test_those_who_decide_are_told_of_what_waits_for_them(moderator, curator, member, clock):
    RevisionFactory()
    clock.pass_(days=5)
    ClaimFactory()
    ErrorReportFactory()
    RevisionFactory(state=Revision.State.APPLIED)
    assert digests.send() == 2  # a curator decides the error alone, a member nothing
    theirs = Mail.objects.exclude(recipient="moderation@exemple.test").get()
    assert "/moderation/?sorte=erreurs" in theirs.text
    assert "sorte=modifications" not in theirs.text
    mail = Mail.objects.get(recipient="moderation@exemple.test")
    assert not mail.service
    assert mail.subject == "3 demandes attendent votre décision"
    assert "La plus ancienne attend depuis 5\xa0jours." in mail.text.replace(
        "5 jours", "5\xa0jours"
    )
    for said in (mail.text, mail.html):
        assert "/moderation/?sorte=modifications" in said
        assert "/desabonnement/" in said
        assert "Une modification déjà en ligne est aussi à relire" in said
        assert "Suggestions" not in said


def test_one_request_is_told_in_the_singular(boss):
    SuggestionFactory()
    digests.send()
    assert Mail.objects.get().subject == "Une demande attend votre décision"
    assert "La plus ancienne" not in Mail.objects.get().text


def test_two_runs_the_same_day_send_one_and_nothing_new_none(boss, clock):
    SuggestionFactory()
    assert [digests.send(), digests.send()] == [1, 0]
    clock.pass_(hours=3)
    ErrorReportFactory()
    assert digests.send() == 0  # tomorrow
    clock.pass_(days=1)
    assert digests.send() == 1
    assert Mail.objects.latest("created_at").subject == "2 demandes attendent votre décision"
    for _day in range(3):
        clock.pass_(days=1)
        assert digests.send() == 0


def test_a_day_missed_is_told_the_next(boss, clock):
    SuggestionFactory()
    clock.pass_(days=12)
    assert digests.send() == 1


def test_nothing_waits_so_nothing_is_sent(boss):
    RevisionFactory(state=Revision.State.APPLIED)
    assert digests.send() == 0


def test_a_claim_whose_code_never_came_is_new_when_it_is_handed_to_staff(boss, clock):
    claim = ClaimFactory(state=Claim.State.CODE)
    SuggestionFactory()
    assert digests.send() == 1
    clock.pass_(days=1)
    claims.ask(
        enterprise=claim.enterprise,
        by=claim.user,
        function="Direction",
        grounds="Au registre.",
        phone="450 555-0199",
        takeover=False,
    )
    clock.pass_(hours=1)
    assert digests.send() == 1


def test_who_stopped_them_or_left_is_not_written_to(boss, people, reference):
    SuggestionFactory()
    people(email="partie@exemple.test", is_staff=True, is_superuser=True, is_active=False)
    outbox.unsubscribe(email=boss.email, kind=digests.KIND)
    assert digests.send() == 0
    assert digests.send(dry_run=True) == 0


def test_a_dry_run_counts_and_writes_nothing(boss, capsys):
    SuggestionFactory()
    call_command("send_reminders", "--dry-run")
    assert "1 of the staff told (dry run)" in capsys.readouterr().out
    assert not Mail.objects.exists()
    call_command("send_reminders")
    assert "1 of the staff told\n" in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_send_one(boss):
    SuggestionFactory()
    assert sorted(at_once(digests.send, digests.send)) == [0, 1]
    assert Mail.objects.count() == 1


def test_it_leaves_as_text_and_html_and_one_click_stops_it(boss, smtp, client):
    SuggestionFactory()
    digests.send()
    outbox.send_due()
    (received,) = smtp.messages
    assert "Ouvrir la modération" in text(received)
    assert "Ouvrir la modération" in html(received)
    stop = received["List-Unsubscribe"].strip("<>")
    assert client.post(stop.replace("https://repertoire.example", "")).status_code == 200
    assert outbox.unsubscribed(boss.email, digests.KIND)
