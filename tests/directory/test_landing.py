"""The pages of a region and of a city: what is there, and where one goes from there."""

import html
import re
from datetime import date

import pytest
from django.urls import reverse

from directory.models import City, Enterprise, Region, Sector
from tests.factories import EnterpriseFactory
from tests.sql import of_pages, recorded_sql

pytestmark = pytest.mark.django_db

LONGUEUIL, BROSSARD, GRANBY, LAVAL = "58227", "58007", "47017", "65005"


def city(code):
    return City.objects.get(code=code)


@pytest.fixture
def four(reference):
    """Three in Montérégie, two of them in one city; one in Laval."""
    for day, (name, code, sector) in enumerate(
        [
            ("Alpha", LONGUEUIL, "alimentation"),
            ("Bêta", LONGUEUIL, "habitation"),
            ("Gamma", BROSSARD, "alimentation"),
            ("Delta", LAVAL, "alimentation"),
        ],
        start=1,
    ):
        EnterpriseFactory(
            name=name,
            published=True,
            city=city(code),
            sectors=[sector],
            published_on=date(2026, 5, day),
        )


def text(response):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def links(response):
    found = re.findall(r'<a [^>]*?href="([^"]+)"[^>]*>([^<]+)</a>', response.content.decode())
    return {html.unescape(label): html.unescape(address) for address, label in found}


class TestARegion:
    def test_it_counts_by_county_city_and_sector(self, four, client):
        context = client.get("/regions/monteregie/").context
        assert context["total_label"] == "3 entreprises"
        (county,) = context["counties"]
        assert (county["name"], county["count"]) == ("Agglomération de Longueuil", "3")
        assert [(row["name"], row["count"]) for row in county["cities"]] == [
            ("Brossard", "1"),
            ("Longueuil", "2"),
        ]
        names = dict(Sector.objects.values_list("slug", "name"))
        assert [(row["name"], row["count"]) for row in context["breakdown"]] == [
            (names["alimentation"], "2"),
            (names["habitation"], "1"),
        ]

    def test_its_links_find_what_they_count(self, four, client):
        response = client.get("/regions/monteregie/")
        context = response.context
        counted = [
            (context["search_url"], 3),
            (context["counties"][0]["url"], 3),
            *((row["url"], int(row["count"])) for row in context["counties"][0]["cities"]),
            *((row["url"], int(row["count"])) for row in context["breakdown"]),
        ]
        assert len(counted) == 6
        for address, count in counted:
            page = client.get(address)
            assert page.context["total_label"].startswith(f"{count} entreprise"), address

    def test_it_shows_the_newest_first(self, four, client):
        cards = client.get("/regions/monteregie/").context["cards"]
        assert [card["name"] for card in cards] == ["Gamma", "Bêta", "Alpha"]

    def test_what_follows_the_newest_begins_with_them_again(self, four, client):
        assert client.get("/regions/monteregie/").context["next_url"] == ""
        for number in range(8):
            EnterpriseFactory(name=f"Ancienne {number}", published=True)
        context = client.get("/regions/monteregie/").context
        names = [card["name"] for card in context["cards"]]
        assert len(names) == 10
        following = client.get(context["next_url"]).context["cards"]
        assert [card["name"] for card in following][:10] == names
        assert len(following) == 11

    def test_a_city_that_is_its_own_county_is_named_once(self, four, client):
        response = client.get("/regions/laval/")
        (row,) = response.context["counties"]
        assert row["url"] == "/villes/laval/"
        assert "cities" not in row

    def test_a_region_without_enterprises_says_so_and_leads_on(self, four, client):
        response = client.get("/regions/estrie/")
        assert response.status_code == 200
        assert "Aucune entreprise établie ici n’est encore inscrite" in text(response)
        assert links(response)["Toutes les entreprises"] == "/entreprises/"

    def test_a_region_that_does_not_exist_is_not_found(self, reference, client):
        # Its official code is understood by a search, but is not its address.
        for slug in ("nulle-part", "16", "longueuil"):
            assert client.get(f"/regions/{slug}/").status_code == 404

    def test_it_takes_two_statements_and_one_once_kept(self, four, client):
        client.get("/")  # labels and counts are read by whoever comes first
        with recorded_sql() as statements:
            response = client.get("/regions/monteregie/")
        assert len(of_pages(statements)) == 2, statements
        with recorded_sql() as statements:
            again = client.get(
                "/regions/monteregie/", headers={"if-none-match": response.headers["ETag"]}
            )
        assert again.status_code == 304
        assert len(of_pages(statements)) == 1, statements

    def test_a_withdrawn_enterprise_leaves_it(self, four, client):
        client.get("/regions/laval/")
        Enterprise.objects.filter(name="Delta").update(state="draft")
        assert client.get("/regions/laval/").context["cards"] == []
        assert "Laval" in [row["name"] for row in client.get("/regions/").context["empty"]]


class TestTheRegions:
    def test_each_is_there_once_with_its_count(self, four, client):
        context = client.get("/regions/").context
        assert [(row["name"], row["count"]) for row in context["regions"]] == [
            ("Laval", "1"),
            ("Montérégie", "3"),
        ]
        assert len(context["empty"]) == 15
        assert Region.objects.count() == 17

    def test_the_index_takes_one_statement(self, four, client):
        client.get("/")
        with recorded_sql() as statements:
            client.get("/regions/")
        assert len(of_pages(statements)) == 1, statements

    def test_the_home_page_of_a_site_without_cities_of_its_own_offers_them(
        self, four, client, settings
    ):
        assert links(client.get("/"))["Toutes les régions et leurs villes"] == "/regions/"
        settings.SITE_CITIES = []
        found = links(client.get("/"))
        assert found["Montérégie"] == "/regions/monteregie/"


class TestACity:
    def test_it_says_where_it_is(self, four, client):
        response = client.get("/villes/longueuil/")
        assert "Régions Montérégie Longueuil Agglomération de Longueuil" in text(response)
        assert links(response)["Montérégie"] == "/regions/monteregie/"
        assert "région :" not in text(response)

    def test_without_enterprises_it_leads_to_those_who_come_there(self, four, client):
        EnterpriseFactory(name="Partout", published=True, serves_province=True)
        response = client.get(f"/villes/{city(GRANBY).slug}/")
        address = links(response)["Voir celles qui desservent Granby"]
        assert [card["name"] for card in client.get(address).context["cards"]] == ["Partout"]

    def test_its_description_counts_them(self, four, client):
        page = client.get(reverse("directory:city", args=["brossard"])).content.decode()
        said = re.search('name="description"[^>]*content="([^"]+)"', page)[1]
        assert said.strip().startswith("Brossard, Montérégie\xa0: 1 entreprise d’économie sociale")
