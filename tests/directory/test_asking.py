"""Listings ticked by staff and asked to confirm: whom, when, once, and until when it is undone."""

import threading
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from directory import acts, freshness, outbox
from directory.models import AuditEntry, BulkAct, Enterprise, Mail, Reminder, Representative
from tests.factories import ConsentBasisFactory, EnterpriseFactory, UserFactory
from tests.smtp import text

pytestmark = pytest.mark.django_db

LIST = "admin:directory_enterprise_changelist"


@pytest.fixture
def by():
    return UserFactory(is_staff=True)


def reachable(name, days=30, **fields):
    """Published, confirmed so many days ago, at an address one may write to."""
    email = f"info@{name.lower()}.example"
    enterprise = EnterpriseFactory(
        name=name,
        published=True,
        confirmed_on=timezone.localdate() - timedelta(days=days),
        email=email,
        **fields,
    )
    ConsentBasisFactory(enterprise=enterprise, email=email)
    return enterprise


def ask(by, *enterprises):
    return acts.ask_to_confirm(ids=[row.pk for row in enterprises], by=by)


def let_them_leave():
    """Ten minutes later, the sender runs."""
    Mail.objects.filter(sent_at=None).update(not_before=timezone.now())
    call_command("send_notifications", verbosity=0)


def test_who_may_be_written_to_gets_a_mail_a_few_minutes_later_and_its_link_confirms(by, smtp):
    enterprise = reachable("Alpha")
    done = ask(by, enterprise)
    assert (done.changed, done.left) == (1, [])
    mail = Mail.objects.get()
    assert timedelta(minutes=9) < mail.not_before - timezone.now() <= acts.BEFORE_MAILS_LEAVE
    call_command("send_notifications", verbosity=0)
    assert smtp.messages == []
    let_them_leave()
    (message,) = smtp.to("info@alpha.example")
    assert "List-Unsubscribe" in message
    link = next(line for line in text(message).splitlines() if "/confirmer/" in line)
    freshness.confirm_by_link(link.rstrip("/").rpartition("/")[2])
    enterprise.refresh_from_db()
    assert enterprise.confirmed_on == timezone.localdate()


def test_the_others_are_left_alone_each_for_its_reason(by):
    draft = EnterpriseFactory(name="Brouillon")
    mute = EnterpriseFactory(name="Muette", published=True)
    forbidden = EnterpriseFactory(name="Interdite", published=True, email="i@interdite.example")
    lost, stopped = reachable("Perdue"), reachable("Partie")
    Mail.objects.create(
        dedupe_key="x", kind="code", recipient=lost.email, message_id="<x@y>",
        bounced_at=timezone.now(), sent_at=timezone.now(),
    )  # fmt: skip
    outbox.unsubscribe(email=stopped.email, kind="reminder")
    done = ask(by, draft, mute, forbidden, lost, stopped)
    assert {row.name: why for row, why in done.left} == {
        "Brouillon": "non publiée",
        "Muette": "sans courriel",
        "Interdite": "sans consentement aux courriels",
        "Perdue": "courriel revenu",
        "Partie": "ne veut plus de ces courriels",
    }
    assert (done.act, BulkAct.objects.count(), Mail.objects.filter(sent_at=None).count()) == (
        None, 0, 0,
    )  # fmt: skip


def test_its_owners_are_asked_rather_than_the_address_listed(by):
    enterprise = reachable("Alpha")
    for name in ("un", "deux"):
        user = UserFactory(email=f"{name}@exemple.test")
        Representative.objects.create(user=user, enterprise=enterprise, role="owner")
    ask(by, enterprise)
    assert set(Mail.objects.values_list("recipient", "service")) == {
        ("un@exemple.test", True),
        ("deux@exemple.test", True),
    }


def test_sent_twice_it_asks_once(by):
    enterprise = reachable("Alpha")
    ask(by, enterprise)
    done = ask(by, enterprise)
    assert (done.act, Mail.objects.count(), BulkAct.objects.count()) == (None, 1, 1)
    ((_row, why),) = done.left
    assert why.startswith("courriel déjà écrit le ")


@pytest.mark.django_db(transaction=True)
def test_of_two_who_ask_at_once_one_does(by):
    enterprise, counts = reachable("Alpha"), []

    def work():
        try:
            counts.append(ask(by, enterprise).changed)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(counts) == [0, 1]
    assert Mail.objects.count() == 1


def test_asked_when_it_was_due_it_is_not_reminded_the_day_after(by):
    due, early = reachable("Due", days=400), reachable("Avance")
    ask(by, due, early)
    assert list(Reminder.objects.values_list("enterprise", "step")) == [(due.pk, freshness.MAIL)]
    assert freshness.remind().mailed == 0
    assert Mail.objects.count() == 2


def test_taken_back_in_time_nothing_leaves_and_it_can_be_asked_again(by, smtp):
    due = reachable("Due", days=400)
    done = acts.undo(act=ask(by, due).act, by=by)
    assert (done.changed, done.left) == (1, [])
    let_them_leave()
    assert smtp.messages == []
    assert not Reminder.objects.exists()
    assert AuditEntry.objects.filter(act="bulk.undone").exists()
    assert ask(by, due).changed == 1


def test_taken_back_too_late_it_says_which_had_gone(by, smtp):
    gone, kept = reachable("Partie"), reachable("Restée", days=400)
    act = ask(by, gone, kept).act
    Mail.objects.filter(recipient=gone.email).update(not_before=timezone.now())
    call_command("send_notifications", verbosity=0)
    done = acts.undo(act=act, by=by)
    assert (done.changed, done.left) == (1, [(gone, "son courriel était déjà parti")])
    let_them_leave()
    assert [message["To"] for message in smtp.messages] == [gone.email]
    with pytest.raises(acts.AlreadyUndone):
        acts.undo(act=act, by=by)


@pytest.mark.django_db(transaction=True)
def test_a_mail_that_is_leaving_is_not_waited_for_nor_lost(by, smtp):
    enterprise = reachable("Alpha")
    act = ask(by, enterprise).act
    Mail.objects.update(not_before=timezone.now())
    smtp.delay = 1
    sender = threading.Thread(target=lambda: (outbox.send_due(), connection.close()))
    sender.start()
    while not smtp.connections:
        pass
    done = acts.undo(act=act, by=by)
    sender.join()
    assert (done.changed, len(smtp.messages)) == (0, 1)
    assert Mail.objects.get().sent_at


# --- In the admin


def act(person, *enterprises, **said):
    data = {"action": "ask_to_confirm", "_selected_action": [row.pk for row in enterprises]}
    return person.post(reverse(LIST), data | said, follow=True)


def test_staff_see_who_will_be_written_to_and_who_will_not_before_anything_is_written(curator):
    alpha, mute = reachable("Alpha"), EnterpriseFactory(name="Muette", published=True)
    html = act(curator, alpha, mute).content.decode()
    assert "Un courriel partira pour 1 entreprise" in html
    assert "info@alpha.example" in html
    assert "sans courriel" in html
    assert not Mail.objects.exists()
    html = act(curator, alpha, mute, apply="1").content.decode()
    assert "Confirmation demandée à 1 entreprise" in html
    assert "Muette\xa0: sans courriel." in html
    assert act(curator, alpha, apply="1").content.decode().count("déjà écrit") == 1
    assert Mail.objects.count() == 1
    done = BulkAct.objects.get()
    page = curator.post(reverse("admin:directory_bulkact_undo", args=[done.pk]), follow=True)
    assert "Rien ne partira pour 1 fiche." in page.content.decode()
    assert not Mail.objects.exists()


def test_with_nobody_to_write_to_the_page_has_no_button_to_do_it(curator):
    html = act(curator, EnterpriseFactory(name="Muette", published=True)).content.decode()
    assert "Aucun courriel ne partira" in html
    assert 'name="apply"' not in html


def test_taken_back_once_all_have_gone_it_says_so(curator):
    alpha = reachable("Alpha")
    act(curator, alpha, apply="1")
    Mail.objects.update(sent_at=timezone.now())
    done = BulkAct.objects.get()
    page = curator.post(reverse("admin:directory_bulkact_undo", args=[done.pk]), follow=True)
    html = page.content.decode()
    assert "Tous les courriels étaient déjà partis." in html
    assert "Alpha\xa0: son courriel était déjà parti." in html


def test_more_than_a_person_can_look_through_are_refused(curator, monkeypatch):
    monkeypatch.setattr(acts, "MOST_ASKED", 1)
    one, two = reachable("Alpha"), reachable("Beta")
    html = act(curator, one, two, apply="1").content.decode()
    assert "Une action porte sur 1 fiches au plus" in html
    assert not Mail.objects.exists()
    with pytest.raises(acts.TooMany):
        acts.ask_to_confirm(ids=[one.pk, two.pk], by=curator.user)


def test_who_may_not_change_listings_asks_nobody(moderator):
    alpha = reachable("Alpha")
    act(moderator, alpha, apply="1")
    assert not Mail.objects.exists()


def test_the_preview_costs_a_few_statements_a_listing(by, django_assert_max_num_queries):
    ids = [reachable(f"Fiche{number}").pk for number in range(20)]
    with django_assert_max_num_queries(4 + 4 * len(ids)):
        assert len(acts.asked(ids).reached) == len(ids)
    assert Enterprise.objects.count() == 20
