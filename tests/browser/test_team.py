"""From a profile, or from the mail of an invitation, to the team of a listing: on a telephone, with
and without scripts."""

import re

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import expect

from directory import invitations
from directory.models import (
    Claim,
    ConsentBasis,
    Counter,
    Enterprise,
    Invitation,
    Mail,
    Representative,
    User,
)
from tests.browser.conftest import PHONE
from tests.browser.test_accessibility import found_by_axe
from tests.factories import ClaimFactory, RepresentativeFactory, UserFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def left_as_found(site):
    """These tests write; the others of this folder share their data."""
    before = set(User.objects.values_list("pk", flat=True))
    listings = list(Enterprise.objects.filter(slug__in=["riche", "minimale"]).values())
    yield
    for model in (Representative, Claim, Invitation, Mail, Counter, ConsentBasis):
        model.objects.all().delete()
    User.objects.exclude(pk__in=before).delete()
    for row in listings:
        Enterprise.objects.filter(pk=row["id"]).update(
            confirmed_on=row["confirmed_on"], published_on=row["published_on"]
        )


@pytest.fixture
def person(site, contexts):
    """A window of somebody signed in, on a telephone."""

    def opened(window, email, *, scripted=True, **fields):
        client = Client()
        sign_in(client, UserFactory(email=email, **fields))
        page = window(size=PHONE, fresh=True, scripted=scripted)
        name = settings.SESSION_COOKIE_NAME
        value = client.cookies[name].value
        page.context.add_cookies([{"name": name, "value": value, "url": site.url}])
        return page

    return opened


@pytest.mark.parametrize("scripted", [True, False])
def test_a_listing_is_claimed_by_the_code_of_its_mail(scripted, window, person):
    page = person(window, "claude@exemple.test", scripted=scripted)
    page.goto("/entreprises/riche/")
    page.get_by_role("link", name="C’est votre entreprise?").click()
    page.get_by_role("button", name="Envoyer le code").click()
    code = page.get_by_label("Code reçu")
    code.wait_for()
    if scripted:
        assert found_by_axe(page) == {}
    code.fill("AAAA AAAA")
    page.get_by_role("button", name="Valider").click()
    page.get_by_role("alert").wait_for()
    page.get_by_role("link", name="Ce n’est pas ce code").click()
    mail = Mail.objects.get(kind="claim_code")
    page.get_by_label("Code reçu").fill(re.search(r"[2-9A-Z]{4}-[2-9A-Z]{4}", mail.text)[0])
    page.get_by_role("button", name="Valider").click()
    page.wait_for_url("**/mon-entreprise/**")
    row = Representative.objects.get(user__email="claude@exemple.test")
    assert (row.enterprise.slug, row.role) == ("riche", "owner")


def test_a_request_is_written_and_taken_back(window, person):
    page = person(window, "rita@exemple.test")
    page.goto("/entreprises/minimale/reclamer/")
    page.get_by_role("button", name="Envoyer ma demande").click()
    page.get_by_role("alert").wait_for()
    expect(page.locator("[aria-invalid]")).to_have_count(3)
    assert found_by_axe(page) == {}
    page.get_by_label("Votre fonction").fill("Présidence")
    page.get_by_label("Comment le vérifier").fill("Au registre des entreprises.")
    page.get_by_label("Téléphone").fill("450 555-0199")
    page.get_by_role("button", name="Envoyer ma demande").click()
    page.get_by_role("button", name="Retirer ma demande").wait_for()
    assert found_by_axe(page) == {}
    page.get_by_role("button", name="Retirer ma demande").click()
    page.get_by_role("status").wait_for()
    assert Claim.objects.get().state == "withdrawn"


@pytest.mark.parametrize("scripted", [True, False])
def test_an_owner_invites_and_the_person_accepts_from_the_mail(scripted, window, person):
    enterprise = Enterprise.objects.get(slug="riche")
    owner = person(window, "olga@exemple.test", name="Olga Ouellet", scripted=scripted)
    RepresentativeFactory(
        enterprise=enterprise, user=User.objects.get(email="olga@exemple.test"), role="owner"
    )
    owner.goto("/mon-entreprise/riche/equipe/")
    owner.get_by_label("Courriel de la personne").fill("ines@exemple.test")
    owner.get_by_role("button", name="Envoyer l’invitation").click()
    owner.get_by_role("status").wait_for()
    mail = Mail.objects.get(kind="invitation")
    path = re.search(r"/invitation/[\w-]+/", mail.text)[0]
    # Somebody without a session is told what to do, and nothing is used up.
    reader = window(size=PHONE, fresh=True, scripted=scripted)
    reader.goto(path)
    expect(reader.get_by_role("link", name="J’ai déjà un compte")).to_be_visible()
    if scripted:
        assert found_by_axe(reader) == {}
        assert found_by_axe(owner) == {}
    guest = person(window, "ines@exemple.test", scripted=scripted)
    guest.goto(path)
    guest.get_by_role("button", name="Accepter l’invitation").click()
    guest.wait_for_url("**/mon-entreprise/**")
    assert Invitation.objects.get().accepted_by.email == "ines@exemple.test"
    # The page told no other address where its reader came from.
    for request in guest.requested:
        assert path not in request.headers.get("referer", "")


def test_axe_finds_nothing_in_the_other_pages(window, person, site):
    enterprise = Enterprise.objects.get(slug="riche")
    Enterprise.objects.filter(pk=enterprise.pk).update(published_on="2024-01-01", confirmed_on=None)
    owner = person(window, "olga@exemple.test")
    user = User.objects.get(email="olga@exemple.test")
    row = RepresentativeFactory(enterprise=enterprise, user=user, role="owner")
    claim = ClaimFactory(enterprise=enterprise)
    sent = invitations.invite(enterprise=enterprise, email="x@exemple.test", role="editor", by=user)
    path = re.search(r"/invitation/[\w-]+/", Mail.objects.latest("pk").text)[0]
    pages = [
        "/mon-entreprise/riche/equipe/",
        f"/mon-entreprise/riche/equipe/{row.pk}/",
        f"/mon-entreprise/riche/equipe/demandes/{claim.pk}/",
        "/entreprises/riche/reclamer/",
        path,  # of somebody else
    ]
    for address in pages:
        owner.goto(address)
        assert found_by_axe(owner) == {}, address
    owner.goto(pages[1])
    expect(owner.get_by_text("Vous êtes la seule personne responsable")).to_be_visible()
    expect(owner.get_by_role("button", name="Quitter")).to_have_count(0)
    stranger = person(window, "s@exemple.test")
    stranger.goto("/entreprises/riche/reclamer/")
    assert found_by_axe(stranger) == {}
    assert sent.queued


def test_axe_finds_nothing_in_what_staff_send_to_many(window):
    for slug in ("riche", "minimale"):
        row = Enterprise.objects.get(slug=slug)
        Enterprise.objects.filter(pk=row.pk).update(
            published_on="2024-01-01", confirmed_on="2024-01-01"
        )
        if row.email:
            ConsentBasis.objects.create(
                enterprise=row,
                email=row.email,
                basis="published",
                source="x",
                given_on="2024-01-01",
            )
    page = window(signed_in=True, size=PHONE)
    page.goto("/invitations/")
    expect(page.get_by_text("riche@riche.example")).to_be_visible()
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true })")
    assert found_by_axe(page) == {}
    page.get_by_role("button", name="Envoyer les invitations cochées").click()
    page.get_by_role("heading", name=re.compile("invitation.* part")).wait_for()
    assert found_by_axe(page) == {}
