"""What is new: a page by month, and a feed."""

import re
import xml.etree.ElementTree as ET
from datetime import date, datetime

import pytest
from django.utils import timezone

from directory.models import Enterprise
from directory.views.news import ENTRIES, PAGE_SIZE
from tests.factories import EnterpriseFactory, OfferingFactory
from tests.hostile.corpus import MARKUP, WORDS
from tests.sql import of_pages, recorded_sql

pytestmark = pytest.mark.django_db

ATOM = "{http://www.w3.org/2005/Atom}"
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def enterprise(name, *day, **fields):
    return EnterpriseFactory(name=name, published=True, published_on=date(*day), **fields)


@pytest.fixture
def three(reference):
    return [
        enterprise("Aînée", 2026, 3, 31),
        enterprise("Cadette", 2026, 4, 1),
        enterprise("Benjamine", 2026, 4, 1),
    ]


class TestThePage:
    def test_the_newest_come_first_by_month(self, three, client):
        context = client.get("/nouveautes/").context
        assert [
            (month["name"], [row["name"] for row in month["rows"]]) for month in context["months"]
        ] == [("Avril 2026", ["Benjamine", "Cadette"]), ("Mars 2026", ["Aînée"])]

    def test_drafts_and_archived_enterprises_are_not_news(self, three, client):
        EnterpriseFactory(name="Brouillon", published_on=date(2026, 5, 1))
        EnterpriseFactory(name="Archivée", archived=True)
        for address in ("/nouveautes/", "/nouveautes/atom.xml"):
            page = client.get(address).content.decode()
            assert "Cadette" in page
            assert "Brouillon" not in page
            assert "Archivée" not in page

    def test_pages_follow_one_another_and_lose_nobody(self, reference, client):
        for number in range(PAGE_SIZE + 2):
            enterprise(f"Nommée {number:02d}", 2026, 1, 1 + number % 28)
        first = client.get("/nouveautes/").context
        second = client.get(first["pages"]["next_url"]).context
        names = [
            row["name"]
            for context in (first, second)
            for month in context["months"]
            for row in month["rows"]
        ]
        assert len(names) == len(set(names)) == PAGE_SIZE + 2
        assert second["pages"]["next_url"] == ""
        assert second["pages"]["previous_url"] == "/nouveautes/"

    @pytest.mark.parametrize(
        ("asked", "said"),
        [
            ("abc", "«\xa0abc\xa0» n’est pas un numéro de page\xa0: voici la première."),
            ("0", "«\xa00\xa0» n’est pas un numéro de page\xa0: voici la première."),
            ("٣", "«\xa0٣\xa0» n’est pas un numéro de page\xa0: voici la première."),
            ("2", "La page 2 n’existe pas\xa0: voici la dernière."),
            ("9" * 5, "«\xa099999\xa0» n’est pas un numéro de page\xa0: voici la première."),
            ("", ""),
            ("1", ""),
        ],
    )
    def test_a_page_that_does_not_exist_is_said(self, asked, said, three, client):
        response = client.get("/nouveautes/", {"page": asked})
        assert response.status_code == 200
        assert response.context["notice"] == said
        assert len(response.context["months"]) == 2

    def test_it_takes_two_statements_and_one_once_kept(self, three, client):
        client.get("/")
        with recorded_sql() as statements:
            response = client.get("/nouveautes/")
        assert len(of_pages(statements)) == 2, statements
        with recorded_sql() as statements:
            again = client.get("/nouveautes/", headers={"if-none-match": response.headers["ETag"]})
        assert (again.status_code, len(of_pages(statements))) == (304, 1)

    def test_a_directory_without_enterprises_says_so(self, reference, client):
        page = client.get("/nouveautes/").content.decode()
        assert "Aucune entreprise n’est encore inscrite" in page


@pytest.fixture
def feed(client):
    def read():
        response = client.get("/nouveautes/atom.xml")
        assert response.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
        return ET.fromstring(response.content)

    return read


def said(element, name):
    return element.findtext(f"{ATOM}{name}")


class TestTheFeed:
    def test_it_is_an_atom_feed_in_french_with_its_own_address(self, three, feed):
        root = feed()
        assert root.tag == f"{ATOM}feed"
        assert root.get("{http://www.w3.org/XML/1998/namespace}lang") == "fr-CA"
        links = {link.get("rel"): link.get("href") for link in root.findall(f"{ATOM}link")}
        assert links == {
            "self": "http://testserver/nouveautes/atom.xml",
            "alternate": "http://testserver/nouveautes/",
        }
        assert said(root, "id")
        assert said(root.find(f"{ATOM}author"), "name")

    def test_entries_have_an_id_a_title_a_link_and_dates(self, three, feed, client):
        OfferingFactory(enterprise=three[0], name="Pain & brioches <à la main>")
        root = feed()
        entries = root.findall(f"{ATOM}entry")
        assert [said(entry, "title") for entry in entries] == ["Benjamine", "Cadette", "Aînée"]
        ids = [said(entry, "id") for entry in entries]
        assert len(set(ids)) == 3
        today = timezone.localdate().isoformat()
        assert all(re.fullmatch(rf"tag:testserver,{today}:entreprise/\d+", one) for one in ids)
        for entry in [root, *entries]:
            assert RFC_3339.fullmatch(said(entry, "updated"))
        for entry in entries:
            assert RFC_3339.fullmatch(said(entry, "published"))
            published, updated = (
                datetime.fromisoformat(said(entry, name)) for name in ("published", "updated")
            )
            assert published <= updated
            assert client.get(entry.find(f"{ATOM}link").get("href")).status_code == 200
        # Its text is HTML: escaped twice in the file, once for each reader.
        assert "Pain &amp; brioches &lt;à la main&gt;" in said(entries[2], "summary")

    def test_an_id_outlives_the_name_the_address_and_the_date(self, three, feed):
        before = {said(entry, "id") for entry in feed().findall(f"{ATOM}entry")}
        Enterprise.objects.filter(pk=three[0].pk).update(
            name="Doyenne", slug="doyenne", published_on=date(2026, 6, 1)
        )
        entries = feed().findall(f"{ATOM}entry")
        assert said(entries[0], "title") == "Doyenne"
        assert {said(entry, "id") for entry in entries} == before

    def test_it_says_when_nothing_changed(self, three, client):
        first = client.get("/nouveautes/atom.xml")
        kept = {"if-none-match": first.headers["ETag"]}
        assert client.get("/nouveautes/atom.xml", headers=kept).status_code == 304
        enterprise("Nouvelle", 2026, 5, 1)
        assert client.get("/nouveautes/atom.xml", headers=kept).status_code == 200

    def test_it_takes_two_statements(self, three, client):
        client.get("/")
        with recorded_sql() as statements:
            client.get("/nouveautes/atom.xml")
        assert len(of_pages(statements)) == 2, statements

    def test_it_ends_somewhere(self, reference, feed):
        for number in range(ENTRIES + 1):
            enterprise(f"Nommée {number}", 2026, 1, 1)
        assert len(feed().findall(f"{ATOM}entry")) == ENTRIES

    def test_characters_that_xml_cannot_hold_are_left_out(self, reference, feed):
        enterprise("Cloche\x07 et\x1b échappée\uffff", 2026, 1, 1, slug="cloche")
        (entry,) = feed().findall(f"{ATOM}entry")
        assert said(entry, "title") == "Cloche  et  échappée "

    def test_no_name_nor_offering_breaks_it(self, reference, feed):
        words = [word.strip() for word in [*MARKUP, *WORDS] if len(word) <= 160]
        names = [word for word in words if word and word.isprintable()][:ENTRIES]
        assert len(names) > 30
        for number, name in enumerate(names):
            row = enterprise(name, 2026, 1, 1, slug=f"attaque-{number}")
            OfferingFactory(enterprise=row, name=name)
        titles = {said(entry, "title") for entry in feed().findall(f"{ATOM}entry")}
        assert titles == set(names)

    def test_it_gives_the_address_of_the_site_whatever_name_was_used(self, three, feed, settings):
        settings.SITE_URL = "https://www.repertoire.example"
        root = feed()
        for link in root.iter(f"{ATOM}link"):
            assert link.get("href").startswith("https://www.repertoire.example/")
        (first, *_others) = root.findall(f"{ATOM}entry")
        assert said(first, "id").startswith("tag:www.repertoire.example,")

    def test_pages_say_where_it_is(self, reference, client):
        for address in ("/", "/nouveautes/"):
            page = client.get(address).content.decode()
            found = re.search('type="application/atom.xml" [^>]*href="([^"]+)"', page)
            assert found[1] == "/nouveautes/atom.xml"
