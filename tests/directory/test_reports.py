"""What anyone may tell the Pôle without an account: kept once, at most so often, for so long."""

import datetime
import io
import threading
from urllib.parse import urlencode

import pytest
from django.core import signing
from django.core.management import call_command
from django.db import IntegrityError, connection, connections, transaction
from django.urls import reverse
from django.utils import timezone

from directory import forms, moderation, reports, throttling
from directory.models import Counter, DuplicatePair, Enterprise, ErrorReport, Mail, Suggestion
from tests.client import StrictClient
from tests.factories import (
    EnterpriseFactory,
    ErrorReportFactory,
    OfferingFactory,
    SuggestionFactory,
    UserFactory,
)
from tests.forms import filled

SUGGEST = reverse("directory:suggest")

SAID = {
    "name": "Buanderie du Coin",
    "city": "St-Bruno",
    "website": "buanderie.example",
    "phone": "",
    "activity": "Lave le linge des hôtels.",
    "grounds": "Une coopérative de travail.",
    "sender_name": "Agathe",
    "sender_email": "agathe@exemple.test",
}
WRONG = {"kind": "contact", "message": "Le numéro ne répond plus."}


def issued(ago=30, key="formulaire"):
    """A form shown so many seconds ago."""
    signer = signing.TimestampSigner(salt=forms.SALT)
    real = signer.timestamp
    signer.timestamp = lambda: signing.b62_encode(signing.b62_decode(real()) - int(ago))
    return signer.sign(key)


def said(**changes):
    return SAID | {"issued": issued()} | changes


@pytest.fixture
def enterprise(reference):
    return EnterpriseFactory(name="La Table ronde", slug="la-table-ronde", published=True)


@pytest.fixture
def report_address(enterprise):
    return reverse("directory:report", args=[enterprise.slug])


def mistakes(response):
    return [error["text"] for error in response.context["errors"]]


# --- Sent


@pytest.mark.django_db
def test_a_suggestion_is_kept_and_its_number_given(client, reference):
    form = client.get(SUGGEST)
    assert 'name="issued"' in form.content.decode()
    response = client.post(SUGGEST, said())
    row = Suggestion.objects.get()
    assert response.status_code == 302
    assert response.headers["Location"] == reverse("directory:thanks", args=[row.reference])
    assert (row.name, row.city.name) == ("Buanderie du Coin", "Saint-Bruno-de-Montarville")
    assert (row.website, row.state) == ("https://buanderie.example", "new")
    for _ in range(2):  # loaded again, it sends nothing again
        page = client.get(response.headers["Location"])
        assert row.reference in page.content.decode()
        assert "Agathe" not in page.content.decode()
    assert Suggestion.objects.count() == 1


@pytest.mark.django_db
def test_an_error_is_kept_with_what_it_is_about(client, enterprise, report_address):
    page = client.get(enterprise.get_absolute_url()).content.decode()
    assert f'href="{report_address}"' in page
    assert "La Table ronde" in client.get(report_address).content.decode()
    response = client.post(report_address, WRONG | {"issued": issued()})
    row = ErrorReport.objects.get()
    assert response.status_code == 302
    assert (row.enterprise, row.kind, row.message) == (enterprise, "contact", WRONG["message"])
    assert (row.sender_name, row.sender_email) == ("", "")


@pytest.mark.django_db
def test_who_goes_back_and_sends_the_same_again_is_given_the_same_number(client, report_address):
    """Going back shows another form, with what was typed."""
    sent = [client.post(report_address, WRONG | {"issued": issued(key=key)}) for key in "ab"]
    assert len({response.headers["Location"] for response in sent}) == 1
    assert ErrorReport.objects.count() == 1


@pytest.mark.django_db
def test_the_thanks_for_an_error_lead_back_to_what_was_read(client, enterprise, report_address):
    sent = client.post(report_address, WRONG | {"issued": issued()})
    thanks = client.get(sent.headers["Location"]).content.decode()
    assert f'href="{enterprise.get_absolute_url()}"' in thanks
    Enterprise.objects.filter(pk=enterprise.pk).update(
        state="archived", closing="closed", published_on=None
    )
    thanks = client.get(sent.headers["Location"]).content.decode()
    assert enterprise.get_absolute_url() not in thanks


@pytest.mark.django_db
def test_what_a_real_browser_would_send_of_an_empty_form_is_understood(client, reference):
    html = client.get(SUGGEST)
    # The only form of the page that is not a search has no id.
    page = html.content.decode().replace('<form class="message"', '<form id="m" class="message"')
    html.content = page.encode()
    sent = filled(html, "m")
    assert set(sent) >= {"name", "city", "issued", forms.TRAP}
    assert sent[forms.TRAP] == [""]
    assert client.post(SUGGEST, sent).status_code == 200


@pytest.mark.django_db
def test_a_number_that_was_given_to_nobody_is_not_found(client, reference):
    SuggestionFactory()
    for reference_ in ("S-0000-0000", "x", "S", "s-2222-0000"):
        assert client.get(f"/merci/{reference_}/").status_code == 404


@pytest.mark.django_db
def test_no_cookie_is_set_by_any_of_it(client, report_address):
    for address, sent in ((SUGGEST, said()), (report_address, WRONG | {"issued": issued()})):
        for response in (client.get(address), client.post(address, {}), client.post(address, sent)):
            assert not response.cookies
            assert "private" in response.headers.get("Cache-Control", "private")
    assert not client.cookies


# --- Refused, and said


@pytest.mark.django_db
def test_what_is_missing_is_said_at_its_place_and_at_the_top(client, reference):
    response = client.post(SUGGEST, {"issued": issued()})
    page = response.content.decode()
    assert response.status_code == 200
    assert {error["at"] for error in response.context["errors"]} == {
        *("name", "city", "website", "activity", "grounds")
    }
    for name in ("name", "city", "website", "activity", "grounds"):
        assert f'id="{name}_error"' in page
        assert f'href="#{name}"' in page
    assert 'aria-describedby="city_helptext city_error"' in page
    assert page.count('aria-invalid="true"') == 5
    assert "<title>À corriger" in page
    assert not Suggestion.objects.exists()


@pytest.mark.django_db
def test_one_way_to_reach_it_is_enough(client, reference):
    assert client.post(SUGGEST, said(website="")).status_code == 200
    assert client.post(SUGGEST, said(website="", phone="450 555-0123")).status_code == 302
    assert client.post(SUGGEST, said(website="", phone="555-0123")).status_code == 200
    assert client.post(SUGGEST, said(website="pas une adresse")).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("Longueille", "« Longueuil »"),
        ("Paris sur Seine", "Écrivez son nom au complet"),
        ("J4K 1A1", "Écrivez son nom au complet"),
        ("Sainte-Anne-de-la-Rochele", "Saint"),
    ],
)
def test_a_city_that_is_none_is_helped(typed, answer, client, reference):
    response = client.post(SUGGEST, said(city=typed))
    if response.status_code == 302:  # one slip away: understood
        assert Suggestion.objects.get().city.name.startswith("Sainte-Anne")
        return
    (mistake,) = mistakes(response)
    assert answer in mistake.replace("\xa0", " ")


@pytest.mark.django_db
def test_a_name_that_several_cities_share_needs_its_county(client, reference, settings):
    settings.SITE_CITIES = []
    from directory import state

    state.forget()
    (mistake,) = mistakes(client.post(SUGGEST, said(city="Saint-Augustin")))
    assert "Précisez" in mistake
    full_name = mistake.split("«\xa0")[1].split("\xa0»")[0]
    assert client.post(SUGGEST, said(city=full_name)).status_code == 302
    assert Suggestion.objects.get().city.name == "Saint-Augustin"


@pytest.mark.django_db
def test_listings_that_look_the_same_are_shown_before(client, reference):
    EnterpriseFactory(name="Buanderie du Coin", slug="buanderie", published=True)
    EnterpriseFactory(name="Coop La Buanderie du coin rond", slug="ronde", published=True)
    EnterpriseFactory(name="Traiteur du Coin", slug="traiteur", published=True)
    EnterpriseFactory(name="Buanderie du Coin secrète", slug="secrete")
    first = client.post(SUGGEST, said(name="BUANDERIE DU COIN inc."))
    assert [row["url"] for row in first.context["alike"]] == [
        "/entreprises/buanderie/",
        "/entreprises/ronde/",
    ]
    assert "Lave le linge" in first.content.decode()
    assert not Suggestion.objects.exists()
    assert client.post(SUGGEST, said(another="on")).status_code == 302
    assert Suggestion.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["Le", "&", "🦫", "\U0001d160" * 200, "'", "\\", "a:* | b", "%_"])
def test_any_name_can_be_looked_for(name, client, reference):
    EnterpriseFactory(name="Le Castor", published=True)
    assert client.post(SUGGEST, said(name=name)).status_code in {200, 302}


# --- Persons and robots


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "status", "told"),
    [
        ({"issued": ""}, 403, "n’est pas venu de ce"),
        ({"issued": "faux:1abc:def"}, 403, "n’est pas venu de ce"),
        ({"issued": "9" * 5000}, 403, "n’est pas venu de ce"),
        ({"issued": 25 * 3600}, 403, "plus d’une journée"),
        ({"issued": 0}, 200, "très vite"),
        ({forms.TRAP: "https://x.example"}, 200, "champ caché"),
    ],
)
def test_a_check_that_fails_shows_the_form_again_and_says_why(
    changes, status, told, client, reference
):
    if isinstance(changes.get("issued"), int):
        changes = {"issued": issued(ago=changes["issued"])}
    response = client.post(SUGGEST, said(**changes))
    page = response.content.decode()
    assert response.status_code == status
    assert told in mistakes(response)[0]
    assert "Lave le linge des hôtels." in page
    assert not Suggestion.objects.exists()
    again = said(issued=response.context["form"].issued)
    if status == 403:  # a new form: it must be as old as a person is slow
        again["issued"] = issued(key="nouveau")
    elif "très vite" in told:
        again["issued"] = issued(ago=3)
    assert client.post(SUGGEST, again).status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://mal.example"},
        {"origin": "null"},
    ],
)
def test_a_form_sent_from_another_site_is_refused(headers, client, report_address):
    strict = StrictClient(enforce_csrf_checks=True)
    for address, sent in ((SUGGEST, said()), (report_address, WRONG | {"issued": issued()})):
        assert strict.post(address, sent, headers=headers).status_code == 403
    assert not Suggestion.objects.exists()
    assert not ErrorReport.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "same-origin", "origin": "https://autre"},
        {"origin": "http://testserver"},
    ],
)
def test_a_form_sent_from_this_site_is_taken_without_a_cookie(headers, reference):
    strict = StrictClient(enforce_csrf_checks=True)
    assert strict.post(SUGGEST, said(), headers=headers).status_code == 302


# --- Limits


def send(client, number, **options):
    return client.post(SUGGEST, said(name=f"Lavoir {number}", another="on"), **options)


@pytest.mark.django_db
def test_the_sixth_of_an_hour_is_refused_and_what_was_typed_is_kept(client, reference):
    for number in range(5):
        assert send(client, number).status_code == 302
    response = send(client, 5)
    assert response.status_code == 429
    assert 0 < int(response.headers["Retry-After"]) <= 3600
    page = response.content.decode()
    assert "Lavoir 5" in page
    assert "Trop de messages" in mistakes(response)[0]
    assert Suggestion.objects.count() == 5
    # Another address is not limited, nor another kind of message, nor reading.
    assert send(client, 6, REMOTE_ADDR="198.51.100.7").status_code == 302
    assert client.get(SUGGEST).status_code == 200
    enterprise = EnterpriseFactory(published=True)
    address = reverse("directory:report", args=[enterprise.slug])
    assert client.post(address, WRONG | {"issued": issued()}).status_code == 302
    # What was sent already still gives its number.
    assert send(client, 4).status_code == 302


@pytest.mark.django_db
def test_the_day_has_its_limit_too(client, reference, monkeypatch):
    now = datetime.datetime(2026, 11, 22, 9, 30, tzinfo=datetime.UTC)
    sent = 0
    for hour in range(5):
        monkeypatch.setattr(timezone, "now", lambda hour=hour: now + datetime.timedelta(hours=hour))
        while send(client, sent).status_code == 302:
            sent += 1
    assert sent == 20
    response = send(client, 99)
    assert int(response.headers["Retry-After"]) > 3600
    monkeypatch.setattr(timezone, "now", lambda: now + datetime.timedelta(days=1))
    assert send(client, 100).status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize("proxies", [0, 1, 2])
def test_an_address_made_up_does_not_reset_the_limit(proxies, client, reference, settings):
    settings.PROXY_COUNT = proxies
    statuses = []
    for number in range(7):
        # What the visitor wrote, then what each proxy saw.
        seen = ["203.0.113.9", "10.0.0.1"][:proxies]
        forwarded = ", ".join([f"192.0.2.{number}", *seen])
        response = send(client, number, headers={"x-forwarded-for": forwarded})
        statuses.append(response.status_code)
    assert statuses == [302] * 5 + [429] * 2


@pytest.mark.django_db
def test_behind_a_proxy_each_visitor_has_a_limit_of_their_own(client, reference, settings):
    settings.PROXY_COUNT = 1
    for number in range(7):
        headers = {"x-forwarded-for": f"203.0.113.{number}"}
        assert send(client, number, headers=headers).status_code == 302


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "1.1.1.1", "192.0.2.1"),
        (1, "", ""),
        (1, "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        (2, "1.1.1.1, 203.0.113.9, 10.0.0.1", "203.0.113.9"),
        (2, "203.0.113.9", "192.0.2.1"),
        (1, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        (1, "2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        (1, "::ffff:203.0.113.9", "203.0.113.9"),
        (1, "x" * 500, "x" * 64),
    ],
)
def test_the_address_is_the_one_that_the_nearest_proxy_saw(
    proxies, forwarded, address, rf, settings
):
    settings.PROXY_COUNT = proxies
    request = rf.get("/", REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR=forwarded)
    assert throttling.address(request) == address


@pytest.mark.django_db
def test_a_counter_says_nothing_of_who_is_counted(client, reference):
    send(client, 1, REMOTE_ADDR="203.0.113.77")
    with connection.cursor() as cursor:
        cursor.execute("SELECT c::text FROM directory_counter c")
        rows = [row for (row,) in cursor.fetchall()]
    assert len(rows) == 3  # of the hour, of the day, of these words
    assert not [row for row in rows if "203.0.113" in row or "suggestion" in row]
    assert {len(row.key) for row in Counter.objects.all()} == {64}


@pytest.mark.django_db(transaction=True)
def test_of_twenty_at_once_five_are_admitted(reference):
    limits = [throttling.Limit(5, datetime.timedelta(hours=1))]
    waits, gate = [], threading.Barrier(20)

    def one():
        gate.wait()
        waits.append(throttling.admit(purpose="essai", client="x", limits=limits))
        connections.close_all()

    threads = [threading.Thread(target=one) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert waits.count(0) == 5
    assert Counter.objects.get().hits == 5


@pytest.mark.django_db(transaction=True)
def test_a_form_sent_five_times_at_once_is_kept_once(reference):
    sent, answers, gate = said(), [], threading.Barrier(5)

    def one():
        client = StrictClient()
        gate.wait()
        response = client.post(SUGGEST, sent)
        answers.append((response.status_code, response.headers["Location"]))
        connections.close_all()

    threads = [threading.Thread(target=one) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    row = Suggestion.objects.get()
    assert answers == [(302, reverse("directory:thanks", args=[row.reference]))] * 5
    assert set(Counter.objects.values_list("hits", flat=True)) == {1}


@pytest.mark.django_db
def test_who_goes_back_and_says_something_else_is_heard_too(client, reference):
    sent = said()
    assert client.post(SUGGEST, sent).status_code == 302
    assert client.post(SUGGEST, sent).status_code == 302
    assert client.post(SUGGEST, sent | {"name": "Autre chose"}).status_code == 302
    assert Suggestion.objects.count() == 2


# --- What becomes of them


@pytest.fixture
def moderator(db):
    return UserFactory(is_staff=True)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "values",
    [
        {"state": "handled"},
        {"state": "handled", "handled_at": timezone.now()},
        {"handled_at": timezone.now()},
        {"reason": "x"},
        {"state": "other"},
    ],
)
@pytest.mark.parametrize("factory", [SuggestionFactory, ErrorReportFactory])
def test_a_decision_is_whole_or_none(factory, values, moderator):
    with pytest.raises(IntegrityError), transaction.atomic():
        factory(**values)


@pytest.mark.django_db
def test_a_refusal_says_why(moderator):
    row = SuggestionFactory()
    with pytest.raises(IntegrityError), transaction.atomic():
        reports.decide(message=row, state="refused", by=moderator)
    reports.decide(message=row, state="refused", by=moderator, reason="Doublon")
    row.refresh_from_db()
    assert (row.state, row.handled_by, row.reason) == ("refused", moderator, "Doublon")
    assert row.handled_at


@pytest.mark.django_db
def test_names_are_erased_in_time_and_what_they_said_is_kept(moderator):
    def days_ago(number):
        return timezone.now() - datetime.timedelta(days=number)

    handled = {"state": "handled", "handled_by": moderator}
    old = SuggestionFactory(**handled, handled_at=days_ago(91))
    recent = SuggestionFactory(**handled, handled_at=days_ago(89))
    waiting = ErrorReportFactory()
    forgotten = ErrorReportFactory()
    ErrorReport.objects.filter(pk=forgotten.pk).update(created_at=days_ago(366))
    Counter.objects.create(key="a", expires_at=days_ago(1))
    Counter.objects.create(key="b", expires_at=days_ago(-1))
    for _ in range(2):
        call_command("purge", "--apply", stdout=io.StringIO())
    for row in (old, recent, waiting, forgotten):
        row.refresh_from_db()
    assert (old.sender_name, old.sender_email, old.activity) == (
        "",
        "",
        "Lave le linge des hôtels.",
    )
    assert forgotten.sender_email == ""
    assert recent.sender_name
    assert waiting.sender_name
    assert [row.key for row in Counter.objects.all()] == ["b"]


# --- The queue


def queue(name, *args):
    return reverse(f"admin:directory_{name}", args=args)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["suggestion", "errorreport"])
def test_staff_read_and_search_in_the_admin_and_decide_at_the_desk(name, superuser, reference):
    row = SuggestionFactory(name="Élan vert") if name == "suggestion" else ErrorReportFactory()
    page = superuser.get(queue(f"{name}_changelist") + f"?q={row.reference}&state__exact=new")
    assert [found.pk for found in page.context["cl"].result_list] == [row.pk]
    desk = {"suggestion": "desk_suggestion", "errorreport": "desk_report"}[name]
    address = queue(f"{name}_change", row.pk)
    at_the_desk = reverse(f"directory:{desk}", args=[row.pk])
    assert f'href="{at_the_desk}"' in superuser.get(address).content.decode()
    # What the desk refused is not turned over, nor its sender thanked, from here.
    moderation.answer(message=row, state="refused", reason="Exact", by=superuser.user)
    assert superuser.post(address, {"state": "handled", "reason": ""}).status_code == 403
    sent = {"action": "mark_handled", "_selected_action": [row.pk]}
    superuser.post(queue(f"{name}_changelist"), sent)
    row.refresh_from_db()
    assert (row.state, row.reason) == ("refused", "Exact")
    assert not Mail.objects.filter(kind="report_handled").exists()


@pytest.mark.django_db
def test_a_draft_made_of_a_suggestion_says_whose_word_each_field_is(moderator, reference):
    same = EnterpriseFactory(name="Élan vert", published=True)
    row = SuggestionFactory(name="Élan vert", city=same.city, website="", phone="")
    made = moderation.list_suggestion(suggestion=row, legal_form="npo", by=moderator)
    made.refresh_from_db()
    # A file may still fill what nobody said.
    said = dict.fromkeys(("name", "city", "legal_form", "description"), "staff")
    assert made.provenance == said
    pair = DuplicatePair.objects.get()
    assert {pair.first_id, pair.second_id} == {same.pk, made.pk}


@pytest.mark.django_db
def test_the_ways_to_the_forms_are_where_one_needs_them(client, enterprise):
    OfferingFactory(enterprise=enterprise)
    nothing = client.get("/entreprises/", {"q": "zzzz introuvable"}).content.decode()
    assert nothing.count(f'href="{SUGGEST}"') == 2  # in the help, and at the foot
    gone = EnterpriseFactory(name="Disparue & fils", archived=True)
    page = client.get(gone.get_absolute_url()).content.decode()
    assert f'href="{SUGGEST}?nom=Disparue%20%26%20fils"' in page
    form = client.get(SUGGEST + "?" + urlencode({"nom": "Disparue & fils"}))
    assert 'value="Disparue &amp; fils"' in form.content.decode()
