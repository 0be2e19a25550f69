"""An owner’s first quarter of an hour: on a telephone, from the mail of an invitation to a change
that a reader sees, timed."""

import re
import time

import pytest
from django.core.management import call_command
from playwright.sync_api import expect

from directory import invitations
from directory.models import Enterprise, Mail, Representative, User
from tests.browser.conftest import PHONE, rich
from tests.browser.test_accessibility import GARBLED, STICKING_OUT, TOO_SMALL, found_by_axe
from tests.smtp import text

pytestmark = pytest.mark.browser

MOST_SECONDS = 120
OWNER = "paule@exemple.test"


@pytest.fixture
def ours(site):
    """A listing that nobody tends, which this test changes; the others of this folder share
    theirs."""
    enterprise = rich("Traiteur des Rives", "traiteur-des-rives", "")
    yield enterprise
    Representative.objects.filter(enterprise=enterprise).delete()
    enterprise.delete()
    User.objects.filter(email=OWNER).delete()
    Mail.objects.all().delete()


def arrived(smtp, subject):
    """What the mail to the owner says, once the sender has run."""
    call_command("send_notifications", verbosity=0)
    (found,) = (one for one in smtp.to(OWNER) if subject in one["Subject"])
    return text(found)


def test_from_the_mail_to_a_change_that_is_read_takes_less_than_two_minutes(
    ours, smtp, window, tell
):
    by = User.objects.get(name="Racine")
    invitations.invite(enterprise=ours, email=OWNER, role="owner", by=by)
    page = window(size=PHONE, fresh=True)
    seen, wrong, looking = [], {}, 0.0

    def look():
        nonlocal looking
        began = time.monotonic()
        name = page.get_by_role("heading", level=1).inner_text()
        seen.append(name)
        found = found_by_axe(page)
        page.set_viewport_size(PHONE)
        page.emulate_media(color_scheme="light")
        if stuck := page.evaluate(STICKING_OUT) + page.evaluate(TOO_SMALL) + page.evaluate(GARBLED):
            found["sticking out"] = stuck
        if found:
            wrong[name] = found
        looking += time.monotonic() - began

    began = time.monotonic()
    mail = arrived(smtp, "Traiteur des Rives")
    page.goto(re.search(r"/invitation/[\w-]+/", mail)[0])
    look()
    page.get_by_role("link", name="Créer mon compte").click()
    look()
    page.get_by_label("Votre courriel").fill(OWNER)
    page.get_by_label("Votre nom").fill("Paule Propriétaire")
    page.get_by_label("J’ai lu").check()
    page.get_by_role("button", name="Recevoir un code").click()
    look()
    code = re.search(r"\d{4} \d{4}", arrived(smtp, "code"))[0]
    page.get_by_label("Code reçu par courriel").fill(code)
    page.get_by_role("button", name="Continuer").click()
    look()
    page.get_by_role("button", name="Accepter l’invitation").click()
    page.wait_for_url("**/mon-entreprise/traiteur-des-rives/")
    look()
    page.get_by_role("link", name="Coordonnées et personnes").click()
    look()
    page.get_by_label("Téléphone de l’entreprise").fill("450 555-0177")
    page.get_by_role("button", name="Publier").last.click()
    page.get_by_text("C’est publié.").wait_for()
    look()
    page.get_by_role("link", name="Voir la page publique").click()
    page.get_by_role("heading", name="Joindre l’entreprise").wait_for()
    look()
    reader = window(size=PHONE, fresh=True)
    reader.goto(page.url)
    expect(reader.get_by_role("link", name="450 555-0177").first).to_be_visible()
    took = time.monotonic() - began

    assert wrong == {}
    assert Enterprise.objects.get(pk=ours.pk).provenance["phone"] == "owner"
    assert took < MOST_SECONDS
    tell(
        f"invitation to published change: {len(seen)} pages, {took - looking:.1f} s"
        f" of machine, {took:.1f} s with the pages looked at"
    )
