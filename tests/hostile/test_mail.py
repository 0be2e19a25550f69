"""Mail under attack and under failure: what is typed stays text, a dead server costs no reader."""

import json
import logging
import socket
import time
from contextlib import closing

import pytest
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.test import Client
from django.urls import include, path, reverse
from django.views.decorators.csrf import csrf_exempt

from config.logs import LineFormatter
from directory import freshness, mailings, outbox
from directory.models import Enterprise, Mail, PhoneCall, Unsubscription
from tests.client import StrictClient
from tests.directory.test_phone_list import KEY, call, noted, to_call
from tests.factories import EnterpriseFactory, OfferingFactory
from tests.hostile.corpus import ENCODED, MARKUP, NUMBERS, TEXTS
from tests.signing_in import sign_in
from tests.smtp import html, text

pytestmark = pytest.mark.django_db


@csrf_exempt
@login_not_required
def act(request):
    """Any page that writes a mail."""
    outbox.queue(
        kind="reminder",
        to=request.POST["to"],
        context=mailings.KINDS["reminder"].sample,
        dedupe_key=request.POST["key"],
    )
    return HttpResponse("fait", "text/plain")


urlpatterns = [path("acte/", act), path("", include("config.urls"))]


def timed(client, **sent):
    started = time.monotonic()
    response = client.post("/acte/", {"to": "alice@exemple.test", "key": "1"} | sent)
    assert response.status_code == 200
    return time.monotonic() - started


# --- A server that fails


@pytest.mark.urls("tests.hostile.test_mail")
def test_a_request_waits_for_no_mail_server_and_loses_no_mail(smtp, settings, client):
    settings.EMAIL_TIMEOUT = 1
    timed(client, key="0")  # templates are read once
    with closing(socket.socket()) as silent:  # takes the call and never says a word
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port, settings.EMAIL_PORT = settings.EMAIL_PORT, silent.getsockname()[1]
        assert timed(client, key="silent") < 1
        tally = outbox.send_due()
        assert tally.down
    smtp.stop()
    settings.EMAIL_PORT = port
    assert timed(client, key="down") < 1
    assert outbox.send_due().down
    smtp.start()
    smtp.answer = "451 4.3.0 Plus tard"
    assert timed(client, key="later") < 1
    assert outbox.send_due().postponed == 4
    smtp.answer = ""
    Mail.objects.update(not_before="2020-01-01T00:00Z")
    assert outbox.send_due().sent == 4
    assert len({message["Message-ID"] for message in smtp.messages}) == len(smtp.messages) == 4


@pytest.mark.urls("tests.hostile.test_mail")
@pytest.mark.parametrize("value", [*TEXTS, *NUMBERS], ids=ascii)
def test_no_address_breaks_the_act_that_writes_to_it(value, client, smtp):
    response = client.post("/acte/", {"to": value, "key": "1"})
    assert response.status_code in {200, 400}
    outbox.send_due()
    assert all("@" in message["To"] for message in smtp.messages)


# --- What is typed


@pytest.mark.parametrize("markup", MARKUP, ids=ascii)
def test_what_an_enterprise_writes_of_itself_stays_text_in_mails_and_behind_their_links(
    markup, smtp, client
):
    enterprise = EnterpriseFactory(
        name=f"{markup}"[:200].replace("\0", "") or "x",
        slug="cible",
        published=True,
        address=markup[:200].replace("\0", ""),
        website="https://cible.example",
    )
    OfferingFactory(enterprise=enterprise, name=markup[:120].replace("\0", "") or "x")
    context = mailings.KINDS["reminder"].sample | {
        "enterprise": enterprise.name,
        "facts": freshness.facts(enterprise),
    }
    outbox.queue(kind="reminder", to="a@exemple.test", context=context, dedupe_key="1")
    assert outbox.send_due().sent == 1
    (message,) = smtp.messages
    for tag in ("<script", "<img", "<svg", "<iframe", '<a href="javascript'):
        assert tag not in html(message).lower().replace('<a href="https', "")
    assert "\n" not in message["Subject"]
    assert text(message)
    due = Enterprise.objects.with_due_on().get().due_on
    link = freshness.confirmation_link(enterprise, due).removeprefix("https://repertoire.example")
    # StrictClient reads the page as the content policy would, and takes braces for a mistake.
    page = (Client() if "{" in markup else client).get(link)
    assert page.status_code == 200


@pytest.mark.parametrize("value", [*TEXTS, *NUMBERS], ids=ascii)
def test_no_value_breaks_the_page_of_a_call(value, facilitator):
    enterprise, person = to_call(), sign_in(Client(), facilitator.user)
    for name in noted(""):
        response = person.post(call(enterprise), noted("no_answer") | {name: value})
        assert response.status_code in {200, 302, 400}, name
    for name in ("ville", "secteur", "tous", "page"):
        response = person.get(reverse("directory:phone_list"), {name: value})
        assert response.status_code in {200, 400}, name


@pytest.mark.parametrize(
    "value", ["a@exemple.test\r\nBcc: b@mal.example", "a@exemple.test\nX: y", "a@b@c", "a\0@b.ca"]
)
def test_a_line_break_in_an_address_is_a_mistake_of_the_form(value, facilitator):
    response = facilitator.post(call(to_call()), noted("no_answer", consent_email=value))
    assert response.status_code == 200
    assert {error["at"] for error in response.context["errors"]} == {"consent_email"}
    assert not PhoneCall.objects.exists()


@pytest.mark.parametrize("value", ENCODED)
def test_broken_bytes_in_a_link_or_a_form_break_nothing(value):
    client = StrictClient()
    for address in (f"/confirmer/{value}/", f"/desabonnement/{value}/"):
        assert client.get(address).status_code in {400, 404}
        assert client.post(address).status_code in {400, 404}
    assert not Unsubscription.objects.exists()


# --- Links


def test_a_link_of_another_kind_or_changed_by_a_letter_opens_nothing(client, reference):
    enterprise = EnterpriseFactory(published=True)
    due = Enterprise.objects.with_due_on().get().due_on
    confirm = freshness.confirmation_link(enterprise, due).rstrip("/").rpartition("/")[2]
    stop = outbox.unsubscription_link("a@exemple.test", "reminder").rstrip("/").rpartition("/")[2]
    wrong = [reverse("directory:confirm", args=[stop])]
    wrong += [reverse("directory:unsubscribe", args=[confirm])]
    wrong += [
        reverse("directory:confirm", args=[confirm[:place] + "A" + confirm[place + 1 :]])
        for place in range(0, len(confirm) - 1, 7)
        if confirm[place] not in {"A", "."}
    ]
    for address in wrong:
        assert client.post(address).status_code == 404, address
    enterprise.refresh_from_db()
    assert enterprise.version == 1
    assert not Unsubscription.objects.exists()


def test_the_log_holds_no_link_that_acts_nor_the_address_in_it(reference, caplog):
    enterprise = EnterpriseFactory(published=True)
    due = Enterprise.objects.with_due_on().get().due_on
    links = [
        freshness.confirmation_link(enterprise, due),
        outbox.unsubscription_link("canari@exemple.test", "reminder"),
    ]
    lines = []

    class Kept(logging.Handler):
        def emit(self, record):
            lines.append(LineFormatter().format(record))

    kept = Kept()
    logging.getLogger().addHandler(kept)
    try:
        with caplog.at_level(logging.INFO):
            for link in links:
                token = link.rstrip("/").rpartition("/")[2]
                address = "/" + link.split("/", 3)[3]
                assert Client().get(address).status_code == 200
                assert Client().put(address).status_code == 405
    finally:
        logging.getLogger().removeHandler(kept)
    said = "\n".join(lines)
    assert "[jeton]" in said
    assert all(json.loads(line) for line in lines)
    for link in links:
        token = link.rstrip("/").rpartition("/")[2]
        assert token not in said


def test_a_call_form_of_another_enterprise_or_caller_is_its_own(facilitator, curator):
    first, second = to_call("Une"), to_call("Deux")
    for person in (facilitator, curator):
        for enterprise in (first, second):
            person.post(call(enterprise), noted("no_answer"))
            person.post(call(enterprise), noted("no_answer"))
    assert PhoneCall.objects.count() == 4
    assert all(KEY not in key for key in PhoneCall.objects.values_list("key", flat=True))
