"""What programs read: the map of the site, robots.txt, OpenSearch, security.txt, the addresses that
pages give of themselves."""

import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit
from urllib.robotparser import RobotFileParser

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from directory import sitemaps
from directory.models import City, Enterprise, Listing
from tests.factories import EnterpriseFactory, OfferingFactory
from tests.sql import of_pages, recorded_sql

pytestmark = pytest.mark.django_db

MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
SITE = "https://www.repertoire.example"


@pytest.fixture
def three(reference):
    return [
        EnterpriseFactory(name="Première", published=True, sectors=["alimentation"]),
        EnterpriseFactory(
            name="Deuxième",
            published=True,
            city=City.objects.get(code="65005"),
            sectors=["habitation"],
        ),
        EnterpriseFactory(name="Troisième", published=True),
    ]


def locations(response):
    root = ET.fromstring(response.content)
    return [element.text for element in root.iter(f"{MAP}loc")]


def path(address):
    parts = urlsplit(address)
    return parts.path + (f"?{parts.query}" if parts.query else "")


class TestTheMapOfTheSite:
    def every(self, client):
        return [
            address
            for section in locations(client.get("/sitemap.xml"))
            for address in locations(client.get(path(section)))
        ]

    def test_every_address_in_it_answers_and_is_the_one_its_page_gives(self, three, client):
        addresses = self.every(client)
        assert len(addresses) == len(set(addresses)) == len(sitemaps.PAGES) + 2 + 2 + 2 + 3
        for address in addresses:
            response = client.get(path(address))
            assert response.status_code == 200, address
            page = response.content.decode()
            assert f'<link rel="canonical" href="{address}">' in page, address
            assert 'name="robots"' not in page, address

    def test_every_published_enterprise_is_in_it_and_no_other(self, three, client):
        EnterpriseFactory(name="Brouillon")
        EnterpriseFactory(name="Archivée", archived=True)
        found = {path(address) for address in self.every(client)}
        pages = {reverse(f"directory:{name}") for name in sitemaps.PAGES}
        listed = {one for one in found - pages if re.fullmatch("/entreprises/.+/", one)}
        assert listed == {row.get_absolute_url() for row in three}
        Enterprise.objects.filter(pk=three[0].pk).update(state="draft")
        assert three[0].get_absolute_url() not in {path(one) for one in self.every(client)}

    def test_a_page_says_when_it_changed(self, three, client):
        (section,) = [one for one in locations(client.get("/sitemap.xml")) if "entreprises" in one]
        root = ET.fromstring(client.get(path(section)).content)
        days = [element.text for element in root.iter(f"{MAP}lastmod")]
        assert days == [timezone.localdate().isoformat()] * 3

    def test_addresses_are_those_of_the_site_whatever_name_was_used(self, three, client, settings):
        settings.SITE_URL = SITE
        assert all(one.startswith(f"{SITE}/") for one in self.every(client))

    def test_a_map_of_nothing_is_still_one(self, reference, client):
        (only,) = locations(client.get("/sitemap.xml"))
        assert len(locations(client.get(path(only)))) == len(sitemaps.PAGES)

    @pytest.mark.parametrize(
        "name",
        ["rien", "entreprises", "entreprises-0", "entreprises-99", "entreprises-" + "9" * 30,
         "entreprises--1", "-1", "entreprises-1-1", "secteurs-1"],
    )  # fmt: skip
    def test_a_section_that_does_not_exist_is_not_found(self, name, three, client):
        assert client.get(f"/sitemap-{name}.xml").status_code == 404

    def test_sections_hold_everyone_however_far_apart_and_stay_as_they_are(self, three, client):
        far = 7 * sitemaps.SECTION + 5
        Enterprise.objects.filter(pk__in=[row.pk for row in three]).delete()
        for number in (1, 2, far, far + sitemaps.SECTION * 30):
            EnterpriseFactory(name=f"Numéro {number}", published=True, pk=number + 10**6 * 2)
        sections = [
            path(one) for one in locations(client.get("/sitemap.xml")) if "entreprises" in one
        ]
        assert [len(locations(client.get(one))) for one in sections] == [2, 1, 1]
        Enterprise.objects.filter(pk=2 + 10**6 * 2).delete()
        again = [path(one) for one in locations(client.get("/sitemap.xml")) if "entreprises" in one]
        assert again == sections

    def test_a_section_takes_two_statements_and_is_kept(self, three, client):
        client.get("/")
        for address in ("/sitemap.xml", path(locations(client.get("/sitemap.xml"))[-1])):
            with recorded_sql() as statements:
                response = client.get(address)
            assert len(of_pages(statements)) == 2, statements
            etag = {"if-none-match": response.headers["ETag"]}
            assert client.get(address, headers=etag).status_code == 304

    def test_the_sections_of_a_large_directory_are_found_without_reading_it(self, three):
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN " + sitemaps.SECTIONS_SQL)
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert Listing.objects.exists()
        assert "Index Only Scan" in plan


class TestRobots:
    def read(self, client):
        response = client.get("/robots.txt")
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
        return response.content.decode()

    def test_pages_are_open_and_combinations_are_not(self, reference, client):
        text = self.read(client)
        fields = [line.partition(": ")[0] for line in text.splitlines() if line]
        assert set(fields) == {"User-agent", "Disallow", "Allow", "Sitemap"}
        rules = [line.partition(": ")[::2] for line in text.splitlines() if ": " in line]

        def allowed(address):
            """As RFC 9309 has it: the longest rule that fits wins."""
            fitting = [
                (len(pattern), kind == "Allow")
                for kind, pattern in rules
                if kind in {"Allow", "Disallow"}
                and re.match(re.escape(pattern).replace(r"\*", ".*"), address)
            ]
            return max(fitting, default=(0, True))[1]

        for name in sitemaps.PAGES:
            assert allowed(reverse(f"directory:{name}")), name
        for address in ("/secteurs/alimentation/", "/entreprises/riche/", "/nouveautes/?page=2"):
            assert allowed(address), address
        for address in (
            "/entreprises/?q=traiteur", "/entreprises/?secteur=alimentation&ville=longueuil",
            "/entreprises.json", "/entreprises/suggestions/?q=t", "/admin/", "/secteurs/x/?y=1",
        ):  # fmt: skip
            assert not allowed(address), address

    def test_it_leads_to_the_map(self, reference, client):
        parser = RobotFileParser()
        parser.parse(self.read(client).splitlines())
        (address,) = parser.site_maps()
        assert client.get(path(address)).status_code == 200

    def test_a_demonstration_is_left_alone(self, reference, client, settings):
        settings.DEMO = True
        parser = RobotFileParser()
        parser.parse(self.read(client).splitlines())
        assert not parser.can_fetch("*", "/")
        assert not parser.can_fetch("*", "/entreprises/riche/")


class TestOpenSearch:
    NAMESPACE = "{http://a9.com/-/spec/opensearch/1.1/}"

    def urls(self, client):
        page = client.get("/").content.decode()
        address = re.search('<link rel="search" [^>]*href="([^"]+)"', page)[1]
        root = ET.fromstring(client.get(address).content)
        assert root.tag == f"{self.NAMESPACE}OpenSearchDescription"
        for name, longest in (("ShortName", 16), ("LongName", 48), ("Description", 1024)):
            assert 0 < len(root.findtext(f"{self.NAMESPACE}{name}")) <= longest
        return {url.get("type"): url.get("template") for url in root.iter(f"{self.NAMESPACE}Url")}

    def test_its_template_is_a_search_that_finds(self, three, client):
        OfferingFactory(enterprise=three[0], name="Boîtes à lunch")
        template = self.urls(client)["text/html"]
        response = client.get(path(template.replace("{searchTerms}", quote("boîte à lunch"))))
        assert [card["name"] for card in response.context["cards"]] == ["Première"]

    def test_its_suggestions_are_those_of_the_site(self, three, client):
        template = self.urls(client)["application/x-suggestions+json"]
        response = client.get(path(template.replace("{searchTerms}", quote("deux"))))
        assert response.headers["Content-Type"] == "application/x-suggestions+json"
        assert response.json() == [
            "deux",
            ["Deuxième"],
            ["Entreprise"],
            [f"http://testserver{three[1].get_absolute_url()}"],
        ]

    def test_a_long_name_is_shortened(self, reference, client, settings):
        settings.SITE_NAME = "Répertoire " * 20
        assert self.urls(client)


class TestSecurityText:
    def fields(self, client):
        response = client.get("/.well-known/security.txt")
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
        return dict(line.split(": ", 1) for line in response.content.decode().splitlines())

    def test_it_holds_what_its_standard_wants(self, client, settings):
        settings.SITE_URL = SITE
        settings.SECURITY_CONTACT = "mailto:securite@pole.example"
        fields = self.fields(client)
        assert fields["Contact"] == "mailto:securite@pole.example"
        assert fields["Preferred-Languages"] == "fr, en"
        assert fields["Canonical"] == f"{SITE}/.well-known/security.txt"

    def test_it_never_expires_nor_lasts_a_year(self, client):
        expires = datetime.fromisoformat(self.fields(client)["Expires"])
        now = datetime.now(UTC)
        assert now + timedelta(days=100) < expires < now + timedelta(days=365)

    def test_it_is_the_same_all_day(self, client):
        first = client.get("/.well-known/security.txt")
        kept = {"if-none-match": first.headers["ETag"]}
        assert client.get("/.well-known/security.txt", headers=kept).status_code == 304


class TestTheAddressOfAPage:
    def head(self, client, address, status=200):
        response = client.get(address)
        assert response.status_code == status
        page = response.content.decode()
        canonical = re.findall('<link rel="canonical" href="([^"]+)">', page)
        robots = re.findall('<meta name="robots" content="([^"]+)">', page)
        shared = dict(
            re.findall('<meta (?:name="description" )?property="og:(\\w+)" content="([^"]*)"', page)
        )
        return canonical, robots, shared

    def test_is_without_parameters_and_on_the_name_of_the_site(self, three, client, settings):
        settings.SITE_URL = SITE
        for address in ("/", "/entreprises/", three[0].get_absolute_url(), "/regions/"):
            canonical, robots, shared = self.head(client, f"{address}?utm_source=x")
            assert canonical == [f"{SITE}{address}"]
            assert robots == []
            assert shared["url"] == f"{SITE}{address}"
            assert shared["title"]
            assert len(shared["description"].strip()) > 10

    @pytest.mark.parametrize(
        "query",
        ["q=traiteur", "ville=longueuil", "reconnue=1", "dessert=laval", "pres=laval", "q=zzz"],
    )
    def test_a_search_is_not_a_page_to_keep(self, query, three, client):
        canonical, robots, _shared = self.head(client, f"/entreprises/?{query}")
        assert (canonical, robots) == ([], ["noindex, follow"])

    def test_a_page_of_news_is_itself(self, reference, client):
        for number in range(31):
            EnterpriseFactory(name=f"Nommée {number}", published=True)
        canonical, _robots, _shared = self.head(client, "/nouveautes/?page=2&x=1")
        assert canonical == ["http://testserver/nouveautes/?page=2"]

    def test_what_is_gone_or_never_was_has_none(self, reference, client):
        gone = EnterpriseFactory(name="Partie", archived=True)
        for address, status in ((gone.get_absolute_url(), 410), ("/nulle-part/", 404)):
            canonical, robots, _shared = self.head(client, address, status)
            assert canonical == []
            assert robots == ["noindex"]

    def test_a_title_is_written_once_for_the_page_and_once_for_sharing(self, reference, client):
        EnterpriseFactory(name='Chez "Elle" & <Lui>', slug="chez", published=True)
        page = client.get("/entreprises/chez/").content.decode()
        escaped = "Chez &quot;Elle&quot; &amp; &lt;Lui&gt;, Longueuil"
        assert f'property="og:title" content="{escaped}">' in page
        assert f"<title>{escaped} –" in page
