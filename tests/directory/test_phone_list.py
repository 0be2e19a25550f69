"""The telephone list: who is on it, whose turn it is, what a call leaves behind."""

import threading
from datetime import date, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError, connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from directory import freshness, outbox, phone_calls, reports
from directory.models import (
    AuditEntry,
    CallUnderWay,
    ConsentBasis,
    Enterprise,
    ErrorReport,
    Invitation,
    Mail,
    PhoneCall,
)
from directory.phone_forms import next_working_day
from tests.factories import (
    CityFactory,
    ContactFactory,
    EnterpriseFactory,
    PhoneCallFactory,
    ReminderFactory,
    UserFactory,
)
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db

LIST = reverse("directory:phone_list")
KEY = "k" * 32


def to_call(name="Traiteur solidaire", months=13, **fields):
    """A listing due so many months ago, on the list."""
    today = timezone.localdate()
    confirmed = today - timedelta(days=round(months * 30.5) + 366)
    enterprise = EnterpriseFactory(
        name=name, published=True, confirmed_on=confirmed, phone="+14505550123", **fields
    )
    due = Enterprise.objects.with_due_on().get(pk=enterprise.pk).due_on
    ReminderFactory(enterprise=enterprise, due_on=due, step=3)
    return enterprise


def call(enterprise):
    return reverse("directory:phone_call", args=[enterprise.slug])


def noted(outcome, **fields):
    return {"key": KEY, "outcome": outcome, "note": "", "call_back_on": "", "consent_email": ""} | (
        fields
    )


def names(person, query=""):
    return [row["name"] for row in person.get(LIST + query).context["rows"]]


# --- The list


def test_the_longest_overdue_come_first_and_the_others_are_not_there(facilitator):
    to_call("Récente", months=1)
    to_call("Ancienne", months=20)
    fresh = EnterpriseFactory(name="Fraîche", published=True)
    reminded = to_call("Relancée")
    reminded.reminders.update(step=2)
    confirmed = to_call("Confirmée")
    confirmed.confirmed_on = timezone.localdate()
    confirmed.save()
    archived = to_call("Archivée")
    Enterprise.objects.filter(pk=archived.pk).update(state="archived", closing="closed")
    assert names(facilitator) == ["Ancienne", "Récente"]
    assert fresh.name not in facilitator.get(LIST).content.decode()


def test_the_list_is_kept_to_a_city_or_a_sector(facilitator):
    to_call("Ici", sectors=["alimentation"])
    to_call("Là", city=CityFactory(code="58007", name="Brossard"), sectors=["entretien"])
    assert names(facilitator, "?ville=brossard") == ["Là"]
    assert names(facilitator, "?secteur=alimentation") == ["Ici"]
    assert names(facilitator, "?ville=brossard&secteur=alimentation") == []
    for unknown in ("?ville=nulle-part", "?secteur=%27", "?page=abc", "?page=99", "?tous=%00"[:6]):
        assert len(names(facilitator, unknown)) == 2


def test_a_long_list_has_pages_that_keep_its_filters(facilitator, monkeypatch):
    monkeypatch.setattr("directory.views.phone.A_PAGE", 2)
    for number in range(5):
        to_call(f"Entreprise {number}")
    page = facilitator.get(LIST + "?ville=longueuil&page=2")
    assert len(page.context["rows"]) == 2
    html = page.content.decode()
    for number in (1, 3):
        assert f'href="?ville=longueuil&amp;page={number}"' in html


def test_a_listing_that_did_not_answer_rests_and_one_to_call_back_waits_for_its_day(facilitator):
    silent, promised, wrong = to_call("Muette"), to_call("Promise"), to_call("Erronée")
    now, today = timezone.now(), timezone.localdate()
    silence = PhoneCallFactory(enterprise=silent, outcome="no_answer", at=now)
    promise = PhoneCallFactory(
        enterprise=promised, outcome="call_back", call_back_on=today + timedelta(days=1), at=now
    )
    PhoneCallFactory(enterprise=wrong, outcome="wrong_number", at=now)
    assert names(facilitator) == []
    assert sorted(names(facilitator, "?tous=1")) == ["Erronée", "Muette", "Promise"]
    silence.at = now - timedelta(days=2, minutes=1)
    silence.save()
    promise.call_back_on = today
    promise.save()
    assert sorted(names(facilitator)) == ["Muette", "Promise"]


def test_calls_without_success_are_counted_for_this_due_date_alone(facilitator):
    enterprise = to_call()
    now = timezone.now()
    for days in (5, 10):
        PhoneCallFactory(enterprise=enterprise, at=now - timedelta(days=days))
    PhoneCallFactory(enterprise=enterprise, at=now - timedelta(days=2000))
    assert phone_calls.waiting().get().unanswered == phone_calls.MOST_UNANSWERED == 2
    assert "2 appels sans succès" in facilitator.get(LIST).content.decode()


def test_the_list_asks_as_much_of_the_database_however_long_it_is(
    facilitator, django_assert_max_num_queries
):
    for number in range(12):
        PhoneCallFactory(enterprise=to_call(f"Entreprise {number}"), outcome="no_answer")
    with django_assert_max_num_queries(16):
        facilitator.get(LIST + "?tous=1")


# --- Calling


def test_the_page_has_all_that_a_caller_needs(facilitator):
    enterprise = to_call(website="https://traiteur.example")
    ContactFactory(enterprise=enterprise, name="Aïcha Fictive", phone="+15145550199")
    PhoneCallFactory(enterprise=enterprise, note="Rappeler après midi.")
    html = facilitator.get(call(enterprise)).content.decode()
    for said in (
        'href="tel:+14505550123"',
        "450\xa0555-0123",
        'href="tel:+15145550199"',
        "Bonjour, ici",
        "traiteur.example",
        "Rappeler après midi.",
    ):
        assert said in html
    assert html.count("<h1") == 1


def test_tout_est_exact_confirms_in_the_name_of_the_pole_and_opens_the_next(facilitator):
    first, second = to_call("Première", months=20), to_call("Seconde")
    response = facilitator.post(call(first) + "?ville=longueuil", noted("confirmed"))
    assert response.headers["Location"] == call(second) + "?ville=longueuil"
    first.refresh_from_db()
    assert (first.confirmed_on, first.confirmed_by) == (timezone.localdate(), "staff")
    assert first.history.latest().history_user == facilitator.user
    assert CallUnderWay.objects.get().enterprise == second
    page = facilitator.get(response.headers["Location"]).content.decode()
    assert "Première" in page
    response = facilitator.post(call(second), noted("confirmed"))
    assert response.headers["Location"] == LIST
    assert "Personne à appeler" in facilitator.get(LIST).content.decode()


@pytest.mark.parametrize(
    ("outcome", "kind"), [("changed", "other"), ("closed", "closed"), ("wrong_number", "contact")]
)
def test_what_a_call_teaches_joins_the_errors_reported_and_changes_nothing(
    facilitator, outcome, kind
):
    enterprise = to_call()
    facilitator.post(call(enterprise), noted(outcome, note="Le nouveau numéro est le 450 555-0188"))
    report = ErrorReport.objects.get()
    assert (report.enterprise, report.kind) == (enterprise, kind)
    assert "450 555-0188" in report.message
    enterprise.refresh_from_db()
    assert (enterprise.version, enterprise.phone) == (1, "+14505550123")
    assert names(facilitator) == []


def test_an_address_given_on_the_telephone_is_one_that_may_be_written_to(facilitator):
    enterprise = to_call()
    sent = noted("no_answer", consent_email="Info@Traiteur.example")
    facilitator.post(call(enterprise), sent)
    basis = ConsentBasis.objects.get()
    assert (basis.email, basis.basis) == ("info@traiteur.example", "express")
    assert basis.recorded_by == facilitator.user
    facilitator.post(call(enterprise), sent | {"key": "b" * 32})
    assert ConsentBasis.objects.count() == 1
    assert not AuditEntry.objects.exists()


def test_who_agrees_on_the_telephone_is_reminded_again_though_they_had_stopped_it(facilitator):
    enterprise, email = to_call(), "info@traiteur.example"
    for kind in (freshness.KIND, "invitation_listing"):
        outbox.unsubscribe(email=email, kind=kind)
    facilitator.post(call(enterprise), noted("no_answer", consent_email="Info@Traiteur.example"))
    assert freshness.recipients(enterprise) == [(email, False)]
    assert outbox.unsubscribed(email, "invitation_listing")
    trace = AuditEntry.objects.get()
    assert (trace.act, trace.by_id) == ("reminders.resumed", facilitator.user.pk)
    assert trace.subject_id == enterprise.pk


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        (noted("changed"), "note"),
        (noted("call_back", call_back_on="2020-01-01"), "call_back_on"),
        (noted("call_back", call_back_on="9999-12-31"), "call_back_on"),
        (noted("call_back", call_back_on="demain"), "call_back_on"),
        (noted("rien"), "outcome"),
        (noted(""), "outcome"),
        (noted("no_answer", consent_email="alice"), "consent_email"),
        (noted("no_answer", note="x" * 1001), "note"),
        (noted("no_answer", key="x"), "key"),
    ],
)
def test_a_mistake_is_said_at_its_field_and_keeps_what_was_typed(facilitator, sent, field):
    enterprise = to_call()
    response = facilitator.post(call(enterprise), sent)
    assert response.status_code == 200
    assert {error["at"] for error in response.context["errors"]} == {field}
    if sent["note"]:
        assert sent["note"] in response.content.decode()
    assert not PhoneCall.objects.exists()


def test_to_call_back_proposes_the_next_working_day(facilitator):
    enterprise = to_call()
    html = facilitator.get(call(enterprise)).content.decode()
    assert f"prend le {date_format(next_working_day(), 'l j F')}" in html
    assert html.index('name="call_back_on"') < html.index('value="call_back"')
    assert next_working_day().weekday() < 5
    facilitator.post(call(enterprise), noted("call_back"))
    assert PhoneCall.objects.get().call_back_on == next_working_day()
    with pytest.raises(IntegrityError):
        PhoneCallFactory(outcome="call_back")


@pytest.mark.django_db(transaction=True)
def test_a_form_sent_five_times_at_once_is_one_call(reference):
    enterprise, user = to_call(), UserFactory(is_staff=True)
    ready, kept = threading.Barrier(5), []

    def send():
        ready.wait()
        kept.append(
            phone_calls.record(
                enterprise=enterprise, outcome="closed", by=user, key=KEY, note="Fermée"
            )
        )
        connections.close_all()

    senders = [threading.Thread(target=send) for _ in range(5)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(30)
    assert sorted(kept) == [False] * 4 + [True]
    assert PhoneCall.objects.count() == ErrorReport.objects.count() == 1


# --- A call taken back


def take_back(person, enterprise, pk=None):
    pk = pk or PhoneCall.objects.latest("pk").pk
    address = reverse("directory:phone_take_back", args=[enterprise.slug])
    return person.post(address, {"appel": pk}, follow=True)


def left(enterprise):
    """What a call may leave behind."""
    kept = Enterprise.objects.get(pk=enterprise.pk)
    fields = kept.confirmed_on, kept.confirmed_by, kept.provenance
    tables = PhoneCall, ErrorReport, ConsentBasis
    return [*fields, *(table.objects.count() for table in tables)]


@pytest.mark.parametrize("outcome", ["confirmed", "closed", "wrong_number", "call_back"])
def test_a_call_noted_by_mistake_is_taken_back_with_all_it_left(facilitator, outcome):
    enterprise = to_call(provenance={"phone": "import"})
    before = left(enterprise)
    facilitator.post(call(enterprise), noted(outcome, consent_email="info@traiteur.example"))
    assert left(enterprise) != before
    assert "Annuler" in facilitator.get(LIST).content.decode()
    response = take_back(facilitator, enterprise)
    assert response.redirect_chain[0][0] == call(enterprise)
    assert left(enterprise) == before
    assert names(facilitator) == [enterprise.name]
    assert "Annuler" not in facilitator.get(LIST).content.decode()
    assert AuditEntry.objects.filter(act="call.undone").count() == 1


def test_reminders_that_a_call_taken_back_had_resumed_stop_again(facilitator):
    enterprise, email = to_call(), "info@traiteur.example"
    other = to_call("Autre")
    for address in (email, "autre@traiteur.example"):
        outbox.unsubscribe(email=address, kind=freshness.KIND)
    facilitator.post(call(other), noted("no_answer", consent_email="autre@traiteur.example"))
    facilitator.post(call(enterprise), noted("no_answer", consent_email=email, key="b" * 32))
    take_back(facilitator, enterprise)
    assert outbox.unsubscribed(email, freshness.KIND)
    assert not outbox.unsubscribed("autre@traiteur.example", freshness.KIND)


def test_the_second_call_without_answer_taken_back_puts_the_listing_in_results_again(facilitator):
    enterprise = to_call()
    PhoneCallFactory(enterprise=enterprise, outcome="no_answer")
    PhoneCall.objects.update(at=timezone.now() - timedelta(days=5))
    facilitator.post(call(enterprise), noted("no_answer"))
    assert Enterprise.objects.get().is_unreachable
    take_back(facilitator, enterprise)
    assert not Enterprise.objects.get().is_unreachable


def test_a_call_is_taken_back_by_who_noted_it_and_within_minutes(facilitator, curator):
    enterprise = to_call()
    facilitator.post(call(enterprise), noted("closed"))
    assert "Annuler" not in curator.get(LIST).content.decode()
    assert take_back(curator, enterprise).status_code == 404
    assert take_back(facilitator, enterprise, pk="x").status_code == 404
    PhoneCall.objects.update(at=timezone.now() - timedelta(minutes=11))
    assert "plus de dix minutes" in take_back(facilitator, enterprise).content.decode()
    assert PhoneCall.objects.count() == ErrorReport.objects.count() == 1


def test_what_somebody_rested_on_since_is_not_taken_back(facilitator, moderator):
    closed, confirmed = to_call("Fermée"), to_call("Confirmée")
    facilitator.post(call(closed), noted("closed"))
    reports.decide(
        message=ErrorReport.objects.get(), state="handled", by=moderator.user, reason="Vu"
    )
    assert "déjà vu" in take_back(facilitator, closed).content.decode()
    facilitator.post(call(confirmed), noted("confirmed", key="b" * 32))
    changed = Enterprise.objects.get(pk=confirmed.pk)
    changed.version += 1
    changed.mission = "Nourrir"
    changed.save()
    assert "a changé depuis" in take_back(facilitator, confirmed).content.decode()
    assert PhoneCall.objects.count() == 2


# --- Without a number, never confirmed, invited


def without_number():
    enterprise = to_call()
    Enterprise.objects.filter(pk=enterprise.pk).update(phone="")
    return enterprise


def test_without_a_number_one_is_asked_for_instead_of_a_call(facilitator):
    enterprise = without_number()
    assert "Trouver le numéro" in facilitator.get(LIST).content.decode()
    html = facilitator.get(call(enterprise)).content.decode()
    assert 'value="no_answer"' not in html
    assert 'value="closed"' in html
    ContactFactory(enterprise=enterprise, phone="+15145550199")
    assert "Trouver le numéro" not in facilitator.get(LIST).content.decode()


def test_the_number_found_is_written_by_who_may_and_handed_over_by_others(facilitator, curator):
    enterprise = without_number()
    address = reverse("directory:phone_number", args=[enterprise.slug])
    wrong = facilitator.post(address, {"phone": "12"})
    assert wrong.context["number"].errors["phone"]
    for _again in range(2):
        facilitator.post(address, {"phone": "450 555-0188"})
    enterprise.refresh_from_db()
    assert (enterprise.phone, ErrorReport.objects.get().kind) == ("", "contact")
    curator.post(address, {"phone": "450 555-0188"})
    enterprise.refresh_from_db()
    assert (enterprise.phone, enterprise.provenance["phone"]) == ("+14505550188", "staff")
    curator.post(address, {"phone": "450 555-0199"})
    enterprise.refresh_from_db()
    assert enterprise.phone == "+14505550188"


def test_the_list_and_the_script_say_alike_that_nothing_was_ever_verified(facilitator):
    enterprise = to_call()
    Enterprise.objects.filter(pk=enterprise.pk).update(
        confirmed_on=None, confirmed_by="", published_on=date(2022, 12, 31)
    )
    due_on = Enterprise.objects.with_due_on().get(pk=enterprise.pk).due_on
    ReminderFactory(enterprise=enterprise, due_on=due_on, step=3)
    assert "jamais vérifiée" in facilitator.get(LIST).content.decode()
    page = facilitator.get(call(enterprise))
    assert "est publiée depuis le" in page.content.decode()
    assert "2022" in page.context["enterprise"]["published_on"]


def test_the_invitation_promised_is_sent_to_the_address_given(facilitator):
    enterprise = to_call()
    address = reverse("directory:phone_invite", args=[enterprise.slug])
    wrong = facilitator.post(address, {"email": "alice"})
    assert wrong.context["invitation"].errors["email"]
    for _again in range(2):
        facilitator.post(address, {"email": "Direction@traiteur.example"})
    invitation = Invitation.objects.get()
    assert (invitation.email, invitation.role) == ("direction@traiteur.example", "owner")
    assert Mail.objects.filter(kind="invitation").count() == 1


def test_who_may_not_invite_has_no_button_to(staff):
    staff.user.user_permissions.add(Permission.objects.get(codename="add_phonecall"))
    enterprise = to_call()
    html = staff.get(call(enterprise)).content.decode()
    assert "invitation" not in html
    address = reverse("directory:phone_invite", args=[enterprise.slug])
    assert staff.post(address, {"email": "a@traiteur.example"}).status_code == 404


# --- Two callers


def test_who_is_calling_is_shown_to_the_others_and_skipped(facilitator, curator):
    first, second = to_call("Première", months=20), to_call("Seconde")
    facilitator.user.name = "Fanny Fortin"
    facilitator.user.save()
    take = reverse("directory:phone_take", args=[first.slug])
    assert facilitator.post(take).headers["Location"] == call(first)
    assert "Fanny Fortin appelle" in curator.get(LIST).content.decode()
    assert "appelle en ce moment" not in facilitator.get(LIST).content.decode()
    assert "Fanny Fortin appelle" in curator.get(call(first)).content.decode()
    assert curator.get(LIST).context["start"] == second
    curator.post(take)
    assert CallUnderWay.objects.get().by == facilitator.user  # hers still
    CallUnderWay.objects.update(since=timezone.now() - timedelta(minutes=16))
    assert "appelle en ce moment" not in curator.get(LIST).content.decode()
    curator.post(take)
    assert CallUnderWay.objects.get().by == curator.user


def test_looking_at_a_page_takes_no_call(facilitator):
    facilitator.get(call(to_call()))
    assert not CallUnderWay.objects.exists()


# --- Who may


def test_the_list_does_not_exist_for_who_may_not_call(moderator, alice, staff):
    enterprise = to_call()
    for person in (moderator, alice, staff):
        for address in (LIST, call(enterprise)):
            assert person.get(address).status_code == 404
        assert person.post(call(enterprise), noted("confirmed")).status_code == 404
        take = reverse("directory:phone_take", args=[enterprise.slug])
        assert person.post(take).status_code == 404
    assert not PhoneCall.objects.exists()
    assert not CallUnderWay.objects.exists()


def test_every_form_has_its_token_and_is_refused_without(facilitator):
    enterprise = to_call()
    strict = Client(enforce_csrf_checks=True)
    sign_in(strict, facilitator.user)
    for address in (LIST, call(enterprise)):
        html = strict.get(address).content.decode()
        forms = html.count('method="post"')
        assert html.count("csrfmiddlewaretoken") == forms > 0
    assert strict.post(call(enterprise), noted("confirmed")).status_code == 403
    take = reverse("directory:phone_take", args=[enterprise.slug])
    assert strict.post(take).status_code == 403
    assert not PhoneCall.objects.exists()


def test_a_form_sets_nothing_but_what_it_asks(facilitator, curator):
    enterprise = to_call()
    more = {"by": curator.user.pk, "at": "2020-01-01", "enterprise": 1, "version": 99, "state": "x"}
    facilitator.post(call(enterprise), noted("no_answer") | more)
    row = PhoneCall.objects.get()
    assert row.by == facilitator.user
    assert row.at.date() > date(2026, 1, 1)
    enterprise.refresh_from_db()
    assert (enterprise.version, enterprise.state) == (1, "published")
