"""Listings that may be one enterprise: found, asked once, decided."""

import json
import re
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from directory import audit, duplicates, likeness, merging, side_by_side
from directory.likeness import Reason
from directory.models import (
    AuditEntry,
    DuplicatePair,
    Enterprise,
    Merge,
    Representative,
)
from tests.factories import CityFactory, EnterpriseFactory, OfferingFactory, UserFactory
from tests.forms import filled
from tests.sql import recorded_sql

NEQ, OTHER_NEQ, NEAR_NEQ = "1147627393", "1143453513", "1147627394"


def listing(name="Menuiserie Boisvert", slug="", **fields):
    count = Enterprise.objects.count()
    return EnterpriseFactory(name=name, slug=slug or f"fiche-{count}", **fields)


def found(*listings):
    """Reasons by pair, of these listings alone."""
    keys = {one.pk: place for place, one in enumerate(listings)}
    return {
        (keys[first], keys[second]): reasons
        for (first, second), reasons in duplicates.find().items()
    }


# --- The rule


@pytest.mark.parametrize(
    ("one", "other", "reasons"),
    [
        ({}, {"name": "MENUISERIE BOISVERT"}, ["name"]),
        ({}, {"name": "Menuiserie Boivert inc."}, ["close_name"]),
        ({}, {"name": "La boisvert menuiserie"}, ["close_name"]),
        ({}, {"name": "Autre", "other_names": ["Menuiserie Boisvert"]}, ["name"]),
        ({"name": "Coopérative Soleil"}, {"name": "Coop Soleil"}, ["close_name"]),
        ({"phone": "+14505550188"}, {"name": "Autre", "phone": "+14505550188"}, ["phone"]),
        (
            {"email": "Info@bois.example"},
            {"name": "Autre", "email": "info@bois.example"},
            ["email"],
        ),
        (
            {"website": "https://www.bois.example/fr/"},
            {"name": "Autre", "website": "http://bois.example"},
            ["site"],
        ),
        (
            {"website": "https://www.facebook.com/bois"},
            {"name": "Autre", "website": "https://facebook.com/bois/"},
            ["site"],
        ),
        (
            {"neq": NEAR_NEQ, "phone": "+14505550188"},
            {"name": "Autre", "neq": NEQ, "phone": "+14505550188"},
            ["neq", "phone"],
        ),
        ({"neq": NEQ}, {"neq": OTHER_NEQ}, ["name"]),
        ({"state": "published", "published_on": "2026-01-01"}, {}, ["name"]),
    ],
)
def test_listings_that_have_this_in_common_are_a_pair(db, one, other, reasons):
    assert found(listing(**one), listing(**other)) == {(0, 1): reasons}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"name": "Buanderie Bob"}),
        ({}, {"name": "Menuiserie Boisjoli"}),
        ({"name": "9325-6527 Québec inc."}, {"name": "9325-6528 Québec inc."}),
        ({}, {"archived": True}),
        (
            {"website": "https://facebook.com/bois"},
            {"name": "Autre", "website": "https://www.facebook.com/autre"},
        ),
        ({"website": "https://facebook.com"}, {"name": "Autre", "website": "https://facebook.com"}),
        (
            {"neq": NEQ, "phone": "+14505550188"},
            {"name": "Autre", "neq": OTHER_NEQ, "phone": "+14505550188"},
        ),
        ({"neq": NEAR_NEQ}, {"name": "Autre", "neq": NEQ}),
        ({"phone": "", "email": "", "website": ""}, {"name": "Autre"}),
    ],
)
def test_listings_that_have_no_more_in_common_are_not(db, one, other):
    assert found(listing(**one), listing(**other)) == {}


def test_the_same_name_in_another_city_tells_nothing(db):
    brossard = CityFactory(code="58007", name="Brossard")
    assert found(listing(), listing(city=brossard)) == {}


def test_what_many_share_tells_nothing(db):
    phone = "+14505550188"
    listings = [listing(f"Atelier {chr(97 + n) * 9}", phone=phone) for n in range(21)]
    assert duplicates.find() == {}
    Enterprise.objects.filter(pk=listings[0].pk).update(phone="")
    assert len(duplicates.find()) == 20 * 19 / 2


@pytest.mark.parametrize(
    ("host", "shared"),
    [
        ("facebook.com", True),
        ("m.facebook.com", True),
        ("wixsite.com", True),
        ("ateliers.wixsite.com", False),
        ("notfacebook.com", False),
        ("ateliers.example", False),
    ],
)
def test_a_site_where_many_have_a_page_is_nobody_s(host, shared):
    assert likeness.is_shared(host) is shared
    assert likeness.site_of(f"https://www.{host}/Ateliers/?a=1") == (
        f"{host}/ateliers" if shared else host
    )


@pytest.mark.parametrize("address", ["", "pas une adresse", "https://[bad", "https://"])
def test_what_is_no_address_says_nothing(address):
    assert likeness.site_of(address) == ""


def test_every_reason_fits_its_column_and_has_words():
    for reason in Reason:
        assert len(reason.value) <= 20
        assert str(reason.label)


# --- The whole directory


def test_the_whole_directory_is_searched_in_a_fixed_number_of_statements(db):
    listing(phone="+14505550188")
    for number in range(40):
        listing(f"Atelier {number}", phone=f"+1450555{number:04d}")
    listing("Autre", phone="+14505550188")
    with recorded_sql() as statements:
        assert len(duplicates.find()) == 1
    assert len(statements) == 2


def test_around_a_listing_the_index_answers(db):
    one, two = listing(phone="+14505550188"), listing("Autre", phone="+14505550188")
    listing("Buanderie Bob", phone="+14505550199")
    listing("Buanderie de Bob", phone="+14505550199")
    assert duplicates.find([one.pk]) == {(one.pk, two.pk): ["phone"]}
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN (FORMAT JSON) " + duplicates.AROUND, [[one.pk]])
        plan = json.dumps(cursor.fetchone()[0])
    assert "enterprise_likeness" in plan


def search(capsys):
    call_command("find_duplicates")
    return " ".join(capsys.readouterr().out.split())


def test_the_command_run_again_changes_nothing_and_asks_no_decided_pair_again(db, capsys):
    one, two = listing(), listing()
    three = listing("Autre", phone="+14505550188")
    four = listing("Encore", phone="+14505550188")
    assert search(capsys).startswith("2 paires à examiner, dont 2 nouvelles")
    by = UserFactory()
    duplicates.tell_apart(one=two, other=one, by=by)
    before = list(DuplicatePair.objects.order_by("pk").values())
    said = search(capsys)
    assert said.startswith("1 paire à examiner, dont 0 nouvelle")
    assert "déjà tranchées : 1" in said
    assert list(DuplicatePair.objects.order_by("pk").values()) == before
    Enterprise.objects.filter(pk=four.pk).update(phone="+14505550199")
    assert "sans plus rien en commun : 1" in search(capsys)
    assert list(DuplicatePair.objects.values_list("first", "second", "state")) == [
        (one.pk, two.pk, "distinct")
    ]
    assert three.pk not in DuplicatePair.objects.values_list("first", flat=True)


def test_reasons_of_a_pair_that_is_still_asked_are_those_of_now(db, capsys):
    one, two = listing(), listing()
    duplicates.search()
    Enterprise.objects.filter(pk__in=[one.pk, two.pk]).update(email="info@bois.example")
    duplicates.search()
    assert DuplicatePair.objects.get().reasons == ["name", "email"]


def test_listings_with_a_pair_to_look_at_are_a_word_of_the_queryset(db):
    one, two, three, four = (listing(f"Fiche {n}" * 3) for n in ("un", "deux", "trois", "quatre"))
    DuplicatePair.objects.create(first=one, second=two, reasons=["phone"])
    DuplicatePair.objects.create(
        first=three, second=four, reasons=[], state="distinct", decided_at=timezone.now()
    )
    assert set(Enterprise.objects.with_open_duplicates()) == {one, two}


# --- Where listings are made


def test_a_draft_that_an_import_makes_although_close_to_another_is_noted(imported):
    known = listing(phone="+14505550188", name="Buanderie", email="info@bois.example")
    (entry,) = imported(
        {"Nom": "Menuiserie", "Ville": "Longueuil", "Courriel": "info@bois.example"}
    )
    pair = DuplicatePair.objects.get()
    assert {pair.first_id, pair.second_id} == {known.pk, entry.pk}
    assert pair.reasons == ["email"]


def test_a_draft_made_in_the_admin_although_close_to_another_is_noted(curator):
    known = listing()
    address = reverse("admin:directory_enterprise_add")
    form = filled(curator.get(address), "enterprise_form") | {
        "name": "Menuiserie Boisvert",
        "slug": "menuiserie-boisvert",
        "legal_form": "npo",
        "city": str(known.city_id),
    }
    response = curator.post(address, form, follow=True)
    assert "ressemble à une autre" in response.content.decode()
    assert DuplicatePair.objects.get().reasons == ["name"]


# --- The queue


@pytest.fixture
def pair(reference):
    one = listing(
        slug="boisvert", published=True, phone="+14505550188", provenance={"phone": "owner"}
    )
    two = listing(
        "Menuiserie Boivert",
        slug="boivert",
        phone="+14505550199",
        email="info@bois.example",
        provenance={"phone": "import"},
    )
    return DuplicatePair.objects.create(first=one, second=two, reasons=["close_name"])


def address(pair):
    return reverse("directory:duplicate", args=[pair.pk])


def text(response):
    return " ".join(response.content.decode().split())


def test_the_queue_says_why_in_words_the_likeliest_first(curator, pair):
    third = listing("Buanderie", phone="+14505550188")
    first = pair.first
    DuplicatePair.objects.create(first=first, second=third, reasons=["phone", "site"])
    page = text(curator.get(reverse("directory:duplicates")))
    assert "2 paires" in page
    page = page[page.index("<h2>") :]
    assert page.index("même téléphone") < page.index("nom proche dans la même ville")


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 1),
        ("etat=distinct", 1),
        ("etat=merged", 0),
        ("raison=phone", 0),
        ("raison=close_name", 1),
        ("ville=longueuil", 1),
        ("ville=brossard", 0),
        ("etat=nulle-part&raison=%00&ville=zzz&page=zzz", 1),
    ],
)
def test_the_queue_is_filtered_and_passes_over_what_it_does_not_know(curator, pair, query, count):
    DuplicatePair.objects.create(
        first=pair.first,
        second=listing("Autre"),
        reasons=["phone"],
        state="distinct",
        decided_at=timezone.now(),
    )
    response = curator.get(f"{reverse('directory:duplicates')}?{query}")
    if "%00" in query:
        assert response.status_code == 400
        return
    assert f"{count or 'rien'}".replace("rien", "Aucune paire") in text(response)
    assert text(response).count("<h2>") == count


def test_a_pair_one_of_which_was_archived_since_waits_for_nobody(curator, pair):
    Enterprise.objects.filter(pk=pair.second_id).update(state="archived", closing="closed")
    audit.record(act=duplicates.SEARCHED, by=None)
    assert "Rien à examiner" in text(curator.get(reverse("directory:duplicates")))
    page = text(curator.get(address(pair)))
    assert "est archivée" in page
    assert 'value="merge"' not in page


# --- Two listings side by side


def test_what_differs_is_asked_with_a_choice_made_and_what_is_the_same_is_folded(curator, pair):
    form = filled(curator.get(address(pair)), "comparaison")
    assert form["kept"] == ["one"]
    assert (form["phone"], form["email"]) == (["one"], ["other"])
    assert "legal_form" not in form
    assert "OBNL" in text(curator.get(address(pair)))


def test_two_listings_are_merged_as_chosen_and_the_result_says_so(curator, pair):
    OfferingFactory(enterprise=pair.second, name="Escaliers")
    form = filled(curator.get(address(pair)), "comparaison") | {"name": "other", "action": "merge"}
    response = curator.post(address(pair), form, follow=True)
    assert "Les deux fiches n’en font qu’une" in text(response)
    pair.refresh_from_db()
    kept, merge = pair.first, Merge.objects.get()
    assert (kept.name, kept.phone, kept.email) == (
        "Menuiserie Boivert",
        "+14505550188",
        "info@bois.example",
    )
    assert kept.other_names == ["Menuiserie Boisvert"]
    assert kept.offerings.get().name == "Escaliers"
    assert (pair.state, pair.decided_by, merge.by) == ("merged", curator.user, curator.user)
    assert kept.history.first().history_user == curator.user

    # Sent again, by a second click or a page gone back to: the same result, once.
    again = curator.post(address(pair), form)
    assert again.headers["Location"] == reverse("directory:merge", args=[merge.pk])
    assert Merge.objects.count() == 1


def test_the_other_listing_may_be_kept(curator, pair):
    form = filled(curator.get(address(pair)), "comparaison") | {"kept": "other", "action": "merge"}
    curator.post(address(pair), form)
    pair.refresh_from_db()
    assert (pair.first.state, pair.second.state) == ("archived", "published")
    assert (pair.second.phone, pair.second.slug) == ("+14505550188", "boivert")


def test_a_page_that_is_no_longer_true_is_shown_again_with_both_and_the_choices(curator, pair):
    one = pair.first
    one.save()  # leaves the history of what the page shows
    form = filled(curator.get(address(pair)), "comparaison")
    form |= {"phone": "other", "action": "merge"}
    Enterprise.objects.filter(pk=one.pk).update(phone="+14505550777", version=2)
    response = curator.post(address(pair), form)
    page = text(response)
    assert response.status_code == 409
    assert "«\xa0Menuiserie Boisvert\xa0» a changé".replace("\xa0", " ") in page.replace(
        "\xa0", " "
    )
    for number in ("555-0777", "555-0199", "555-0188"):  # now, the other’s, as it was
        assert number in page
    again = filled(response, "comparaison")
    assert (again["phone"], again["version_one"]) == (["other"], ["2"])
    assert not Merge.objects.exists()
    curator.post(address(pair), again | {"action": "merge"})
    assert Merge.objects.count() == 1


def test_a_choice_that_became_one_meanwhile_is_asked_and_not_guessed(curator, pair):
    form = filled(curator.get(address(pair)), "comparaison") | {"action": "merge"}
    Enterprise.objects.filter(pk=pair.first_id).update(mission="Bâtir.", version=2)
    response = curator.post(address(pair), form)
    assert response.status_code == 409
    assert filled(response, "comparaison")["mission"] == ["one"]


@pytest.mark.parametrize("field", ["kept", "phone", "version_one"])
@pytest.mark.parametrize("value", [None, "ailleurs", "-1", "9" * 40])
def test_a_form_that_lacks_something_is_shown_again_and_nothing_is_done(
    curator, pair, field, value
):
    form = filled(curator.get(address(pair)), "comparaison") | {"action": "merge"}
    form.pop(field)
    if value is not None:
        form[field] = value
    response = curator.post(address(pair), form)
    assert response.status_code in (200, 409)
    assert not Merge.objects.exists()


def test_fields_that_the_page_does_not_ask_for_change_nothing(curator, pair):
    form = filled(curator.get(address(pair)), "comparaison")
    form |= {"slug": "other", "state": "other", "legal_form": "other", "action": "merge"}
    curator.post(address(pair), form)
    pair.refresh_from_db()
    assert (pair.first.slug, pair.first.state) == ("boisvert", "published")


def test_two_enterprises_are_told_apart_once_and_the_next_pair_comes(curator, pair):
    other = DuplicatePair.objects.create(
        first=pair.first, second=listing("Buanderie"), reasons=["phone"]
    )
    response = curator.post(address(pair), {"action": "distinct"})
    assert response.headers["Location"] == address(other)
    assert "sont deux entreprises" in text(curator.get(address(other)))
    response = curator.post(address(other), {"action": "distinct"})
    assert response.headers["Location"] == reverse("directory:duplicates")
    curator.post(address(pair), {"action": "distinct"})
    acts = AuditEntry.objects.values_list("act", flat=True)
    assert list(acts) == ["duplicate.distinct"] * 2
    curator.post(address(pair), {"action": "ask"})
    pair.refresh_from_db()
    assert (pair.state, pair.decided_by) == ("open", None)


def test_what_was_just_said_of_a_pair_can_be_taken_back_from_the_next_page(
    curator, superuser, pair
):
    queue = reverse("directory:duplicates")
    curator.post(address(pair), {"action": "distinct"})
    page = curator.get(queue)
    assert page.context["apart"]["pk"] == pair.pk
    assert f'action="{address(pair)}"' in page.content.decode()
    assert superuser.get(queue).context["apart"] is None
    DuplicatePair.objects.update(decided_at=timezone.now() - timedelta(minutes=11))
    assert curator.get(queue).context["apart"] is None


def test_an_empty_queue_says_when_it_was_last_searched(curator):
    queue = reverse("directory:duplicates")
    assert "n’ont pas encore été cherchées" in text(curator.get(queue))
    duplicates.search()
    said = text(curator.get(queue))
    assert re.search(r"a été parcouru le \S+\s\w+\s\d{4} à \d{1,2}\sh\s\d\d\.", said)


def test_of_two_curators_the_second_learns_what_the_first_did(curator, superuser, pair):
    form = filled(curator.get(address(pair)), "comparaison")
    superuser.post(address(pair), form | {"action": "merge"})
    for act in ("distinct", "merge", "ask"):
        response = curator.post(address(pair), form | {"action": act})
        assert response.headers["Location"].startswith("/doublons/fusions/")
    pair.refresh_from_db()
    assert pair.state == "merged"


def test_an_owner_writing_while_their_listing_is_merged_is_told(curator, superuser, pair):
    path = reverse("admin:directory_enterprise_change", args=[pair.second_id])
    theirs = filled(superuser.get(path), "enterprise_form") | {"mission": "Bâtir."}
    form = filled(curator.get(address(pair)), "comparaison") | {"action": "merge"}
    curator.post(address(pair), form)
    response = superuser.post(path, theirs)
    assert "a été modifiée depuis que vous l’avez ouverte" in response.content.decode()
    pair.refresh_from_db()
    assert (pair.second.mission, pair.second.state) == ("", "archived")


def test_any_two_listings_can_be_compared_and_merged(curator, pair):
    other = listing("Buanderie Bob", slug="bob", published=True)
    path = f"{reverse('directory:compare')}?a=bob&b=boisvert"
    form = filled(curator.get(path), "comparaison") | {"action": "merge"}
    response = curator.post(path, form)
    merge = Merge.objects.get()
    assert response.headers["Location"] == reverse("directory:merge", args=[merge.pk])
    # Of two published listings that nobody owns, the older is proposed.
    assert (merge.kept, merge.gone) == (pair.first, other)


def test_a_pair_that_is_known_is_compared_in_its_place(curator, pair):
    path = f"{reverse('directory:compare')}?a=boivert&b=boisvert"
    assert curator.get(path).headers["Location"] == address(pair)


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 404), ("a=boisvert", 404), ("a=boisvert&b=rien", 404), ("a=boisvert&b=boisvert", 200)],
)
def test_listings_that_cannot_be_compared(curator, pair, query, status):
    response = curator.get(f"{reverse('directory:compare')}?{query}")
    assert response.status_code == status
    if status == 200:
        assert "deux fois la même fiche" in text(response)
        path = f"{reverse('directory:compare')}?{query}"
        form = filled(response, "comparaison")
        for act in ("merge", "distinct"):
            assert curator.post(path, form | {"action": act}).status_code == 409
        assert not Merge.objects.exists()


def test_who_may_look_and_not_merge_is_not_shown_the_button_nor_obeyed(staff, pair):
    from django.contrib.auth.models import Permission

    permission = Permission.objects.get(codename="change_duplicatepair")
    staff.user.user_permissions.add(permission)
    page = staff.get(address(pair))
    assert 'value="merge"' not in page.content.decode()
    form = filled(page, "comparaison") | {"action": "merge"}
    assert staff.post(address(pair), form).status_code == 404
    assert not Merge.objects.exists()


# --- Merges


def test_a_merge_is_undone_from_its_page_once(curator, pair):
    done = merging.merge(kept=pair.first, gone=pair.second, choices={}, by=curator.user)
    path = reverse("directory:merge", args=[done.pk])
    assert "Défaire la fusion" in text(curator.get(path))
    assert curator.post(path).status_code == 302
    assert "Fusion défaite" in text(curator.get(path))
    assert curator.post(path).status_code == 200
    pair.refresh_from_db()
    assert (pair.state, pair.second.state) == ("open", "draft")
    assert AuditEntry.objects.filter(act="enterprise.merge_undone").count() == 1
    assert "Défaite le" in text(curator.get(reverse("directory:merges")))


def test_what_keeps_a_merge_from_being_undone_is_said(curator, pair):
    done = merging.merge(kept=pair.first, gone=pair.second, choices={}, by=curator.user)
    path = reverse("directory:merge", args=[done.pk])
    Enterprise.objects.filter(pk=pair.first_id).update(version=50)
    assert "Défaire la fusion" not in text(curator.get(path))
    response = curator.post(path)
    assert response.status_code == 409
    assert "a été modifiée depuis la fusion" in text(response)


def test_people_of_both_listings_are_shown_before_they_share_one(curator, pair):
    Representative.objects.create(
        enterprise=pair.second, user=UserFactory(name="Alice Aubin"), role="owner"
    )
    page = text(curator.get(address(pair)))
    assert "Alice Aubin, responsable de la fiche" in page


@pytest.mark.parametrize(("days", "said"), [(1, "1 jour"), (30, "30 jours")])
def test_a_delay_is_said_in_its_number(days, said):
    assert side_by_side.WORDS["lead_time_days"]({"lead_time_days": days}, None) == [said]


def test_the_merges_of_a_page_are_read_at_once(curator, pair):
    others = [listing(f"Atelier {number}", slug=f"atelier-{number}") for number in range(2)]
    other = DuplicatePair.objects.create(first=others[0], second=others[1], reasons=["close_name"])
    done = [
        merging.merge(kept=pair.first, gone=pair.second, choices={}, by=curator.user),
        merging.merge(kept=other.second, gone=other.first, choices={}, by=curator.user),
    ]
    with recorded_sql() as statements:
        page = text(curator.get(reverse("directory:duplicates"), {"etat": "merged"}))
    for merge in done:
        assert reverse("directory:merge", args=[merge.pk]) in page
    assert sum('FROM "directory_merge"' in statement for statement in statements) == 1
