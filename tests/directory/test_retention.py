"""What is kept of people, how long, and its purge."""

import io
import re
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import get_random_string

from directory import accounts, retention
from directory.models import AuditEntry, Counter, Mail, Representative, Revision, User
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def purge(*arguments):
    said = io.StringIO()
    call_command("purge", *arguments, stdout=said)
    return said.getvalue()


def test_a_purge_counts_and_erases_nothing_until_it_is_told_to():
    now = timezone.now()
    Counter.objects.create(key="a", expires_at=now - timedelta(days=1))
    for age in (89, 91):
        Mail.objects.create(dedupe_key=age, message_id=age, recipient="a@exemple.test",
                            sent_at=now - timedelta(days=age))  # fmt: skip
    assert re.search(r"mails +1\n", purge())
    assert Mail.objects.count() == 2
    assert re.search(r"mails +1\n", purge("--apply"))
    assert [mail.dedupe_key for mail in Mail.objects.all()] == ["89"]
    assert not Counter.objects.exists()
    assert re.search(r"mails +0\n", purge("--apply"))


def revision(enterprise, age, section="contacts", **fields):
    """One of the age given, in days, that proposed somebody's name and a telephone."""
    said = {"before": "", "proposed": "Ancienne Personne"}
    made = Revision.objects.create(
        enterprise=enterprise, section=section, base_version=1, source="owner",
        key=get_random_string(20),
        **{"state": "applied", "changes": {"phone": said, "contacts": said}} | fields,
    )  # fmt: skip
    Revision.objects.filter(pk=made.pk).update(submitted_at=timezone.now() - timedelta(days=age))
    return made


def test_what_nobody_ever_read_of_a_change_goes_as_what_was_decided_does(enterprise):
    long_ago = timezone.now() - timedelta(days=1100)
    revision(enterprise, 1100)
    revision(enterprise, 1100, state="waiting")
    revision(enterprise, 1200, state="decided", decided_at=long_ago)
    kept = revision(enterprise, 1200, state="decided", decided_at=timezone.now())
    recent = revision(enterprise, 1000, state="waiting")
    assert re.search(r"revisions +3\n", purge("--apply"))
    assert set(Revision.objects.all()) == {kept, recent}


def test_what_a_change_said_of_people_goes_with_their_old_versions(enterprise):
    old, recent = revision(enterprise, 731), revision(enterprise, 729)
    assert re.search(r"contacts +1\n", purge())
    assert re.search(r"contacts +1\n", purge("--apply"))
    old.refresh_from_db()
    recent.refresh_from_db()
    assert old.changes == {"phone": {"before": "", "proposed": "Ancienne Personne"}}
    assert set(recent.changes) == {"phone", "contacts"}
    Revision.objects.filter(pk=old.pk).update(changes={"contacts": []})
    purge("--apply")
    assert re.search(r"revisions +1\n", purge("--apply"))
    assert set(Revision.objects.all()) == {recent}


def test_a_line_of_the_schedule_that_fails_stops_no_other(enterprise, monkeypatch, caplog):
    old = timezone.now() - timedelta(days=4 * 365)
    unused = UserFactory(email="oubli@exemple.test", last_login=old)
    key = retention.warned(unused)
    Mail.objects.create(
        dedupe_key=key, message_id=key, kind="account_unused", recipient=unused.email,
        sent_at=timezone.now() - timedelta(days=31),
    )  # fmt: skip
    Counter.objects.create(key="a", expires_at=old)

    def failing(**_said):
        User.objects.all().delete()
        raise RuntimeError

    monkeypatch.setattr(accounts, "leave", failing)
    with pytest.raises(CommandError, match="account"):
        purge("--apply")
    assert User.objects.exists()
    assert not Counter.objects.exists()
    assert "Nothing erased of account" in caplog.text


def test_an_unused_account_is_told_a_month_before_it_is_erased(enterprise):
    old = timezone.now() - timedelta(days=4 * 365)
    unused = UserFactory(email="oubli@exemple.test", last_login=old)
    kept = [
        UserFactory(last_login=timezone.now()),
        UserFactory(last_login=old, is_staff=True),
        UserFactory(last_login=old),
    ]
    Representative.objects.create(user=kept[2], enterprise=enterprise, role="owner")
    purge("--apply")
    mail = Mail.objects.get(kind="account_unused")
    assert mail.recipient == unused.email
    assert User.objects.filter(pk=unused.pk).exists()
    purge("--apply")
    assert Mail.objects.filter(kind="account_unused").count() == 1
    Mail.objects.update(sent_at=timezone.now() - timedelta(days=31))
    purge("--apply")
    assert set(User.objects.values_list("pk", flat=True)) == {user.pk for user in kept}


def test_traces_older_than_two_years_go_and_the_others_cannot():
    AuditEntry.objects.create(act="old", at=timezone.now() - timedelta(days=800))
    AuditEntry.objects.create(act="young")
    purge("--apply")
    assert [entry.act for entry in AuditEntry.objects.all()] == ["young"]


def test_the_privacy_page_shows_the_schedule_that_is_obeyed(client):
    page = client.get(reverse("directory:privacy")).content.decode()
    for line in retention.LINES:
        assert str(line.what) in page
        assert f"<td>{line.how_long}</td>" in page
        assert "%(" not in line.how_long


def test_no_figure_of_the_schedule_is_written_by_hand():
    for line in retention.LINES:
        assert not re.search(r"\d|\b(deux|trois|cinq|six) (an|mois|jour|semaine)", str(line.kept))


def test_the_privacy_page_speaks_of_all_that_a_listing_and_an_account_leave(client):
    page = client.get(reverse("directory:privacy")).content.decode()
    for said in (
        "rappel",
        "courriel qui revient",
        "consultée par mois",
        "historique",
        "connexion est ouverte",
        "14\xa0jours",
        "second facteur",
    ):
        assert said in page, said


def test_a_mail_that_came_back_is_kept_as_long_as_its_address_is_not_written_to():
    now = timezone.now()
    for age in (100, 364, 366):
        Mail.objects.create(dedupe_key=age, message_id=age, recipient="a@exemple.test",
                            sent_at=now - timedelta(days=age),
                            bounced_at=now - timedelta(days=age))  # fmt: skip
    assert re.search(r"mails +1\n", purge("--apply"))
    assert [mail.dedupe_key for mail in Mail.objects.order_by("pk")] == ["100", "364"]
