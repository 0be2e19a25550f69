from datetime import date

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.utils import timezone
from PIL import Image

from directory import bulk_invitations, demo, fictional, integrity, phone_calls
from directory.models import (
    Certification,
    City,
    Claim,
    ConsentBasis,
    Contact,
    DuplicatePair,
    Enterprise,
    EnterpriseBenefit,
    ErrorReport,
    Listing,
    Mail,
    Offering,
    Permit,
    Recognition,
    Reference,
    Reminder,
    Revision,
    Sector,
    Suggestion,
)
from tests.factories import EnterpriseFactory
from tests.sql import recorded_sql

pytestmark = pytest.mark.usefixtures("reference")

LEFT_TO_DO = (ConsentBasis, DuplicatePair, Reminder, Revision, Claim, ErrorReport, Suggestion)
TODAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def rows(reference_kept, django_db_blocker):
    """120 enterprises of all Québec, as the generator describes them; drawn once."""
    with django_db_blocker.unblock():
        cities = demo.cities([])
    return list(fictional.enterprises(120, seed="essai", today=TODAY, cities=cities))


def of_state(rows, *states):
    return [row for row in rows if row["state"] in states]


# --- Writing


def test_every_part_of_each_enterprise_is_written(rows):
    assert demo.write(rows) == len(rows) == Enterprise.objects.count()
    for model, name in (
        (Certification, "statuses"),
        (EnterpriseBenefit, "benefits"),
        (Permit, "permits"),
        (Offering, "offerings"),
        (Contact, "contacts"),
        (Reference, "references"),
    ):
        assert model.objects.count() == sum(len(row[name]) for row in rows) > 0, name
    assert Recognition.objects.count() == sum(bool(row["recognition"]) for row in rows)
    for state in Enterprise.State:
        written = Enterprise.objects.filter(state=state).count()
        assert written == len(of_state(rows, state)) > 0, state


def test_what_is_written_says_what_was_described(rows):
    demo.write(rows)
    for row in rows[:8]:
        enterprise = Enterprise.objects.get(name=row["name"])
        assert enterprise.city.code == row["city_code"]
        assert (enterprise.neq or "") == row["neq"]
        assert {sector.slug for sector in enterprise.sectors.all()} == set(row["sectors"])
        assert [offering.name for offering in enterprise.offerings.all()] == [
            offering["name"] for offering in row["offerings"]
        ]
        assert enterprise.serves_province == row["territory"]["province"]
        for name, field in (
            ("regions", enterprise.served_regions),
            ("counties", enterprise.served_counties),
            ("cities", enterprise.served_cities),
        ):
            assert set(field.values_list("code", flat=True)) == set(row["territory"][name])
        assert "français" in enterprise.languages
        enterprise.full_clean()


def test_an_offering_keeps_a_territory_of_its_own(rows):
    demo.write(rows)
    own = [
        (row["name"], offering)
        for row in rows
        for offering in row["offerings"]
        if offering["territory"]
    ]
    assert own
    for name, offering in own:
        written = Offering.objects.filter(enterprise__name=name, name=offering["name"])
        assert offering["territory"]["province"] in {row.serves_province for row in written}
        codes = {
            code for row in written for code in row.served_regions.values_list("code", flat=True)
        }
        assert set(offering["territory"]["regions"]) <= codes


def test_what_is_published_can_be_searched_and_nothing_else(rows):
    demo.write(rows)
    assert Listing.objects.count() == len(of_state(rows, "published"))
    assert integrity.check(timezone.localdate()).wrong == []


def test_an_archived_enterprise_says_which_one_replaces_it(rows):
    replaced = [row for row in rows if row["replaced_by"] is not None]
    if not replaced:  # this draw has none: make one
        row = of_state(rows, "archived")[0]
        published = rows.index(of_state(rows[: rows.index(row)], "published")[0])
        row = row | {"closing": "replaced", "replaced_by": published}
        rows = [row if other["name"] == row["name"] else other for other in rows]
        replaced = [row]
    demo.write(rows)
    for row in replaced:
        enterprise = Enterprise.objects.get(name=row["name"])
        assert enterprise.replaced_by.name == rows[row["replaced_by"]]["name"]


def test_writing_takes_as_many_statements_for_ten_as_for_a_hundred(rows):
    few = [
        row | {"replaced_by": None, "closing": "closed"} if row["closing"] else row for row in rows
    ]
    counts = []
    for part in (few[:20], few[20:]):
        with recorded_sql() as statements:
            demo.write(part)
        counts.append(len(statements))
    assert abs(counts[0] - counts[1]) <= 6  # a kind of row that the smaller one lacks
    assert max(counts) < 50


def test_names_already_taken_get_other_addresses(rows):
    first, again = rows[:20], [dict(row) for row in rows[:20]]
    demo.write(first)
    demo.write(again)
    demo.write(again)
    assert Enterprise.objects.count() == 60
    names = Enterprise.objects.filter(name=rows[0]["name"])
    city = City.objects.get(code=rows[0]["city_code"])
    slugs = sorted(names.values_list("slug", flat=True), key=len)
    assert slugs[1] == f"{slugs[0][:50]}-{city.slug[:40]}"
    assert slugs[2] == f"{slugs[1]}-2"
    # A NEQ belongs to one enterprise: the others do without.
    assert Enterprise.objects.exclude(neq=None).count() == sum(bool(row["neq"]) for row in first)


def test_a_word_that_staff_have_removed_is_passed_over(rows):
    slug = rows[0]["sectors"][0]
    Sector.objects.get(slug=slug).delete()
    demo.write(rows)
    enterprise = Enterprise.objects.get(name=rows[0]["name"])
    assert slug not in set(enterprise.sectors.values_list("slug", flat=True))


def test_a_row_that_cannot_be_written_leaves_nothing(rows):
    broken = [*rows[:5], rows[5] | {"phone": "inconnu"}]
    with pytest.raises(Exception, match="enterprise_phone"):
        demo.write(broken)
    assert not Enterprise.objects.exists()


# --- Places


def test_each_postal_area_goes_to_its_own_city():
    areas = {area["code"]: city["name"] for city in demo.cities([]) for area in city["fsas"]}
    assert {code: areas[code] for code in ("J4V", "J3Y", "J4B", "J4P", "J4W", "J3V")} == {
        "J4V": "Longueuil",  # Greenfield Park, its borough
        "J3Y": "Longueuil",
        "J4B": "Boucherville",
        "J4P": "Saint-Lambert",
        "J4W": "Brossard",
        "J3V": "Saint-Bruno-de-Montarville",
    }
    assert areas["H1A"] == "Montréal"  # Pointe-aux-Trembles, though Montréal-Est is nearer
    assert not any(code[1] == "0" for code in areas)


def test_only_the_cities_asked_for_are_described():
    (city,) = demo.cities(["58227"])
    assert (city["county_code"], city["region_code"]) == ("580", "16")
    assert city["boroughs"] == ["Greenfield Park", "Saint-Hubert", "Vieux-Longueuil"]


# --- Commands


@pytest.fixture
def small_demo(monkeypatch):
    monkeypatch.setattr(demo, "DEMO_SIZE", 24)


@pytest.mark.usefixtures("small_demo")
def test_the_demonstration_is_loaded_once(capsys, settings):
    call_command("load_demo")
    assert "24 entreprises fictives sont prêtes." in capsys.readouterr().out
    assert Enterprise.objects.count() == 24
    cities = set(Enterprise.objects.values_list("city__code", flat=True))
    assert cities <= set(settings.SITE_CITIES)
    logos = Enterprise.objects.exclude(logo="").values_list("logo", flat=True)
    assert len(logos) > 10
    for name in logos:
        with default_storage.open(name) as file:
            assert Image.open(file).format == "WEBP"
    before = list(Enterprise.objects.order_by("pk").values())
    call_command("load_demo")
    assert "déjà là" in capsys.readouterr().out
    assert list(Enterprise.objects.order_by("pk").values()) == before


def test_the_demonstration_leaves_things_to_do_and_sends_nothing(monkeypatch):
    monkeypatch.setattr(demo, "DEMO_SIZE", 80)
    call_command("load_demo")
    counts = [table.objects.count() for table in LEFT_TO_DO]
    assert all(counts), dict(zip(LEFT_TO_DO, counts, strict=True))
    assert Revision.objects.get().state == "waiting"
    assert phone_calls.to_call_now().exists()
    assert bulk_invitations.prospects().filter(apart="").exists()
    assert ErrorReport.objects.filter(message__startswith="Exemple fictif").count() == 3
    assert not Mail.objects.exists()
    call_command("load_demo")
    assert [table.objects.count() for table in LEFT_TO_DO] == counts


@pytest.mark.usefixtures("small_demo")
def test_the_demonstration_never_mixes_with_real_enterprises():
    EnterpriseFactory()
    with pytest.raises(CommandError, match="ne s’y mêle pas"):
        call_command("load_demo")
    assert Enterprise.objects.count() == 1


@pytest.mark.usefixtures("small_demo")
def test_a_demonstration_emptied_by_hand_comes_back():
    call_command("load_demo")
    Enterprise.objects.update(state="draft", closing="", archive_reason="", replaced_by=None)
    Enterprise.objects.all().delete()
    call_command("load_demo")
    assert Enterprise.objects.count() == 24


def test_any_number_can_be_generated_and_added_to_what_is_there(capsys, monkeypatch):
    monkeypatch.setattr(demo, "BATCH", 20)
    EnterpriseFactory()
    call_command("generate_enterprises", "50")
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "20 entreprises sur 50",
        "40 entreprises sur 50",
        "50 entreprises sur 50",
        "50 entreprises ajoutées.",
    ]
    assert Enterprise.objects.count() == 51
    assert not Enterprise.objects.exclude(logo="").exists()
    call_command("generate_enterprises", "30")
    assert Enterprise.objects.count() == 81


def test_the_same_seed_gives_the_same_enterprises(capsys):
    call_command("generate_enterprises", "10", "--seed", "a")
    first = list(Enterprise.objects.order_by("pk").values_list("name", "neq"))
    Enterprise.objects.update(state="draft", closing="", archive_reason="", replaced_by=None)
    Enterprise.objects.all().delete()
    call_command("generate_enterprises", "10", "--seed", "a")
    assert list(Enterprise.objects.order_by("pk").values_list("name", "neq")) == first
