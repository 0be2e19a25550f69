"""The acts and the filters of the list of enterprises, as a curator uses them."""

import io
import re
from datetime import timedelta

import openpyxl
import pytest
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone

from directory import attention
from directory.back_office import MENU, OFF_THE_MENU
from directory.models import BulkAct, Enterprise
from tests.conftest import representing
from tests.factories import (
    CertificationFactory,
    EnterpriseFactory,
    OfferingFactory,
    RecognitionFactory,
    ReminderFactory,
    SectorFactory,
    UserFactory,
)
from tests.forms import filled

pytestmark = pytest.mark.django_db

LIST = "admin:directory_enterprise_changelist"


def act(person, name, *enterprises, **said):
    data = {"action": name, "_selected_action": [row.pk for row in enterprises]} | said
    return person.post(reverse(LIST), data, follow=True)


def shown(person, **parameters):
    rows = person.get(reverse(LIST), parameters).context["cl"].result_list
    return {row.name for row in rows}


def test_drafts_ticked_are_published_then_taken_back_from_the_list_of_acts(curator):
    draft = EnterpriseFactory(name="Brouillon")
    html = act(curator, "publish", draft).content.decode()
    assert "1 fiche publiée" in html
    draft.refresh_from_db()
    assert draft.state == "published"
    done = BulkAct.objects.get()
    address = reverse("admin:directory_bulkact_changelist")
    assert "Annuler" in curator.get(address).content.decode()
    response = curator.post(reverse("admin:directory_bulkact_undo", args=[done.pk]), follow=True)
    assert "1 fiche remise comme avant." in response.content.decode()
    draft.refresh_from_db()
    assert draft.state == "draft"
    response = curator.post(reverse("admin:directory_bulkact_undo", args=[done.pk]), follow=True)
    assert "avait déjà été annulée" in response.content.decode()


def test_the_message_of_an_act_leads_to_a_page_that_takes_that_very_act_back(curator):
    one, other = EnterpriseFactory(name="La première"), EnterpriseFactory(name="La seconde")
    html = act(curator, "publish", one).content.decode()
    act(curator, "publish", other)
    first = BulkAct.objects.order_by("pk").first()
    address = reverse("admin:directory_bulkact_undo", args=[first.pk])
    assert f'href="{address}">Annuler cette action' in html
    html = curator.get(address).content.decode()
    assert "La première" in html
    assert "La seconde" not in html
    one.refresh_from_db()
    assert one.state == "published"  # to look is not to do
    sent = filled(curator.get(address), "act_form")
    curator.post(address, sent)
    one.refresh_from_db()
    other.refresh_from_db()
    assert (one.state, other.state) == ("draft", "published")
    assert "avait déjà été annulée" in curator.get(address, follow=True).content.decode()


def test_archiving_asks_what_the_public_reads_and_why_before_it_changes_anything(curator):
    enterprise = EnterpriseFactory(name="Fermée bientôt", published=True)
    html = act(curator, "archive", enterprise).content.decode()
    assert "Fermée bientôt" in html
    assert "Ce que le public lit" in html
    html = act(curator, "archive", enterprise, apply="1").content.decode()
    assert "Dites pourquoi ces fiches sont archivées." in html
    enterprise.refresh_from_db()
    assert enterprise.state == "published"
    html = act(
        curator, "archive", enterprise, apply="1", closing="closed", reason="Faillite"
    ).content.decode()
    assert "1 fiche archivée" in html
    enterprise.refresh_from_db()
    assert (enterprise.closing, enterprise.archive_reason) == ("closed", "Faillite")


def test_replaced_by_another_is_not_for_a_bulk_act_to_say(curator):
    enterprise = EnterpriseFactory(published=True)
    act(curator, "archive", enterprise, apply="1", closing="replaced", reason="x")
    enterprise.refresh_from_db()
    assert enterprise.state == "published"


def test_a_sector_is_given_to_the_listings_ticked(curator):
    sector, enterprise = SectorFactory(slug="alimentation"), EnterpriseFactory(published=True)
    act(curator, "give_sector", enterprise, apply="1", sector=sector.pk)
    assert list(enterprise.sectors.all()) == [sector]


def test_an_export_holds_drafts_and_what_staff_see(curator):
    draft = EnterpriseFactory(name="=Brouillon", email="interne@exemple.test")
    response = act(curator, "export", draft)
    book = openpyxl.load_workbook(io.BytesIO(response.getvalue()))
    rows = list(book.worksheets[0].iter_rows(values_only=True))
    assert len(rows) == 2
    assert "=Brouillon" in rows[1]


def test_who_may_only_look_is_offered_no_act(moderator):
    draft = EnterpriseFactory()
    html = moderator.get(reverse(LIST)).content.decode()
    assert 'value="publish"' not in html
    act(moderator, "publish", draft)
    draft.refresh_from_db()
    assert draft.state == "draft"


# --- Filters


@pytest.fixture
def today():
    return timezone.localdate()


def test_overdue_are_published_and_past_their_own_period(curator, today):
    def confirmed(days, name, **fields):
        day = today - timedelta(days=days)
        EnterpriseFactory(name=name, confirmed_on=day, confirmed_by="staff", **fields)

    confirmed(400, "En retard", published=True)
    confirmed(300, "À jour", published=True)
    confirmed(120, "Tous les trois mois", published=True, confirm_every_months=3)
    confirmed(400, "Brouillon")
    assert shown(curator, en_retard="1") == {"En retard", "Tous les trois mois"}


def test_incomplete_lacks_an_offering_a_way_to_reach_it_or_words(curator):
    def complete(name, **fields):
        fields = {"phone": "+14505550123", "mission": "Cuisiner."} | fields
        return OfferingFactory(enterprise=EnterpriseFactory(name=name, **fields))

    complete("Complète")
    complete("Sans téléphone", phone="")
    complete("Sans mission", mission="", description="")
    EnterpriseFactory(name="Sans offre", phone="+14505550123", mission="Cuisiner.")
    assert shown(curator, incomplete="1") == {"Sans téléphone", "Sans mission", "Sans offre"}


def test_expired_certifications_and_recognitions_to_renew_are_listed(curator, today):
    expired, lasting = EnterpriseFactory(name="Expirée"), EnterpriseFactory(name="Durable")
    CertificationFactory(enterprise=expired, expires_on=today - timedelta(days=1))
    CertificationFactory(enterprise=lasting, expires_on=today)
    assert shown(curator, expiree="1") == {"Expirée"}
    for row, until in ((expired, today + timedelta(days=30)), (lasting, today.replace(year=2099))):
        RecognitionFactory(
            enterprise=row, recognised_on=today - timedelta(days=300), expires_on=until
        )
    EnterpriseFactory(name="Jamais")
    assert shown(curator, reconnaissance="renouveler") == {"Expirée"}
    assert shown(curator, reconnaissance="valide") == {"Expirée", "Durable"}
    assert shown(curator, reconnaissance="jamais") == {"Jamais"}


def test_the_list_costs_as_many_statements_whatever_it_shows(
    curator, django_assert_max_num_queries
):
    for number in range(30):
        EnterpriseFactory(name=f"Fiche {number}", published=True)
    assert Enterprise.objects.count() == 30
    for parameters in ({}, {"en_retard": "1"}, {"doublon": "1"}, {"ville": "longueuil"}):
        with django_assert_max_num_queries(15):
            curator.get(reverse(LIST), parameters)


# --- The index and the history


def test_the_index_says_what_awaits_and_leads_there(curator, moderator):
    EnterpriseFactory(name="Brouillon")
    html = curator.get(reverse("admin:index")).content.decode()
    assert "<strong>1</strong> brouillon à publier" in html
    assert f"{reverse(LIST)}?state__exact=draft" in html
    assert "brouillon à publier" not in moderator.get(reverse("admin:index")).content.decode()


def test_the_index_says_that_nothing_awaits(curator):
    assert "Rien ne vous attend." in curator.get(reverse("admin:index")).content.decode()


def test_who_may_call_is_told_of_the_calls_that_wait(facilitator, moderator):
    long_ago = timezone.localdate() - timedelta(days=500)
    late = EnterpriseFactory(published=True, confirmed_on=long_ago, confirmed_by="staff")
    ReminderFactory(enterprise=late, due_on=Enterprise.objects.with_due_on().get().due_on, step=3)
    html = facilitator.get(reverse("admin:index")).content.decode()
    assert "<strong>1</strong> appel à faire" in html
    assert "Rien ne vous attend" not in html
    assert (
        reverse("directory:phone_list")
        not in moderator.get(reverse("admin:index")).content.decode()
    )


def test_everyone_has_the_way_to_where_they_work_though_nothing_waits(
    curator, facilitator, moderator, staff
):
    def ways(person):
        html = person.get(reverse("admin:index")).content.decode()
        tools = html.partition('id="tools"')[2].partition("</nav>")[0]
        return re.findall(r'href="([^"]+)"', tools)

    imports, renewals = reverse("admin:directory_importbatch_changelist"), attention.to_renew()
    assert ways(curator) == [
        reverse(LIST), imports, reverse("directory:duplicates"), reverse("directory:invitations"),
        renewals.replace("&", "&amp;"), reverse("directory:phone_list"), reverse("directory:desk"),
    ]  # fmt: skip
    assert ways(facilitator) == [
        reverse(LIST), reverse("directory:invitations"), reverse("directory:phone_list"),
    ]  # fmt: skip
    assert ways(moderator) == [reverse(LIST), reverse("directory:desk")]
    assert ways(staff) == []
    for person in (curator, facilitator, moderator):
        for address in ways(person):
            assert person.get(address.replace("&amp;", "&")).status_code == 200


def test_the_header_of_every_page_leads_those_who_call_to_their_list(
    client, facilitator, moderator
):
    door = f'href="{reverse("directory:phone_list")}"'
    for address in (reverse("directory:home"), reverse("admin:index")):
        assert door in facilitator.get(address).content.decode()
        assert door not in moderator.get(address).content.decode()
    assert door not in client.get(reverse("directory:home")).content.decode()


def test_every_table_is_in_one_group_of_the_menu_or_kept_off_it(superuser):
    names = [name for group in MENU for name in group.models]
    assert len(names) == len(set(names))
    registered = {model.__name__ for model in admin.site._registry}
    assert registered == {*names, *OFF_THE_MENU}
    html = superuser.get(reverse("admin:index")).content.decode()
    for name in OFF_THE_MENU:
        assert reverse(f"admin:directory_{name.lower()}_changelist") not in html


def test_the_group_of_the_page_one_is_on_is_open(curator):
    html = curator.get(reverse("admin:directory_permit_changelist")).content.decode()
    folded = re.findall(r'<details class="module tables">\s*<summary>([^<]+)', html)
    assert "Ce qui compose une fiche" not in folded
    assert "Vocabulaires" in folded


def test_the_history_of_a_listing_says_what_changed_and_who_did_it(curator):
    draft = EnterpriseFactory(name="Brouillon")
    act(curator, "publish", draft)
    address = reverse("admin:directory_enterprise_history", args=[draft.pk])
    html = curator.get(address).content.decode()
    assert "curation@exemple.test" in html
    assert "<del>brouillon</del>" in html
    assert "<ins>publiée</ins>" in html


# --- Recognition


def recognise(person, enterprise, **said):
    data = {
        "enterprise": enterprise.pk,
        "criteria": ["needs", "autonomy", "democracy", "viability", "surplus", "dissolution"],
        "evidence": "Statuts de 2019, états financiers de 2025",
        "recognised_on": "2026-01-05",
        "expires_on": "2029-01-05",
    }
    return person.post(reverse("admin:directory_recognition_add"), data | said)


def test_a_curator_recognises_an_enterprise_on_the_six_principles_and_signs_it(curator):
    enterprise = EnterpriseFactory(published=True)
    assert recognise(curator, enterprise).status_code == 302
    recognition = enterprise.recognitions.get()
    assert recognition.reviewer == curator.user


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"criteria": ["needs"]}, "Une entreprise reconnue remplit les six critères."),
        ({"evidence": ""}, "Dites quelles pièces vous avez vues."),
        ({"recognised_on": "2999-01-01"}, "Cette date n’est pas encore venue."),
        ({"expires_on": "2025-01-01"}, "expire après le jour où elle est donnée"),
    ],
)
def test_a_recognition_that_lacks_something_is_refused_with_what(curator, said, message):
    enterprise = EnterpriseFactory(published=True)
    assert message in recognise(curator, enterprise, **said).content.decode()
    assert not enterprise.recognitions.exists()


def test_who_saves_a_recognition_signs_it_and_nobody_recognises_their_own(curator):
    enterprise = EnterpriseFactory(published=True)
    other = UserFactory()
    assert recognise(curator, enterprise, reviewer=other.pk).status_code == 302
    recognition = enterprise.recognitions.get()
    assert recognition.reviewer == curator.user
    recognition.reviewer = other
    recognition.save()
    representing(curator, enterprise, "editor")
    said = "Vous représentez cette entreprise"
    change = reverse("admin:directory_recognition_change", args=[recognition.pk])
    data = {
        "enterprise": enterprise.pk,
        "criteria": recognition.criteria,
        "evidence": "Autres pièces",
        "recognised_on": "2026-01-05",
        "expires_on": "2029-01-05",
    }
    for response in (recognise(curator, enterprise), curator.post(change, data)):
        assert said in response.content.decode().replace("\xa0", " ")
    recognition.refresh_from_db()
    assert (recognition.reviewer, enterprise.recognitions.count()) == (other, 1)
    nobody = curator.post(reverse("admin:directory_recognition_add"), data | {"enterprise": ""})
    assert nobody.status_code == 200


def test_an_owner_cannot_recognise_their_own_enterprise(alice, enterprise):
    assert recognise(alice, enterprise).status_code == 302
    assert not enterprise.recognitions.exists()


def test_the_profile_says_what_recognised_means(client):
    enterprise = EnterpriseFactory(published=True)
    html = client.get(enterprise.get_absolute_url()).content.decode()
    assert f"{reverse('directory:about')}#mentions" in html
