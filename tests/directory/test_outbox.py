"""Mail, through a real server: well, refusing, slow, dying, down."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.urls import reverse
from django.utils import timezone

from directory import bounces, claims, codes, mailings, outbox, reports
from directory.models import Mail, Unsubscription
from tests.smtp import html, text
from tests.test_consistency import mistakes

pytestmark = pytest.mark.django_db


def queued(to="alice@exemple.test", key="essai", **fields):
    sample = dict(mailings.KINDS["reminder"].sample)
    given = {"kind": "reminder", "to": to, "context": sample, "dedupe_key": key} | fields
    assert outbox.queue(**given)
    return Mail.objects.get(dedupe_key=key)


def later(**span):
    """As if this time had passed for all that waits."""
    Mail.objects.update(not_before=timezone.now() - timedelta(**span))


# --- A server that is well


def test_a_mail_arrives_as_text_and_html_from_the_site_and_is_answered_by_the_pole(smtp, settings):
    mail = queued()
    assert outbox.send_due() == outbox.Tally(sent=1)
    (message,) = smtp.messages
    assert message["To"] == "alice@exemple.test"
    assert message["Subject"] == mail.subject
    assert message["Message-ID"] == mail.message_id
    assert message["From"].addresses[0].display_name == settings.SITE_NAME
    assert message["Reply-To"] == settings.POLE_EMAIL
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Unsubscribe"] is None
    assert "Les Ateliers d’Alice" in text(message)
    assert "&" not in text(message)
    assert 'lang="fr-CA"' in html(message)
    mail.refresh_from_db()
    assert mail.sent_at
    assert (mail.attempts, mail.last_error) == (1, "")
    assert outbox.send_due() == outbox.Tally()


def test_several_mails_leave_over_one_connection_oldest_first(smtp):
    for number in range(4):
        queued(key=str(number), to=f"a{number}@exemple.test")
    assert outbox.send_due().sent == 4
    assert smtp.connections == 1
    assert [message["To"] for message in smtp.messages] == [f"a{n}@exemple.test" for n in range(4)]


def test_a_mail_asked_for_twice_is_written_once(smtp):
    queued()
    again = {"kind": "reminder", "to": "x@exemple.test", "context": {}, "dedupe_key": "essai"}
    assert outbox.queue(**again) is False
    assert outbox.send_due().sent == 1


def test_a_mail_for_later_waits(smtp):
    queued(not_before=timezone.now() + timedelta(hours=1))
    assert outbox.send_due() == outbox.Tally()
    later(minutes=1)
    assert outbox.send_due().sent == 1


def test_a_secret_is_erased_once_sent_and_no_other_text(smtp):
    queued(key="secret", secret=True)
    queued(key="ordinaire")
    outbox.send_due()
    texts = dict(Mail.objects.values_list("dedupe_key", "text"))
    assert texts["secret"] == ""
    assert texts["ordinaire"]
    assert Mail.objects.get(dedupe_key="secret").html == ""
    assert len(smtp.messages) == 2


def test_links_are_those_of_the_configured_site_whatever_name_a_request_used(smtp, settings):
    settings.SITE_URL = "https://autre.example"
    queued(service=False)
    outbox.send_due()
    (message,) = smtp.messages
    assert 'href="https://autre.example/"' in html(message)
    assert message["List-Unsubscribe"].startswith("<https://autre.example/desabonnement/")
    assert message["Message-ID"].endswith("@autre.example>")


def test_nothing_breaks_out_of_a_line(smtp, settings):
    settings.SITE_NAME = "Répertoire\r\nBcc: tous@mal.example"
    sample = dict(mailings.KINDS["reminder"].sample)
    sample["enterprise"] = "Alice\r\nBcc: tous@mal.example\u2028X-Mal: oui <b>&"
    queued(context=sample)
    assert outbox.send_due().sent == 1
    (message,) = smtp.messages
    assert message["Bcc"] is None
    assert message["X-Mal"] is None
    assert message.envelope.rcpt_tos == ["alice@exemple.test"]
    assert "Alice Bcc: tous@mal.example X-Mal: oui <b>&" in message["Subject"]
    assert "<b>&" in text(message)
    assert "&lt;b&gt;&amp;" in html(message)
    assert "<b>&" not in html(message)


@pytest.mark.parametrize(
    "to", ["", "alice", "a@b\r\nBcc: c@mal.example", "a@exemple.test, b@mal.example", "x" * 400]
)
def test_what_is_no_address_is_given_up_at_once_and_the_act_goes_on(smtp, to):
    mail = queued(to=to)
    assert mail.gave_up_at
    assert mail.last_error == "Ce n’est pas une adresse."
    assert outbox.send_due() == outbox.Tally()
    assert smtp.messages == []


# --- A server that is not


def test_an_address_refused_for_good_is_given_up_at_once_and_the_others_leave(smtp):
    smtp.refused["parti@exemple.test"] = "550 5.1.1 <parti@exemple.test>: inconnu"
    mail = queued(to="parti@exemple.test", key="1")
    queued(key="2")
    assert outbox.send_due() == outbox.Tally(sent=1, given_up=1)
    mail.refresh_from_db()
    assert mail.gave_up_at
    assert mail.bounced_at
    assert mail.last_error.startswith("550 5.1.1")


def test_an_address_refused_for_now_is_tried_again_later_and_later_then_given_up(smtp):
    smtp.refused["alice@exemple.test"] = "451 4.7.1 Revenez plus tard"
    mail = queued()
    waits = []
    for _attempt in outbox.WAITS:
        assert outbox.send_due() == outbox.Tally(postponed=1)
        assert outbox.send_due() == outbox.Tally()  # not before its time
        mail.refresh_from_db()
        waits.append(mail.not_before - timezone.now())
        later(seconds=1)
    assert all(
        abs(waited - asked) < timedelta(seconds=20)
        for waited, asked in zip(waits, outbox.WAITS, strict=True)
    )
    assert outbox.send_due() == outbox.Tally(given_up=1)
    mail.refresh_from_db()
    assert mail.gave_up_at
    assert mail.bounced_at is None
    assert mail.attempts == len(outbox.WAITS) + 1


def test_a_message_refused_for_good_is_given_up_and_one_refused_for_now_waits(smtp):
    smtp.answer = "554 5.6.0 Contenu refusé"
    queued(key="1")
    assert outbox.send_due() == outbox.Tally(given_up=1)
    smtp.answer = "452 4.3.1 Disque plein"
    queued(key="2")
    assert outbox.send_due() == outbox.Tally(postponed=1)


def test_a_server_that_is_down_leaves_everything_waiting(smtp):
    queued(key="1")
    queued(key="2")
    smtp.stop()
    tally = outbox.send_due()
    assert tally.down.startswith("ConnectionRefusedError")
    assert (tally.sent, tally.postponed, tally.given_up) == (0, 0, 0)
    assert set(Mail.objects.values_list("attempts", "last_error")) == {(0, "")}
    smtp.start()
    assert outbox.send_due().sent == 2


def test_a_server_that_dies_in_the_middle_of_a_message_is_sent_it_again(smtp):
    smtp.dying = 1
    queued(key="1")
    queued(key="2", to="bob@exemple.test")
    assert outbox.send_due() == outbox.Tally(sent=1, postponed=1)
    later(seconds=1)
    assert outbox.send_due() == outbox.Tally(sent=1)
    assert sorted(message["To"] for message in smtp.messages) == [
        "alice@exemple.test",
        "bob@exemple.test",
    ]


def test_a_server_that_dies_each_time_is_left_alone_and_no_mail_blocks_the_others(smtp):
    smtp.dying = 99
    for number in range(5):
        queued(key=str(number))
    assert outbox.send_due() == outbox.Tally(postponed=outbox.MOST_LOSSES)
    assert Mail.objects.filter(attempts=0).count() == 5 - outbox.MOST_LOSSES
    smtp.dying = 0
    assert outbox.send_due().sent == 5 - outbox.MOST_LOSSES


def test_a_message_taken_but_not_acknowledged_comes_again_under_the_same_name(smtp):
    smtp.lost = 1
    mail = queued()
    assert outbox.send_due() == outbox.Tally(postponed=1)
    later(seconds=1)
    assert outbox.send_due() == outbox.Tally(sent=1)
    assert [message["Message-ID"] for message in smtp.messages] == [mail.message_id] * 2


def test_a_slow_server_is_given_so_many_seconds(smtp, settings):
    settings.EMAIL_TIMEOUT, smtp.delay = 1, 5
    queued()
    started = time.monotonic()
    assert outbox.send_due().postponed == 1
    assert time.monotonic() - started < 4
    assert Mail.objects.get().sent_at is None


def test_without_a_server_mails_stay_where_staff_read_them(settings, capsys):
    settings.EMAIL_HOST = ""
    queued()
    call_command("send_notifications")
    assert "0 sent" in capsys.readouterr().out
    assert Mail.objects.due().count() == 1


# --- Several senders, and one that is killed


@pytest.mark.django_db(transaction=True)
def test_two_senders_at_once_send_each_mail_once(smtp):
    for number in range(12):
        queued(key=str(number), to=f"a{number}@exemple.test")
    smtp.delay = 0.05
    tallies = []

    def send():
        tallies.append(outbox.send_due())
        connections.close_all()

    senders = [threading.Thread(target=send) for _ in range(3)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(60)
    assert sum(tally.sent for tally in tallies) == 12
    assert len({message["To"] for message in smtp.messages}) == len(smtp.messages) == 12


SENDER = """
import sys, django
django.setup()
from django.conf import settings
from django.db import connection
settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = sys.argv[1]
settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", int(sys.argv[2])
from directory import outbox
outbox.send_due()
"""


@pytest.mark.django_db(transaction=True)
def test_a_sender_killed_in_the_middle_loses_nothing_and_sends_at_most_one_twice(smtp):
    for number in range(6):
        queued(key=str(number), to=f"a{number}@exemple.test")
    smtp.delay = 0.4
    arguments = [connection.settings_dict["NAME"], str(smtp.port)]
    sender = subprocess.Popen(
        [sys.executable, "-c", SENDER, *arguments],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
    )
    until = time.monotonic() + 30
    while len(smtp.messages) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    sender.send_signal(signal.SIGKILL)
    sender.wait()
    assert len(smtp.messages) >= 2
    smtp.delay = 0
    time.sleep(0.6)  # what was under way ends
    until = time.monotonic() + 30
    while Mail.objects.due().exists() and time.monotonic() < until:
        outbox.send_due()  # the row of the dead is free once the database has noticed
    came = [message["Message-ID"] for message in smtp.messages]
    assert set(came) == set(Mail.objects.values_list("message_id", flat=True))
    assert len(came) <= 7


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_loop_ends_when_it_is_told_to(smtp):
    queued()
    loop = (
        "import sys, django; django.setup()\n"
        "from django.db import connection\n"
        "connection.settings_dict['NAME'] = sys.argv[1]\n"
        "from django.conf import settings\n"
        "settings.EMAIL_HOST, settings.EMAIL_PORT = '127.0.0.1', int(sys.argv[2])\n"
        "from django.core.management import call_command\n"
        "call_command('send_notifications', '--loop')\n"
    )
    sender = subprocess.Popen(
        [sys.executable, "-c", loop, connection.settings_dict["NAME"], str(smtp.port)],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
        stdout=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 30
    while not smtp.messages and time.monotonic() < until:
        time.sleep(0.05)
    sender.send_signal(signal.SIGTERM)
    out, _none = sender.communicate(timeout=10)
    assert sender.returncode == 0
    assert out == "1 sent, 0 postponed, 0 given up\n"


@pytest.mark.django_db(transaction=True)
def test_an_act_that_fails_sends_nothing(smtp):
    with transaction.atomic():
        queued()
        transaction.set_rollback(True)
    assert outbox.send_due() == outbox.Tally()


# --- Stopping


def stop_link(message):
    return message["List-Unsubscribe"].strip("<>").removeprefix("https://repertoire.example")


def test_a_mailbox_stops_mails_in_one_request_without_a_cookie(smtp, client):
    queued(service=False, to="Info@Alice.example")
    outbox.send_due()
    (message,) = smtp.messages
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = stop_link(message)
    assert link in html(message).replace("https://repertoire.example", "")
    assert link in text(message).replace("https://repertoire.example", "")
    assert client.get(link).status_code == 200
    assert not Unsubscription.objects.exists()  # a scanner follows links
    body = b"List-Unsubscribe=One-Click"
    kind = "application/x-www-form-urlencoded"
    for _again in range(2):
        response = client.post(link, body, content_type=kind)
        assert response.status_code == 200
        assert not response.cookies
    row = Unsubscription.objects.get()
    assert (row.email, row.kind) == ("info@alice.example", "reminder")
    assert "C’est fait" in client.get(link).content.decode()


def test_who_wants_no_more_gets_only_what_answers_what_they_do(smtp):
    written = queued(service=False, key="avant")
    outbox.unsubscribe(email="ALICE@exemple.test", kind="reminder")
    sample = mailings.KINDS["reminder"].sample
    asked = {"kind": "reminder", "to": "alice@exemple.test", "context": sample}
    assert outbox.queue(**asked, dedupe_key="après", service=False) is False
    assert outbox.queue(**asked, dedupe_key="service") is True
    assert outbox.send_due() == outbox.Tally(sent=1, given_up=1)
    written.refresh_from_db()
    assert written.gave_up_at
    assert smtp.messages[0]["List-Unsubscribe"] is None


@pytest.mark.parametrize("token", ["x", "eyJ", "WyJhIiwiYiJd.xxx", "." * 50, "é", "a" * 3000])
def test_a_link_that_was_not_written_here_says_so_and_does_nothing(client, token, reference):
    for name in ("directory:unsubscribe", "directory:confirm"):
        for ask in (client.get, client.post):
            response = ask(reverse(name, args=[token]))
            assert response.status_code == 404
            assert "Ce lien ne mène nulle part" in response.content.decode()
    assert not Unsubscription.objects.exists()


# --- By hand


def test_what_was_given_up_is_tried_again_when_staff_ask_unless_its_text_is_gone(smtp):
    smtp.refused["alice@exemple.test"] = "550 5.7.1 Relais refusé"
    queued(key="1")
    queued(key="2", secret=True)
    assert outbox.send_due().given_up == 2
    smtp.refused.clear()
    assert outbox.retry(Mail.objects.all()) == 1
    assert outbox.send_due() == outbox.Tally(sent=1)
    assert Mail.objects.get(dedupe_key="2").gave_up_at


# --- What each kind says


KINDS = mailings.names()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_mail_has_its_three_files_an_example_and_good_french(kind):
    assert kind in mailings.KINDS, "an example goes in directory/mailings.py"
    written = mailings.preview(kind)
    page = Page()
    page.feed(written.html)
    assert page.parts["html"] == [("lang", "fr-CA")]
    assert page.links <= {"https", "http", "mailto", "tel"}
    assert not {"img", "script", "link", "form", "iframe"} & set(page.parts)
    for said in (written.subject, written.text, *page.texts):
        assert not mistakes(said), said
        for left in ("{{", "{%", "&#x", "&amp;", "None"):
            assert left not in said
    assert 5 < len(written.subject) <= 90
    assert "\n\n\n" not in written.text
    assert ("/desabonnement/exemple/" in written.text) == mailings.KINDS[kind].stoppable
    # What the one says to do, the other does too.
    assert set(re.findall(r"https?://[^\s\"<>]+", written.text)) <= set(
        re.findall(r"https?://[^\s\"<>]+", written.html)
    )


def test_the_samples_of_codes_have_the_shape_of_those_that_leave():
    code = mailings.KINDS["code"].sample["code"]
    assert re.fullmatch(rf"\d{{4}} \d{{{codes.DIGITS - 4}}}", code)
    code = mailings.KINDS["claim_code"].sample["code"].replace("-", "")
    assert len(code) == claims.CODE_LENGTH
    assert set(code) <= set(reports.ALPHABET)


def test_no_mail_may_be_stopped_but_of_a_kind_that_says_so(db):
    for kind in ("code", "account_changed"):
        with pytest.raises(ValueError, match=kind):
            queued(kind=kind, context=mailings.KINDS[kind].sample, service=False)
    assert queued(service=False)


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.parts, self.links, self.texts, self.hidden = {}, set(), [], False

    def handle_starttag(self, tag, attributes):
        self.parts[tag] = attributes
        self.hidden = tag == "style"
        if address := dict(attributes).get("href"):
            self.links.add(address.partition(":")[0])

    def handle_endtag(self, tag):
        self.hidden = False

    def handle_data(self, data):
        if data.strip() and not self.hidden:
            self.texts.append(data)


def test_staff_read_what_each_kind_says_and_each_mail_that_is_no_secret(curator, smtp):
    def html_of(address):
        return curator.get(address).content.decode()

    listed = html_of(reverse("admin:directory_mail_previews"))
    for kind in KINDS:
        assert reverse("admin:directory_mail_preview", args=[kind]) in listed
        shown = html_of(reverse("admin:directory_mail_preview", args=[kind]))
        assert mailings.preview(kind).subject in unescape(shown)
        sample = curator.get(reverse("admin:directory_mail_sample", args=[kind]))
        assert sample.headers["Content-Type"] == "message/rfc822"
        assert b"multipart/alternative" in sample.content
    ordinary, secret = queued(key="1"), queued(key="2", secret=True)
    for mail, readable in ((ordinary, True), (secret, False)):
        page = html_of(reverse("admin:directory_mail_change", args=[mail.pk]))
        assert (mail.text.splitlines()[2] in unescape(page)) is readable
        file = curator.get(reverse("admin:directory_mail_file", args=[mail.pk]))
        assert file.status_code == (200 if readable else 404)
    assert curator.get(reverse("admin:directory_mail_preview", args=["rien"])).status_code == 404


def test_staff_filter_the_outbox_and_try_again_what_was_given_up(curator, smtp):
    smtp.refused["parti@exemple.test"] = "550 5.1.1 Inconnu"
    queued(to="parti@exemple.test", key="1")
    queued(to="arrive@exemple.test", key="2")
    outbox.send_due()
    queued(to="attend@exemple.test", key="3")
    address = reverse("admin:directory_mail_changelist")
    shown = {
        state: [
            name
            for name in ("parti@", "arrive@", "attend@")
            if name in curator.get(address, {"etat": state}).content.decode()
        ]
        for state in ("a-envoyer", "partis", "abandonnes", "revenus")
    }
    assert shown == {
        "a-envoyer": ["attend@"],
        "partis": ["arrive@"],
        "abandonnes": ["parti@"],
        "revenus": ["parti@"],
    }
    smtp.refused.clear()
    chosen = Mail.objects.values_list("pk", flat=True)
    curator.post(address, {"action": "retry", "_selected_action": list(chosen)})
    assert outbox.send_due().sent == 2


# --- What came back


def returned(mail, action="failed", original="message/rfc822"):
    """What a mail server writes when it could not deliver."""
    return f"""From: MAILER-DAEMON@mx.exemple.test
To: pole@repertoire.example
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I could not deliver your message.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.exemple.test

Final-Recipient: rfc822; alice@exemple.test
Action: {action}
Status: 5.1.1

--b
Content-Type: {original}

Message-ID: {mail.message_id}
Subject: Votre fiche

Bonjour
--b--
""".encode()


@pytest.mark.parametrize("original", ["message/rfc822", "text/rfc822-headers"])
def test_a_mail_that_came_back_is_noted_once(smtp, original):
    mail, other = queued(key="1"), queued(key="2")
    outbox.send_due()
    assert bounces.read(returned(mail, original=original)) == 1
    assert bounces.read(returned(mail, original=original)) == 0
    mail.refresh_from_db()
    other.refresh_from_db()
    assert mail.bounced_at
    assert not other.bounced_at


def test_a_delay_an_unsent_mail_or_anything_else_notes_nothing(smtp):
    mail = queued()
    assert bounces.read(returned(mail)) == 0  # has not left
    outbox.send_due()
    for raw in (
        returned(mail, action="delayed"),
        b"",
        b"\xff\x00\r\n\r\n",
        f"Subject: Re\nIn-Reply-To: {mail.message_id}\n\nJe suis absente.".encode(),
        returned(mail).replace(mail.message_id.encode(), b"<un-autre@exemple.test>"),
    ):
        assert bounces.read(raw) == 0
    assert not Mail.objects.filter(bounced_at__isnull=False).exists()


def test_messages_that_came_back_are_read_from_files(smtp, tmp_path, capsys):
    mail = queued()
    outbox.send_due()
    (tmp_path / "1.eml").write_bytes(returned(mail))
    call_command("read_bounces", str(tmp_path / "1.eml"))
    assert "1 messages read, 1 mails came back" in capsys.readouterr().out
    with pytest.raises(CommandError, match="No such file"):
        call_command("read_bounces", str(tmp_path / "rien"))
