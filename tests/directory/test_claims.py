"""« C’est votre entreprise? »: nobody is attached without proof or somebody’s approval."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from directory import claims, domains, representatives, sections, wording
from directory.models import AuditEntry, Claim, Counter, Enterprise, Mail, Representative
from tests.at_once import at_once
from tests.client import StrictClient
from tests.conftest import representing
from tests.factories import EnterpriseFactory

pytestmark = pytest.mark.django_db

SAID = {
    "action": "ask",
    "function": "Direction générale",
    "grounds": "Je suis au registre des entreprises.",
    "phone": "450 555-0199",
}


@pytest.fixture
def listing(db):
    """Nobody's yet."""
    return EnterpriseFactory(
        name="Atelier Nouvel Élan",
        slug="nouvel-elan",
        published=True,
        email="info@elan.example",
        website="https://www.elan.example/fr/",
    )


@pytest.fixture
def owned(listing, alice):
    """In Alice's hands as well."""
    representing(alice, listing, "owner")
    return listing


def page(enterprise):
    return reverse("directory:claim", args=[enterprise.slug])


def code_sent():
    mail = Mail.objects.filter(kind="claim_code").order_by("-pk").first()
    return re.search(r"\b[2-9A-Z]{4}-[2-9A-Z]{4}\b", mail.text)[0]


def role(client, enterprise):
    rows = Representative.objects.filter(user=client.user, enterprise=enterprise)
    return rows.values_list("role", flat=True).first()


def mails(**fields):
    return list(Mail.objects.filter(**fields).order_by("pk").values_list("kind", "recipient"))


def texts(response):
    return re.sub(r"\s+", " ", response.content.decode().replace("\xa0", " "))


# --- The way there


def test_the_profile_leads_there_and_there_to_the_sign_in(client, listing, reference):
    assert f'href="{page(listing)}"' in client.get(listing.get_absolute_url()).content.decode()
    response = client.get(page(listing))
    assert response.status_code == 302
    assert response.headers["Location"].endswith(f"?next={page(listing)}")


def test_a_draft_is_not_found_and_an_archived_listing_says_so(member):
    draft, archived = EnterpriseFactory(), EnterpriseFactory(archived=True)
    for act in ({}, SAID, {"action": "code"}, {"action": "domain"}):
        assert member.post(page(draft), act).status_code == 404
        assert member.post(page(archived), act).status_code == 410
    assert member.get(page(draft)).status_code == 404
    assert not Claim.objects.exists()


def test_only_what_is_open_is_offered(member, people, listing):
    html = texts(member.get(page(listing)))
    assert "i•••@elan.example" in html
    assert "info@elan.example" not in html
    assert 'value="domain"' not in html
    insider = people(email="eve@elan.example")
    assert 'value="domain"' in texts(insider.get(page(listing)))
    Enterprise.objects.filter(pk=listing.pk).update(email="", website="")
    html = texts(insider.get(page(listing)))
    assert 'value="domain"' not in html
    assert 'value="code"' not in html
    assert '<details class="way" open>' in html


# --- By the enterprise's own domain


def test_an_address_at_the_domain_is_proof_at_once(people, listing):
    insider = people(email="eve@elan.example", name="Ève")
    response = insider.post(page(listing), {"action": "domain"})
    assert response.status_code == 302
    assert role(insider, listing) == "owner"
    claim = Claim.objects.get()
    assert (claim.state, claim.decided_by) == ("accepted", None)
    assert AuditEntry.objects.get(act="representative.added").detail["how"] == "domain"
    # The address that everyone knows is told too.
    assert mails() == [
        ("claim_accepted", "eve@elan.example"),
        ("claim_announced", "info@elan.example"),
    ]
    insider.post(page(listing), {"action": "domain"})
    assert Claim.objects.count() == Representative.objects.count() == 1
    assert Mail.objects.count() == 2


@pytest.mark.parametrize(
    "address",
    [
        "eve@exemple.test",
        "eve@sub.elan.example",
        "eve@elan.example.pirate.test",
        "eve@pirate-elan.example",
        "elan.example@exemple.test",
    ],
)
def test_another_domain_is_no_proof(address, people, listing):
    stranger = people(email=address)
    assert stranger.post(page(listing), {"action": "domain"}).status_code == 302
    assert role(stranger, listing) is None
    assert not Claim.objects.exists()


@pytest.mark.parametrize(
    "shared",
    ["gmail.com", "hotmail.com", "outlook.com", "videotron.ca", "yahoo.ca", "mail.gouv.qc.ca"],
)
def test_a_domain_of_everybody_is_no_proof(shared, people, listing):
    Enterprise.objects.filter(pk=listing.pk).update(
        email=f"elan@{shared}", website=f"https://{shared}/"
    )
    stranger = people(email=f"eve@{shared}")
    stranger.post(page(listing), {"action": "domain"})
    assert role(stranger, listing) is None


@pytest.mark.parametrize("website", ["", "https://www.facebook.com/coop", "https://coop.example/"])
def test_the_domain_of_a_listed_address_is_no_proof_without_the_site(website, people, listing):
    # A provider of mail that the list of shared domains does not know.
    said = {"email": "import", "website": "import"}
    Enterprise.objects.filter(pk=listing.pk).update(
        email="coop@cgocable.ca", website=website, provenance=said
    )
    stranger = people(email="eve@cgocable.ca")
    html = texts(stranger.get(page(listing)))
    assert 'value="domain"' not in html
    assert "c•••@cgocable.ca" in html
    stranger.post(page(listing), {"action": "domain"})
    assert role(stranger, listing) is None
    assert not Claim.objects.exists()


def test_a_domain_that_several_listings_have_is_no_proof(people, listing):
    insider = people(email="eve@elan.example")
    for fields in (
        {"email": "autre@elan.example"},
        {"website": "http://ELAN.example/membres/autre"},
        {"website": "https://www.elan.example"},
    ):
        other = EnterpriseFactory(published=True, **fields)
        insider.post(page(listing), {"action": "domain"})
        assert role(insider, listing) is None, fields
        other.delete()
    EnterpriseFactory(published=True, website="https://belan.example", email="x@notelan.example")
    insider.post(page(listing), {"action": "domain"})
    assert role(insider, listing) == "owner"


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://www.elan.example", "elan.example"),
        ("https://elan.example/fr/", "elan.example"),
        ("https://ELAN.example.", "elan.example"),
        ("https://élan.example/accueil", "xn--lan-9la.example"),
        ("https://federation.example/membres/elan", ""),
        ("https://federation.example/?membre=3", ""),
        ("https://[::1", ""),
        ("", ""),
    ],
)
def test_the_domain_of_a_site_is_that_of_its_home(url, domain):
    assert domains.of_website(url) == domain


def test_each_shared_domain_has_its_reason():
    import csv

    with domains.FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len({row["domain"] for row in rows}) == len(domains.shared())
    assert all(row["reason"] and row["domain"] == row["domain"].lower() for row in rows)


# --- By what the listing has long borne


def rewritten(listing, by, **details):
    """As an editor changes them from their own pages."""
    sections.apply(
        enterprise=listing,
        section="contacts",
        changes=details,
        by=by,
        source=Enterprise.Source.OWNER,
        reason="",
    )
    listing.refresh_from_db()


def long_ago(listing, days):
    then = timezone.now() - timedelta(days=days)
    Enterprise.history.filter(id=listing.pk).update(history_date=then)


def test_a_new_address_proves_nothing_before_thirty_days(people, alice, listing):
    rewritten(listing, alice.user, email="autre@elan.example", website="https://autre.example")
    stranger = people(email="eve@autre.example")
    html = texts(stranger.get(page(listing)))
    assert 'value="code"' not in html
    assert 'value="domain"' not in html
    for act in ("code", "domain"):
        stranger.post(page(listing), {"action": act})
    assert not Mail.objects.exists()
    assert role(stranger, listing) is None
    long_ago(listing, 31)
    html = texts(stranger.get(page(listing)))
    assert 'value="code"' in html
    assert 'value="domain"' in html


def test_an_address_never_proves_anything_to_who_wrote_it(people, listing):
    editor = representing(people(email="eve@autre.example"), listing, "editor")
    rewritten(listing, editor.user, email="eve2@autre.example", website="https://autre.example")
    long_ago(listing, 400)
    for act in ("code", "domain"):
        editor.post(page(listing), {"action": act})
    assert not Mail.objects.exists()
    assert role(editor, listing) == "editor"
    # Said again by the Pôle, it is proof.
    rewritten(listing, editor.user, email="encore@autre.example")
    Enterprise.objects.filter(pk=listing.pk).update(email="info@elan.example")
    listing.refresh_from_db()
    listing.provenance["email"] = "staff"
    listing.save()
    editor.post(page(listing), {"action": "code"})
    assert mails() == [("claim_code", "info@elan.example")]


def test_the_desk_shows_what_was_there_before_somebody_changed_it(people, moderator, owned):
    editor = representing(people(email="eve@exemple.test", name="Ève"), owned, "editor")
    owned.phone = "+14505550100"
    owned.save()
    long_ago(owned, 60)
    rewritten(owned, editor.user, phone="+14505550666", email="eve@pirate.example")
    editor.post(page(owned), SAID)
    claim = Claim.objects.get()
    assert claim.takeover
    html = texts(moderator.get(reverse("directory:desk_claim", args=[claim.pk])))
    assert html.count("changé par Ève le") == 2
    assert 'href="tel:+14505550100"' in html
    assert 'href="tel:+14505550666"' not in html
    assert 'href="mailto:info@elan.example"' in html
    long_ago(owned, 60)
    Enterprise.history.update(history_user=None)
    html = texts(moderator.get(reverse("directory:desk_claim", args=[claim.pk])))
    assert 'href="tel:+14505550666"' in html


# --- By a code


def test_whoever_reads_the_listed_address_proves_it(member, listing):
    response = member.post(page(listing), {"action": "code"})
    assert response.headers["Location"] == page(listing)
    mail = Mail.objects.get()
    assert (mail.recipient, mail.secret, mail.service) == ("info@elan.example", True, True)
    assert "membre@exemple.test" in mail.text
    html = texts(member.get(page(listing)))
    assert "i•••@elan.example" in html
    code = code_sent()
    claim = Claim.objects.get()
    # Kept as a keyed hash only: not the code, nor its plain hash.
    kept = " ".join(str(value) for value in Claim.objects.values_list().get())
    assert code.replace("-", "") not in kept
    assert len(claim.code_hash) == 64
    typed = f"  {code.lower().replace('-', ' ')} "
    response = member.post(page(listing), {"action": "prove", "code": typed})
    assert response.status_code == 302
    assert role(member, listing) == "owner"
    claim.refresh_from_db()
    assert (claim.state, claim.code_hash) == ("accepted", "")
    # Sent twice: once.
    again = member.post(page(listing), {"action": "prove", "code": typed})
    assert again.headers["Location"] == page(listing)
    assert "déjà responsable" in texts(member.get(page(listing)))
    assert Representative.objects.count() == 1
    assert mails(kind="claim_accepted") == [("claim_accepted", "membre@exemple.test")]


def test_reading_the_page_uses_nothing_up(member, listing):
    member.post(page(listing), {"action": "code"})
    for _ in range(10):
        member.get(page(listing), {"action": "prove", "code": code_sent()})
        member.head(page(listing))
    assert Claim.objects.get().attempts == 0
    assert role(member, listing) is None
    member.post(page(listing), {"action": "prove", "code": code_sent()})
    assert role(member, listing) == "owner"


def test_five_wrong_codes_void_it(member, listing):
    member.post(page(listing), {"action": "code"})
    for left in (4, 3, 2, 1):
        html = texts(member.post(page(listing), {"action": "prove", "code": "AAAA-AAAA"}))
        assert f"Il vous reste {left} essai" in html
        assert 'aria-invalid="true"' in html
    html = texts(member.post(page(listing), {"action": "prove", "code": "AAAA-AAAA"}))
    assert "il ne vaut plus" in html
    html = texts(member.post(page(listing), {"action": "prove", "code": code_sent()}))
    assert "Demandez-en un autre" in html
    assert role(member, listing) is None
    # Another does not wait for the first to be forgotten, and is good.
    member.post(page(listing), {"action": "code"})
    assert Mail.objects.count() == 2
    member.post(page(listing), {"action": "prove", "code": code_sent()})
    assert role(member, listing) == "owner"


def test_a_code_is_good_for_fifteen_minutes(member, listing):
    member.post(page(listing), {"action": "code"})
    claim = Claim.objects.get()
    assert timedelta(minutes=14) < claim.code_expires_at - timezone.now() <= claims.CODE_GOOD_FOR
    Claim.objects.update(code_expires_at=timezone.now())
    html = texts(member.post(page(listing), {"action": "prove", "code": code_sent()}))
    assert "a expiré" in html
    assert role(member, listing) is None


def test_a_code_is_good_for_who_asked_and_where_they_asked(member, people, listing):
    other = EnterpriseFactory(published=True, email="info@autre.example")
    thief = people(email="voleuse@exemple.test")
    member.post(page(listing), {"action": "code"})
    code = code_sent()
    thief.post(page(other), {"action": "code"})
    for enterprise in (listing, other):
        thief.post(page(enterprise), {"action": "prove", "code": code})
        assert role(thief, enterprise) is None
    member.post(page(other), {"action": "prove", "code": code})
    assert role(member, other) is None


def test_a_new_code_voids_the_one_before(member, listing):
    member.post(page(listing), {"action": "code"})
    first = code_sent()
    an_earlier_time(minutes=2)
    member.post(page(listing), {"action": "code"})
    assert code_sent() != first
    member.post(page(listing), {"action": "prove", "code": first})
    assert role(member, listing) is None


def an_earlier_time(**span):
    for claim in Claim.objects.exclude(code_expires_at=None):
        claim.code_expires_at -= timedelta(**span)
        claim.save()


def test_the_button_pressed_twice_sends_one_code(member, listing):
    for _ in range(3):
        assert member.post(page(listing), {"action": "code"}).status_code == 302
    assert Mail.objects.count() == Claim.objects.count() == 1


def test_so_many_codes_and_no_more(member, people, listing):
    for number in range(5):
        assert member.post(page(listing), {"action": "code"}).status_code == 302, number
        an_earlier_time(minutes=2)
    response = member.post(page(listing), {"action": "code"})
    assert response.status_code == 429
    assert "Recommencez dans" in texts(response)
    # The listed address is spared too, whoever asks next.
    assert people(email="x@exemple.test").post(page(listing), {"action": "code"}).status_code == 429
    assert Mail.objects.count() == 5
    # What was typed in the page's other form is not refused for that.
    assert member.post(page(listing), SAID).status_code == 302


def test_an_owner_who_comes_first_is_asked_even_so(member, listing, alice):
    member.post(page(listing), {"action": "code"})
    code = code_sent()
    representing(alice, listing, "owner")
    member.post(page(listing), {"action": "prove", "code": code})
    assert role(member, listing) is None
    assert Claim.objects.get().state == "waiting"
    assert mails(kind="claim_asked") == [("claim_asked", "alice@exemple.test")]
    assert "la personne responsable de la fiche peut l’accepter" in texts(member.get(page(listing)))


# --- By asking the Pôle


def test_a_request_waits_for_staff(member, moderator, listing):
    response = member.post(page(listing), SAID)
    assert response.headers["Location"] == page(listing)
    claim = Claim.objects.get()
    assert (claim.state, claim.takeover, claim.phone) == ("waiting", False, "450 555-0199")
    assert "La réponse vous viendra par courriel" in texts(member.get(page(listing)))
    assert role(member, listing) is None
    claims.accept(claim=claim, by=moderator.user)
    assert role(member, listing) == "owner"
    claim.refresh_from_db()
    assert (claim.state, claim.decided_by) == ("accepted", moderator.user)
    assert mails() == [
        ("claim_accepted", "membre@exemple.test"),
        ("claim_announced", "info@elan.example"),
    ]
    trace = AuditEntry.objects.get(act="claim.accepted")
    assert (trace.by_id, trace.subject_id) == (moderator.user.pk, listing.pk)
    assert "membre" not in str(trace.detail)


def test_a_refusal_says_why_and_one_may_ask_again(member, moderator, listing):
    member.post(page(listing), SAID)
    claim = Claim.objects.get()
    with pytest.raises(ValueError, match="says why"):
        claims.refuse(claim=claim, by=moderator.user, reason="  ")
    claims.refuse(claim=claim, by=moderator.user, reason="Le numéro n’est pas le vôtre.")
    assert mails() == [("claim_refused", "membre@exemple.test")]
    assert "Le numéro n’est pas le vôtre." in Mail.objects.get().text
    assert AuditEntry.objects.get().act == "claim.refused"
    html = texts(member.get(page(listing)))
    assert "Le numéro n’est pas le vôtre." in html
    assert 'name="grounds"' in html
    member.post(page(listing), SAID)
    assert list(Claim.objects.order_by("pk").values_list("state", flat=True)) == [
        "refused",
        "waiting",
    ]


@pytest.mark.parametrize("name", ["function", "grounds", "phone"])
def test_what_is_missing_is_said_at_its_place(name, member, listing):
    html = texts(member.post(page(listing), SAID | {name: ""}))
    assert f'id="{name}_error"' in html
    assert f'href="#{name}"' in html
    assert "<title>À corriger" in html
    assert SAID["function"] in html or name == "function"
    assert not Claim.objects.exists()


def test_asking_twice_is_asking_once(member, listing):
    for _ in range(2):
        assert member.post(page(listing), SAID).status_code == 302
    member.post(page(listing), SAID | {"function": "Présidence"})
    assert Claim.objects.get().function == "Présidence"


def test_a_request_can_be_taken_back(member, listing, moderator):
    member.post(page(listing), SAID)
    claim = Claim.objects.get()
    response = member.post(page(listing), {"action": "withdraw"})
    assert response.headers["Location"] == page(listing)
    assert "Votre demande est retirée." in texts(member.get(page(listing)))
    with pytest.raises(claims.AlreadyDecided) as told:
        claims.accept(claim=claim, by=moderator.user)
    assert told.value.claim.state == "withdrawn"
    assert role(member, listing) is None
    assert member.post(page(listing), {"action": "withdraw"}).status_code == 302


def test_only_so_many_requests(member):
    for number in range(6):
        listing = EnterpriseFactory(published=True, name=f"Coop {number}")
        response = member.post(page(listing), SAID)
    assert response.status_code == 429
    assert Claim.objects.count() == 5
    assert SAID["grounds"] in texts(response)


# --- Where there is an owner


def test_neither_domain_nor_code_opens_what_somebody_has_in_hand(people, owned):
    insider = people(email="eve@elan.example")
    html = texts(insider.get(page(owned)))
    assert "i•••@" not in html
    for act in ("domain", "code"):
        assert insider.post(page(owned), {"action": act}).status_code == 302
    assert role(insider, owned) is None
    assert not Mail.objects.exists()
    assert not Claim.objects.exists()


def test_the_owner_is_asked_and_lets_a_colleague_in(member, alice, owned):
    assert member.post(page(owned), SAID).status_code == 200  # which of the two?
    member.post(page(owned), SAID | {"kind": "join"})
    claim = Claim.objects.get()
    assert mails() == [("claim_asked", "alice@exemple.test")]
    team, answer = (
        reverse("directory:team", args=[owned.slug]),
        reverse("directory:team_claim", args=[owned.slug, claim.pk]),
    )
    assert answer in texts(alice.get(team))
    assert SAID["grounds"] in texts(alice.get(answer))
    assert (
        alice.post(answer, {"action": "accept", "seen": claims.digest(claim)}).headers["Location"]
        == team
    )
    assert role(member, owned) == "editor"
    assert role(alice, owned) == "owner"
    alice.post(answer, {"action": "accept", "seen": claims.digest(claim)})
    assert "déjà été acceptée" in texts(alice.get(team))
    assert mails(kind="claim_accepted") == [("claim_accepted", "membre@exemple.test")]


def test_the_owner_may_refuse_and_says_why(member, alice, owned):
    member.post(page(owned), SAID | {"kind": "join"})
    answer = reverse("directory:team_claim", args=[owned.slug, Claim.objects.get().pk])
    html = texts(alice.post(answer, {"action": "refuse", "reason": ""}))
    assert 'id="reason_error"' in html
    seen = claims.digest(Claim.objects.get())
    alice.post(answer, {"action": "refuse", "reason": "Je ne vous connais pas.", "seen": seen})
    assert Claim.objects.get().state == "refused"
    assert Mail.objects.get(kind="claim_refused").recipient == "membre@exemple.test"
    assert "déjà été refusée" in texts(alice.get(answer))
    assert alice.post(answer, {"action": "grant"}).status_code == 400


def test_nobody_else_answers(member, alice, colleague, bob, moderator, owned):
    representing(colleague, owned, "editor")
    member.post(page(owned), SAID | {"kind": "join"})
    claim = Claim.objects.get()
    answer = reverse("directory:team_claim", args=[owned.slug, claim.pk])
    theirs = reverse("directory:team_claim", args=[bob.enterprise.slug, claim.pk])
    for person, address in (
        (member, answer), (colleague, answer), (bob, answer), (bob, theirs), (moderator, answer),
    ):  # fmt: skip
        assert person.get(address).status_code == 404
        assert person.post(address, {"action": "accept"}).status_code == 404
    assert role(member, owned) is None


def test_who_replaces_the_owner_is_decided_by_staff_alone(member, alice, moderator, owned):
    member.post(page(owned), SAID | {"kind": "takeover"})
    claim = Claim.objects.get()
    assert claim.takeover
    assert mails() == [("claim_takeover", "alice@exemple.test")]
    answer = reverse("directory:team_claim", args=[owned.slug, claim.pk])
    for act in ("accept", "refuse"):
        assert alice.post(answer, {"action": act, "reason": "Non."}).status_code == 404
    assert "téléphone avant de répondre" in texts(
        alice.get(reverse("directory:team", args=[owned.slug]))
    )
    claims.accept(claim=claim, by=moderator.user, reason="Rappelé au 450 555-0123.", called=True)
    assert role(member, owned) == "owner"
    assert role(alice, owned) is None
    assert mails() == [
        ("claim_takeover", "alice@exemple.test"),
        ("claim_replaced", "alice@exemple.test"),
        ("claim_accepted", "membre@exemple.test"),
    ]
    acts = list(AuditEntry.objects.order_by("pk").values_list("act", flat=True))
    assert acts == ["representative.added", "representative.removed", "claim.accepted"]
    claim.refresh_from_db()
    assert claim.reason == "Rappelé au 450 555-0123."


def test_an_owner_removed_meanwhile_or_asked_to_leave_decides_nothing(
    member, alice, bob, people, owned
):
    member.post(page(owned), SAID | {"kind": "join"})
    people(email="eve@exemple.test").post(page(owned), SAID | {"kind": "takeover"})
    join, takeover = Claim.objects.order_by("takeover")
    decisions = [(takeover, alice.user), (join, bob.user)]
    for claim, by in [*decisions, (join, alice.user)]:
        if (claim, by) == (join, alice.user):
            Representative.objects.filter(user=by).delete()
        with pytest.raises(representatives.NotAllowed):
            claims.accept(claim=claim, by=by, called=True)
        with pytest.raises(representatives.NotAllowed):
            claims.refuse(claim=claim, by=by, reason="Non.")
    assert set(Claim.objects.values_list("state", flat=True)) == {"waiting"}


def test_who_closed_their_account_is_not_let_in(member, alice, moderator, owned):
    member.post(page(owned), SAID | {"kind": "join"})
    claim = Claim.objects.get()
    member.user.is_active = False
    member.user.save()
    answer = reverse("directory:team_claim", args=[owned.slug, claim.pk])
    said = {"action": "accept", "seen": claims.digest(claim)}
    assert "n’a plus de compte" in texts(alice.post(answer, said, follow=True))
    desk = reverse("directory:desk_claim", args=[claim.pk])
    assert "n’a plus de compte" in texts(moderator.post(desk, said))
    assert role(member, owned) is None
    alice.post(answer, said | {"action": "refuse", "reason": "Compte fermé."})
    assert Claim.objects.get().state == "refused"


@pytest.mark.parametrize("act", ["accept", "refuse"])
def test_an_owner_who_read_something_else_decides_nothing(act, member, alice, owned):
    member.post(page(owned), SAID | {"kind": "join"})
    claim = Claim.objects.select_related("user").get()
    answer = reverse("directory:team_claim", args=[owned.slug, claim.pk])
    seen = re.search(r'name="seen" value="(\w+)"', texts(alice.get(answer)))[1]
    said = {"action": act, "reason": "Non.", "seen": seen}
    for change in ({"kind": "join", "grounds": "Autre chose."}, {"kind": "takeover"}):
        member.post(page(owned), SAID | change)
        response = alice.post(answer, said)
        assert response.status_code == 409
        assert "La demande a changé" in texts(response)
        with pytest.raises((claims.Changed, representatives.NotAllowed)):
            claims.accept(claim=claim, by=alice.user)
    # A takeover is for staff alone, whatever the owner sends.
    takeover = said | {"seen": claims.digest(Claim.objects.get())}
    assert alice.post(answer, takeover).status_code == 409
    assert Claim.objects.get().state == "waiting"
    assert role(alice, owned) == "owner"
    assert role(member, owned) is None


def test_a_claim_that_a_merge_just_moved_is_decided_for_its_new_listing(
    member, alice, bob, moderator, owned
):
    member.post(page(owned), SAID | {"kind": "join"})
    read = Claim.objects.select_related("enterprise").get()
    Claim.objects.update(enterprise=bob.enterprise)
    with pytest.raises(representatives.NotAllowed):
        claims.refuse(claim=read, by=alice.user, reason="Non.")
    claims.accept(claim=read, by=moderator.user)
    assert role(member, bob.enterprise) == "editor"
    assert role(member, owned) is None
    # Its owner, who did not let them in, is told.
    assert mails(kind="representative_added") == [("representative_added", "bob@exemple.test")]


def test_an_editor_may_say_that_the_owner_has_left(colleague, alice, moderator, enterprise):
    html = texts(colleague.get(page(enterprise)))
    assert 'name="kind"' not in html
    assert "vous prendrez sa place" in html
    colleague.post(page(enterprise), SAID)
    claim = Claim.objects.get()
    assert claim.takeover
    with pytest.raises(claims.NotCalled):
        claims.accept(claim=claim, by=moderator.user)
    assert role(alice, enterprise) == "owner"
    claims.accept(claim=claim, by=moderator.user, called=True)
    assert role(colleague, enterprise) == "owner"
    assert role(alice, enterprise) is None


def test_an_editor_left_without_owner_proves_it_like_anyone(colleague, enterprise):
    said = {"email": "info@ateliers.example", "provenance": {"email": "import"}}
    Enterprise.objects.filter(pk=enterprise.pk).update(**said)
    colleague.post(page(enterprise), {"action": "code"})
    colleague.post(page(enterprise), {"action": "prove", "code": code_sent()})
    assert role(colleague, enterprise) == "owner"


def test_a_listing_whose_owners_closed_their_account_can_be_claimed(member, alice, owned):
    alice.user.is_active = False
    alice.user.save()
    member.post(page(owned), {"action": "code"})
    member.post(page(owned), {"action": "prove", "code": code_sent()})
    assert role(member, owned) == "owner"


# --- At once


@pytest.mark.django_db(transaction=True)
def test_of_two_moderators_at_once_one_decides_and_the_other_is_told(
    member, moderator, superuser, listing
):
    member.post(page(listing), SAID)
    claim = Claim.objects.get()
    results = at_once(
        lambda: claims.accept(claim=claim, by=moderator.user),
        lambda: claims.refuse(claim=claim, by=superuser.user, reason="Non."),
    )
    (told,) = [result for result in results if isinstance(result, claims.AlreadyDecided)]
    claim.refresh_from_db()
    assert told.claim.state == claim.state
    assert (role(member, listing) == "owner") == (claim.state == "accepted")
    assert AuditEntry.objects.filter(act__startswith="claim.").count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("email", "sent"),
    [
        ("membre@exemple.test", SAID),
        ("membre@exemple.test", {"action": "code"}),
        ("membre@elan.example", {"action": "domain"}),
    ],
)
def test_a_form_sent_five_times_at_once_makes_one_claim(email, sent, people, listing):
    person = people(email=email)

    def send():
        client = StrictClient()
        client.cookies = person.cookies
        return client.post(page(listing), sent).status_code

    assert at_once(*[send] * 5) == [302] * 5
    assert Claim.objects.count() == 1
    assert Representative.objects.count() == ("domain" in sent.values())
    assert Mail.objects.filter(recipient="info@elan.example").count() <= 1


@pytest.mark.django_db(transaction=True)
def test_two_who_prove_it_at_once_make_one_owner_and_one_who_asks(people, listing):
    first, second = people(email="a@exemple.test"), people(email="b@exemple.test")
    codes = []
    for person in (first, second):
        person.post(page(listing), {"action": "code"})
        codes.append(code_sent())
    at_once(
        *[
            lambda person=person, code=code: claims.prove(
                enterprise=listing, by=person.user, code=code
            )
            for person, code in zip((first, second), codes, strict=True)
        ]
    )
    assert representatives.owners(listing).count() == 1
    assert sorted(Claim.objects.values_list("state", flat=True)) == ["accepted", "waiting"]


@pytest.mark.django_db(transaction=True)
def test_wrong_codes_typed_at_once_are_each_counted(member, listing):
    member.post(page(listing), {"action": "code"})

    def guess():
        return claims.prove(enterprise=listing, by=member.user, code="AAAAAAAA")

    results = at_once(*[guess] * 8)
    assert sum(isinstance(result, claims.WrongCode) for result in results) == claims.ATTEMPTS
    assert sum(isinstance(result, claims.NoCode) for result in results) == 3
    assert Claim.objects.get().attempts == claims.ATTEMPTS


# --- What a form cannot say


def test_no_field_of_the_model_can_be_sent(member, bob, listing, enterprise):
    names = [field.name for field in Claim._meta.get_fields()]
    hostile = {
        **dict.fromkeys(names, "1"),
        "id": "1",
        "user": bob.user.pk,
        "user_id": bob.user.pk,
        "enterprise": enterprise.pk,
        "enterprise_id": enterprise.pk,
        "state": "accepted",
        "takeover": "on",
        "sent_to": "pirate@exemple.test",
        "code_hash": "0" * 64,
        "attempts": "-100",
        "decided_by": bob.user.pk,
        "role": "owner",
        "reason": "x",
    }
    member.post(page(listing), hostile | SAID)
    claim = Claim.objects.get()
    assert (claim.user, claim.enterprise, claim.state) == (member.user, listing, "waiting")
    assert (claim.takeover, claim.sent_to, claim.decided_by, claim.reason) == (False, "", None, "")
    member.post(page(listing), hostile | {"action": "code"})
    assert Mail.objects.get().recipient == "info@elan.example"
    member.post(page(listing), hostile | {"action": "prove", "code": "AAAAAAAA"})
    assert Claim.objects.get().attempts == 1
    assert not Representative.objects.filter(enterprise=listing).exists()


@pytest.mark.parametrize("action", ["", "grant", "accept", "welcome"])
def test_an_act_that_is_none_is_refused(action, member, listing):
    assert member.post(page(listing), {"action": action}).status_code == 400


def test_a_name_chosen_to_deceive_is_not_in_the_mail_to_the_enterprise(people, listing):
    person = people(email="x@exemple.test", name="Gagnez http://pirate.example\r\nBcc: y@z.test")
    person.post(page(listing), {"action": "code"})
    mail = Mail.objects.get()
    assert "pirate" not in mail.text + mail.html + mail.subject


def test_nothing_is_counted_where_nothing_was_sent(people, owned):
    people(email="eve@elan.example").post(page(owned), {"action": "code"})
    assert not Counter.objects.exists()


def test_an_address_is_masked():
    assert wording.masked("info@exemple.org") == "i•••@exemple.org"


def test_an_old_refusal_is_not_shown_again_after_an_acceptance(member, moderator, alice, listing):
    for decision in ("refuse", "accept"):
        member.post(page(listing), SAID | {"grounds": f"Pour {decision}."})
        claim = Claim.objects.latest("pk")
        getattr(claims, decision)(claim=claim, by=moderator.user, reason="Motif ancien.")
    representing(alice, listing, "owner")
    row = Representative.objects.get(user=member.user, enterprise=listing)
    representatives.remove(representative=row, by=alice.user)
    assert "Motif ancien." not in texts(member.get(page(listing)))
