"""An enterprise’s own pages: what there is to do, what is edited, kept, looked at and sent."""

import threading
from datetime import date

import pytest
from django.db import connection
from django.urls import reverse

from directory.models import (
    Claim,
    Draft,
    Enterprise,
    Offering,
    ProfileVisits,
    Representative,
    Revision,
    Section,
)
from directory.sections import LABELS, ROWS
from tests.client import StrictClient
from tests.factories import (
    CertificationFactory,
    ContactFactory,
    EnterpriseFactory,
    OfferingFactory,
    PermitFactory,
    UserFactory,
)
from tests.forms import filled
from tests.signing_in import sign_in

pytestmark = pytest.mark.usefixtures("reference")
HOME = "/mon-entreprise/"
PAGE = "/mon-entreprise/ateliers-alice/"


def address(section):
    return reverse("directory:section", args=["ateliers-alice", section])


def opened(person, section):
    """The form of a section as a browser has it."""
    response = person.get(address(section))
    assert response.status_code == 200
    return filled(response, "partie")


def fresh(enterprise):
    return Enterprise.objects.get(pk=enterprise.pk)


def text(response):
    return response.content.decode()


# --- The first page


def test_who_has_one_enterprise_is_led_to_it(alice):
    assert alice.get(HOME).headers["Location"] == PAGE


def test_who_has_several_chooses(alice):
    other = EnterpriseFactory(name="Seconde", slug="seconde", published=True)
    Representative.objects.create(user=alice.user, enterprise=other, role="editor")
    page = text(alice.get(HOME))
    assert PAGE in page
    assert "/mon-entreprise/seconde/" in page


def test_who_has_none_learns_how_to_get_it(member, enterprise):
    assert "Aucune fiche" in text(member.get(HOME))
    Claim.objects.create(user=member.user, enterprise=enterprise, state="waiting")
    assert "Votre demande pour" in text(member.get(HOME))


def test_nobody_else_opens_an_enterprise_s_pages(enterprise, bob, member, superuser):
    for person in (bob, member, superuser):
        for path in (PAGE, address(Section.IDENTITY), PAGE + "fiche.pdf"):
            assert person.get(path).status_code == 404
            assert person.post(path).status_code in (404, 405)
    enterprise.refresh_from_db()
    assert enterprise.version == 1


def test_who_was_removed_is_refused_at_the_next_request(alice):
    form = opened(alice, Section.CONTACTS)
    Representative.objects.all().delete()
    assert alice.get(PAGE).status_code == 404
    assert alice.post(address(Section.CONTACTS), form).status_code == 404


def test_an_archived_listing_is_edited_no_more(alice, enterprise):
    Enterprise.objects.update(state="archived", closing="closed")
    assert alice.get(PAGE).status_code == 404


# --- What there is to do


def complete(enterprise):
    OfferingFactory(enterprise=enterprise)
    ContactFactory(enterprise=enterprise)
    enterprise.sectors.set([1])
    Enterprise.objects.filter(pk=enterprise.pk).update(
        phone="+14505550123", confirmed_on=date.today()
    )


def test_most_months_there_is_nothing_to_do(alice, enterprise):
    from directory.models import Sector

    OfferingFactory(enterprise=enterprise)
    ContactFactory(enterprise=enterprise)
    enterprise.sectors.set(Sector.objects.all()[:1])
    Enterprise.objects.update(phone="+14505550123", confirmed_on=date.today())
    assert "Vous n’avez rien à faire ce mois-ci" in text(alice.get(PAGE))
    PermitFactory(enterprise=enterprise, expires_on=date(2020, 1, 1))
    page = text(alice.get(PAGE))
    assert "Une chose à faire ce mois-ci" in page
    assert "«\xa0RBQ\xa0» a expiré le 1er\xa0janvier\xa02020" in page


def test_all_is_exact_in_one_tap(alice, enterprise):
    Enterprise.objects.update(confirmed_on=date(2020, 1, 1))
    assert "Dites que tout est exact" in text(alice.get(PAGE))
    assert alice.get(PAGE + "confirmer/").status_code == 405
    assert alice.post(PAGE + "confirmer/").status_code == 302
    enterprise.refresh_from_db()
    assert (enterprise.confirmed_on, enterprise.confirmed_by) == (date.today(), "owner")
    version = enterprise.version
    alice.post(PAGE + "confirmer/")
    assert fresh(enterprise).version == version


def test_how_often_to_be_asked_is_chosen(alice, enterprise):
    alice.post(PAGE + "rappels/", {"mois": "3"})
    assert fresh(enterprise).confirm_every_months == 3
    for wrong in ("1", "", "-3", "3.0", "x" * 99):
        alice.post(PAGE + "rappels/", {"mois": wrong})
    after = fresh(enterprise)
    assert (after.confirm_every_months, after.version) == (3, 2)


def test_the_owner_sees_what_buyers_see_and_no_more(alice, enterprise):
    ContactFactory(enterprise=enterprise, name="Aïcha")
    ContactFactory(enterprise=enterprise, name="Secrète", name_visibility="staff")
    page = text(alice.get(PAGE))
    assert "aicha@traiteur.example" in page
    assert "Secrète" not in page


def test_visits_of_the_last_months_are_shown(alice, enterprise):
    this_month = date.today().replace(day=1)
    ProfileVisits.objects.create(enterprise=enterprise, month=this_month, views=42)
    assert "Consultée 42 fois en six mois" in text(alice.get(PAGE))


def test_the_number_of_statements_does_not_grow_with_the_listing(
    alice, enterprise, django_assert_max_num_queries
):
    for number in range(8):
        OfferingFactory(enterprise=enterprise, name=f"Service {number}")
        ContactFactory(enterprise=enterprise)
        CertificationFactory(enterprise=enterprise, number=str(number))
    with django_assert_max_num_queries(40):
        alice.get(PAGE)
    with django_assert_max_num_queries(30):
        alice.get(address(Section.OFFERINGS))


# --- Editing


@pytest.mark.parametrize("section", [section for section in Section if section != Section.LOGO])
def test_a_form_sent_back_as_it_came_changes_nothing(alice, enterprise, section):
    OfferingFactory(enterprise=enterprise, description="Une ligne\nDeux lignes")
    ContactFactory(enterprise=enterprise)
    CertificationFactory(enterprise=enterprise)
    PermitFactory(enterprise=enterprise)
    Enterprise.objects.update(
        mission="Une ligne\r\nDeux lignes ",
        other_names=["A, b et c", "D"],
        languages=["français"],
        phone="+14505550123",
        website="https://www.exemple.test/a?b=c",
        busy_until="2026-09-30",
        neq="1123669021",
        founded_year=1999,
        largest_order=12000,
    )
    response = alice.post(address(section), opened(alice, section), follow=True)
    assert "Rien n’était à changer" in text(response)
    assert not Revision.objects.exists()


def test_a_safe_change_is_published_at_once(alice, enterprise):
    form = opened(alice, Section.CONTACTS) | {"phone": "(450) 555-0199"}
    response = alice.post(address(Section.CONTACTS), form, follow=True)
    assert response.redirect_chain == [(PAGE, 302)]
    assert "C’est publié." in text(response)
    assert fresh(enterprise).phone == "+14505550199"
    assert "450\xa0555-0199" in text(StrictClient().get("/entreprises/ateliers-alice/"))


def test_an_address_of_before_leads_its_people_on_with_what_they_send(alice, enterprise, client):
    form = opened(alice, Section.CONTACTS) | {"phone": "(450) 555-0199"}
    connection.check_constraints()  # as a commit: what it was is public
    enterprise.slug = "ateliers-de-montreal"
    enterprise.save()
    moved = "/mon-entreprise/ateliers-de-montreal/"
    assert alice.get(PAGE).headers["Location"] == moved
    response = alice.post(address(Section.CONTACTS), form)
    assert response.status_code == 307
    assert response.headers["Location"] == f"{moved}coordonnees/"
    for rest in ("equipe/", "historique/", "fiche.pdf"):
        assert alice.get(f"{PAGE}{rest}").headers["Location"] == f"{moved}{rest}"
    stranger = StrictClient()
    sign_in(stranger, UserFactory())
    assert stranger.get(PAGE).status_code == 404
    assert alice.get("/mon-entreprise/jamais-vue/").status_code == 404


def test_a_sensitive_change_waits_and_says_so(alice, enterprise):
    form = opened(alice, Section.IDENTITY) | {"name": "Ateliers Aubin", "mission": "Nourrir"}
    page = text(alice.post(address(Section.IDENTITY), form, follow=True))
    assert "Publié\xa0: mission. Le Pôle vérifie avant de publier\xa0: nom." in page
    assert "En attente du Pôle" in page
    assert "Ateliers Aubin" in page
    assert "Ateliers Aubin" not in text(StrictClient().get("/entreprises/ateliers-alice/"))
    assert "Le Pôle vérifie déjà" in text(alice.get(address(Section.IDENTITY)))


def test_what_waits_can_be_taken_back(alice, bob, enterprise):
    form = opened(alice, Section.IDENTITY) | {"name": "Ateliers Aubin"}
    alice.post(address(Section.IDENTITY), form)
    path = f"{PAGE}propositions/{Revision.objects.get().pk}/retirer/"
    assert bob.post(path).status_code == 404
    theirs = path.replace("ateliers-alice", "buanderie-bob")
    assert bob.post(theirs).status_code == 404
    assert "Votre proposition est retirée" in text(alice.post(path, follow=True))
    assert "n’attendait déjà plus" in text(alice.post(path, follow=True))
    assert Revision.objects.get().state == "withdrawn"


def test_rows_are_added_changed_and_removed(alice, enterprise):
    kept, removed = (OfferingFactory(enterprise=enterprise, name=name) for name in "AB")
    form = opened(alice, Section.OFFERINGS) | {
        "offerings-0-name": "A changé",
        "offerings-1-DELETE": "on",
        "offerings-2-name": "Tout neuf",
        "offerings-2-category": "G15",
    }
    alice.post(address(Section.OFFERINGS), form)
    assert list(Offering.objects.values_list("name", "category__code")) == [
        ("A changé", None),
        ("Tout neuf", "G15"),
    ]
    assert Offering.objects.filter(pk=kept.pk).exists()
    assert not Offering.objects.filter(pk=removed.pk).exists()


def test_a_listing_of_more_rows_than_one_may_add_is_still_edited(alice, enterprise):
    most = ROWS["offerings"].most
    for number in range(most + 30):  # as a file may give, or two listings made one
        OfferingFactory(enterprise=enterprise, name=f"Service {number}")
    form = opened(alice, Section.OFFERINGS)
    response = alice.post(address(Section.OFFERINGS), form | {"description": "Nous voici."})
    assert response.status_code == 302
    assert fresh(enterprise).description == "Nous voici."
    form = opened(alice, Section.OFFERINGS) | {"offerings-0-DELETE": "on"}
    assert alice.post(address(Section.OFFERINGS), form).status_code == 302
    assert Offering.objects.count() == most + 29
    form = opened(alice, Section.OFFERINGS) | {"faire": "ajouter:offerings"}
    form = filled(alice.post(address(Section.OFFERINGS), form), "partie") | {"faire": "envoyer"}
    form |= {f"offerings-{most + 29}-name": "Un de plus"}
    refused = alice.post(address(Section.OFFERINGS), form)
    assert f"Gardez au plus {most + 29} lignes." in text(refused)


def test_lines_left_empty_are_no_mistake_beside_one_that_is(alice, enterprise):
    OfferingFactory(enterprise=enterprise)
    form = opened(alice, Section.OFFERINGS)
    form |= {"offerings-1-description": "Le midi", "faire": "ajouter:offerings"}
    form = filled(alice.post(address(Section.OFFERINGS), form), "partie")
    page = alice.post(address(Section.OFFERINGS), form | {"faire": "envoyer"}).content.decode()
    assert page.count("Nommez ce produit ou ce service") == 2  # in the list, and at the field
    assert f"{LABELS['offerings']}, ligne 2, Nom\xa0: Nommez" in page
    assert 'name="offerings-1-DELETE"' in page


def test_another_row_is_asked_for_without_losing_anything(alice, enterprise):
    OfferingFactory(enterprise=enterprise)
    form = opened(alice, Section.OFFERINGS)
    form |= {"offerings-1-name": "Pas encore", "description": "", "faire": "ajouter:offerings"}
    response = alice.post(address(Section.OFFERINGS), form)
    again = filled(response, "partie")
    assert again["offerings-TOTAL_FORMS"] == ["3"]
    assert again["offerings-1-name"] == ["Pas encore"]
    assert "autofocus" in text(response)
    assert 'class="error"' not in text(response)
    alice.post(address(Section.OFFERINGS), again | {"offerings-2-name": "Le dernier"})
    assert [row.name for row in Offering.objects.all()][1:] == ["Pas encore", "Le dernier"]


def test_each_mistake_is_said_beside_its_field_and_above(alice, enterprise):
    form = opened(alice, Section.CONTACTS)
    form |= {"phone": "12", "email": "x", "contacts-0-phone": "911", "contacts-0-name": ""}
    response = alice.post(address(Section.CONTACTS), form)
    page = text(response)
    for place in ("phone", "email", "contacts-0-name", "contacts-0-phone"):
        assert f'href="#{place}"' in page
        assert f'id="{place}_error"' in page
    assert filled(response, "partie")["phone"] == ["12"]
    assert fresh(enterprise).version == 1


def test_what_only_the_data_refuse_is_said_beside_its_field_too(alice, enterprise):
    EnterpriseFactory(neq="1123669021")
    form = opened(alice, Section.IDENTITY) | {"neq": "1123 669 021"}
    assert 'href="#neq"' in text(alice.post(address(Section.IDENTITY), form))
    CertificationFactory(enterprise=enterprise)
    form = opened(alice, Section.CAPACITY)
    form |= {
        "certifications-1-status": form["certifications-0-status"],
        "certifications-1-number": form["certifications-0-number"],
    }
    page = text(alice.post(address(Section.CAPACITY), form))
    assert 'href="#certifications-titre"' in page


@pytest.mark.parametrize(
    ("section", "changes", "place"),
    [
        ("identity", {"name": " "}, "name"),
        ("identity", {"legal_form": "sarl"}, "legal_form"),
        ("identity", {"founded_year": "mille"}, "founded_year"),
        ("identity", {"founded_year": "1492"}, "founded_year"),
        ("identity", {"sectors": ["nulle-part"]}, "sectors_0"),
        ("identity", {"mission": "x" * 601}, "mission"),
        ("places", {"city": "Montpelier-sur-Seine"}, "city"),
        ("places", {"borough": "58227 Saint-Hubert", "city": "Brossard"}, "borough"),
        ("places", {"postal_code": "90210"}, "postal_code"),
        ("places", {"served_cities": "Brossard\nNullepart-les-Bains"}, "served_cities"),
        ("capacity", {"busy_until": "31/02/2026"}, "busy_until"),
        ("capacity", {"largest_order": "9" * 30}, "largest_order"),
        ("capacity", {"smallest_order": "10 $", "largest_order": "5 $"}, "largest_order"),
        ("capacity", {"permits-0-kind": "rbq", "permits-0-number": "12"}, "permits-0-number"),
        ("capacity", {"references-0-work": "Repas"}, "references-0-client"),
        ("offerings", {"offerings-0-name": "x" * 161}, "offerings-0-name"),
        ("offerings", {"offerings-0-id": "9" * 30}, "offerings-0-id"),
        ("contacts", {"website": "javascript:alert(1)"}, "website"),
    ],
)
def test_bad_input_is_answered_with_what_to_do(alice, enterprise, section, changes, place):
    form = opened(alice, section) | changes
    response = alice.post(address(section), form)
    assert response.status_code == 200
    assert f'href="#{place}"' in text(response)
    assert fresh(enterprise).version == 1


def test_numbers_are_taken_as_people_write_them(alice, enterprise):
    form = opened(alice, Section.CAPACITY) | {
        "largest_order": "12\xa0000 $",
        "permits-0-kind": "RBQ",
        "permits-0-number": "1234567890",
    }
    alice.post(address(Section.CAPACITY), form)
    after = fresh(enterprise)
    assert after.largest_order == 12_000
    assert after.permits.get().number == "1234-5678-90"


def test_a_form_broken_on_purpose_is_answered(alice, enterprise):
    good = opened(alice, Section.OFFERINGS)
    for broken in (
        {},
        {"faire": "envoyer"},
        {"faire": "ajouter:offerings"},
        {"faire": "ajouter:state"},
        {"faire": "brouillon"},
        {"faire": "nulle-part"},
        good | {"offerings-TOTAL_FORMS": "-1"},
        good | {"offerings-TOTAL_FORMS": "99999999999"},
        good | {"offerings-TOTAL_FORMS": "x"},
        good | {"offerings-INITIAL_FORMS": "50"},
        good | {"vu": "x:y,,:", "version": "9" * 40, "formulaire": ""},
        good | {"description": "a\0b"},
        good | {"description": "a\0b", "faire": "brouillon"},
    ):
        assert alice.post(address(Section.OFFERINGS), broken).status_code in (200, 302, 400, 409)
        assert alice.get(address(Section.OFFERINGS)).status_code == 200
    assert fresh(enterprise).version == 1


def test_fields_that_no_form_has_are_left_alone(alice, enterprise):
    before = {f.attname: getattr(fresh(enterprise), f.attname) for f in Enterprise._meta.fields}
    every = {field.name: "1" for field in Enterprise._meta.get_fields() if field.name != "logo"}
    every |= {"confirmed_on": "2026-01-01", "state": "archived", "slug": "autre", "recognised": "1"}
    for section in Section:
        if section == Section.LOGO:
            continue
        form = opened(alice, section)
        alice.post(address(section), {k: v for k, v in every.items() if k not in form} | form)
    after = {f.attname: getattr(fresh(enterprise), f.attname) for f in Enterprise._meta.fields}
    # A box that was not ticked is now, as its own form has it.
    allowed = {"serves_province", "accepts_cobidding", "on_seao", "version", "updated_at"}
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= allowed | {"provenance"}


# --- Drafts, and sessions that end


def test_a_draft_is_kept_for_its_author_and_restored(alice, colleague, enterprise):
    form = opened(alice, Section.CONTACTS)
    form |= {"phone": "pas fini", "contacts-0-name": "Aïcha", "faire": "brouillon"}
    page = text(alice.post(address(Section.CONTACTS), form, follow=True))
    assert "Brouillon enregistré" in page
    assert "Vous aviez commencé" in page
    assert 'value="pas fini"' in page
    assert 'class="error"' not in page
    assert "pas fini" not in text(colleague.get(address(Section.CONTACTS)))
    assert fresh(enterprise).version == 1
    assert "brouillon" in text(alice.get(PAGE))


def test_a_draft_goes_when_it_is_sent_or_thrown_away(alice, enterprise):
    form = opened(alice, Section.CONTACTS) | {"email": "a@exemple.test", "faire": "brouillon"}
    alice.post(address(Section.CONTACTS), form)
    alice.post(address(Section.CONTACTS), {"faire": "jeter"})
    assert not Draft.objects.exists()
    alice.post(address(Section.CONTACTS), form)
    alice.post(address(Section.CONTACTS), opened(alice, Section.CONTACTS))
    assert not Draft.objects.exists()
    assert fresh(enterprise).email == "a@exemple.test"


def test_what_was_typed_outlives_a_session(client, alice, enterprise):
    form = opened(alice, Section.CONTACTS) | {"phone": "450 555-0177"}
    alice.logout()
    response = alice.post(address(Section.CONTACTS), form)
    assert response.status_code == 302
    assert "next=" in response.headers["Location"]
    alice.force_login(alice.user)
    page = text(alice.get(address(Section.CONTACTS)))
    assert "Votre session s’était fermée" in page
    assert 'value="450 555-0177"' in page
    assert fresh(enterprise).phone == ""
    alice.post(address(Section.CONTACTS), opened(alice, Section.CONTACTS))
    assert fresh(enterprise).phone == "+14505550177"


def test_who_signs_in_as_another_finds_nothing_of_it(alice, bob, enterprise):
    form = opened(alice, Section.CONTACTS) | {"phone": "450 555-0177"}
    alice.logout()
    alice.post(address(Section.CONTACTS), form)
    alice.force_login(bob.user)
    assert alice.get(address(Section.CONTACTS)).status_code == 404


# --- Preview


def test_a_preview_shows_the_listing_as_it_would_be_and_changes_nothing(alice, enterprise):
    form = opened(alice, Section.IDENTITY)
    form |= {"name": "Ateliers Aubin", "mission": "Nourrir la ville", "faire": "apercu"}
    response = alice.post(address(Section.IDENTITY), form)
    page = text(response)
    assert "Nourrir la ville" in page
    assert "Ateliers Aubin" in page
    assert "Publié dès l’envoi\xa0:</strong> mission." in page
    assert "Publié après vérification par le Pôle\xa0:</strong> nom." in page
    after = fresh(enterprise)
    assert (after.mission, after.version) == ("", 1)
    assert enterprise.history.count() == 1
    assert not Revision.objects.exists()
    # What was typed goes on from there, or from the form.
    assert "Nourrir la ville" in text(alice.get(address(Section.IDENTITY)))
    sent = {k: v for k, v in form.items() if k != "faire"}
    alice.post(address(Section.IDENTITY), sent)
    assert fresh(enterprise).mission == "Nourrir la ville"


def test_a_preview_foresees_what_sending_does(alice, colleague, enterprise):
    # What a file proposed, by the same person, holds nothing of theirs back.
    Revision.objects.create(
        enterprise=enterprise,
        section=Section.PLACES,
        source="import",
        state="waiting",
        submitted_by=alice.user,
        base_version=1,
        changes={"city": {"before": "58227", "proposed": "58007"}},
        key="fichier",
    )
    form = opened(alice, Section.PLACES) | {"address": "1, rue Neuve", "faire": "apercu"}
    page = text(alice.post(address(Section.PLACES), form))
    assert "Publié dès l’envoi\xa0:</strong> adresse." in page
    # Of two versions, the one that was chosen.
    mine, theirs = opened(alice, Section.CONTACTS), opened(colleague, Section.CONTACTS)
    colleague.post(address(Section.CONTACTS), theirs | {"phone": "450 555-0111"})
    mine |= {"phone": "450 555-0122", "email": "a@exemple.test"}
    mine |= {"garder-phone": "theirs", "faire": "apercu"}
    response = alice.post(address(Section.CONTACTS), mine)
    assert "Publié dès l’envoi\xa0:</strong> courriel." in text(response)
    alice.post(address(Section.CONTACTS), mine | {"faire": "envoyer"})
    assert fresh(enterprise).phone == "+14505550111"
    sent = {(row["name"], row["value"]) for row in response.context["sent"]}
    assert ("garder-phone", "theirs") in sent


def test_a_preview_of_what_cannot_be_says_so(alice, enterprise):
    EnterpriseFactory(neq="1123669021")
    form = opened(alice, Section.IDENTITY) | {"neq": "1123669021", "faire": "apercu"}
    assert 'href="#neq"' in text(alice.post(address(Section.IDENTITY), form))


def test_a_listing_not_yet_published_is_edited_and_seen_too(alice, enterprise):
    Enterprise.objects.update(state="draft", published_on=None)
    assert "n’est pas encore publiée" in text(alice.get(PAGE))
    form = opened(alice, Section.IDENTITY) | {"mission": "Nourrir"}
    page = text(alice.post(address(Section.IDENTITY), form, follow=True))
    assert "C’est enregistré." in page
    assert fresh(enterprise).state == "draft"


# --- Two people at once


def test_a_conflict_shows_both_versions_and_lets_one_choose(alice, colleague, enterprise):
    mine, theirs = opened(alice, Section.CONTACTS), opened(colleague, Section.CONTACTS)
    theirs |= {"phone": "450 555-0111", "website": "https://eux.exemple.test"}
    mine |= {"phone": "450 555-0122", "email": "a@exemple.test"}
    colleague.post(address(Section.CONTACTS), theirs)
    response = alice.post(address(Section.CONTACTS), mine)
    page = text(response)
    assert response.status_code == 409
    assert "450\xa0555-0111" in page
    assert "450\xa0555-0122" in page
    assert "par Charlie Côté" in page
    assert page.count("<legend>") == 1
    after = fresh(enterprise)
    assert (after.phone, after.email) == ("+14505550111", "")

    again = dict(mine)
    assert alice.post(address(Section.CONTACTS), again).status_code == 409  # nothing chosen
    choice = response.context["fields"][0]
    alice.post(address(Section.CONTACTS), again | {choice["name"]: choice["value"]})
    after = fresh(enterprise)
    assert (after.phone, after.email) == ("+14505550122", "a@exemple.test")
    assert after.website == "https://eux.exemple.test"
    assert not Draft.objects.exists()


def test_of_a_conflict_one_may_keep_the_other_version(alice, colleague, enterprise):
    mine, theirs = opened(alice, Section.CONTACTS), opened(colleague, Section.CONTACTS)
    colleague.post(address(Section.CONTACTS), theirs | {"phone": "450 555-0111"})
    mine |= {"phone": "450 555-0122", "email": "a@exemple.test"}
    alice.post(address(Section.CONTACTS), mine)
    alice.post(address(Section.CONTACTS), mine | {"garder-phone": "theirs"})
    after = fresh(enterprise)
    assert (after.phone, after.email) == ("+14505550111", "a@exemple.test")


def test_a_third_change_during_a_conflict_is_a_conflict_again(alice, colleague, enterprise):
    mine = opened(alice, Section.CONTACTS) | {"phone": "450 555-0122"}
    first = opened(colleague, Section.CONTACTS) | {"phone": "450 555-0111"}
    colleague.post(address(Section.CONTACTS), first)
    choice = alice.post(address(Section.CONTACTS), mine).context["fields"][0]
    second = opened(colleague, Section.CONTACTS) | {"phone": "450 555-0133"}
    colleague.post(address(Section.CONTACTS), second)
    response = alice.post(address(Section.CONTACTS), mine | {choice["name"]: choice["value"]})
    assert response.status_code == 409
    assert "450\xa0555-0133" in text(response)
    assert fresh(enterprise).phone == "+14505550133"


def test_the_pole_is_named_where_it_made_the_change(alice, enterprise, superuser):
    from directory import sections

    mine = opened(alice, Section.CONTACTS) | {"phone": "450 555-0122"}
    sections.apply(
        enterprise=enterprise,
        section=Section.CONTACTS,
        changes={"phone": "+14505550111"},
        by=superuser.user,
        source="staff",
    )
    page = text(alice.post(address(Section.CONTACTS), mine))
    assert "par le Pôle" in page
    assert "Raoul" not in page


@pytest.mark.django_db(transaction=True)
def test_five_parallel_sendings_are_one(reference):
    enterprise = EnterpriseFactory(slug="ateliers-alice", published=True)
    user = UserFactory()
    Representative.objects.create(user=user, enterprise=enterprise, role="owner")
    person = StrictClient()
    person.force_login(user)
    form = opened(person, Section.IDENTITY) | {"name": "Aubin", "mission": "Nourrir"}
    barrier, statuses = threading.Barrier(5), []

    def send():
        other = StrictClient()
        other.cookies = person.cookies.copy()
        barrier.wait()
        statuses.append(other.post(address(Section.IDENTITY), form).status_code)
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [302] * 5
    assert sorted(Revision.objects.values_list("state", flat=True)) == ["applied", "waiting"]
    assert fresh(enterprise).version == 2


# --- Municipalities, as people write them


@pytest.mark.parametrize(
    ("typed", "read"),
    [("Brosard", "Brossard"), ("Saint-Bruno", "Saint-Bruno-de-Montarville")],
)
def test_a_municipality_read_otherwise_than_it_was_typed_is_said(alice, typed, read):
    sent = opened(alice, "places") | {"city": typed, "served_cities": "Longeuil"}
    seen = text(alice.post(address("places"), sent | {"faire": "apercu"}))
    done = text(alice.post(address("places"), sent | {"faire": "envoyer"}, follow=True))
    for html in (seen, done):
        assert f"Nous avons lu «\xa0{read}\xa0» pour «\xa0{typed}\xa0»." in html
        assert "«\xa0Longueuil\xa0» pour «\xa0Longeuil\xa0»" in html


def test_a_municipality_typed_as_it_is_called_is_said_no_more(alice):
    sent = opened(alice, "places") | {"city": "st-lambert (longueuil)", "served_cities": "BROSSARD"}
    assert "Nous avons lu" not in text(alice.post(address("places"), sent | {"faire": "apercu"}))


@pytest.mark.parametrize(
    ("typed", "proposed"),
    [
        ("Saint-Jean", "Saint-Jean-sur-Richelieu"),
        ("St-Jean", "Saint-Jean-sur-Richelieu"),
        ("Sainte-Anne", "Sainte-Anne-de"),
    ],
)
def test_of_an_unknown_municipality_those_that_begin_so_are_proposed_first(alice, typed, proposed):
    sent = opened(alice, "places") | {"served_cities": typed}
    html = text(alice.post(address("places"), sent))
    assert f"Est-ce «\xa0{proposed}" in html or f"Précisez\xa0: «\xa0{typed}" in html
