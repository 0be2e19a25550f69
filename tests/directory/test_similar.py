"""What is proposed beside a profile, and that finding it costs as little in a large directory."""

import json
from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from directory import similar, state
from directory.models import City, Listing
from directory.profile import profiles
from directory.transactions import long_transaction
from tests.factories import (
    EnterpriseFactory,
    OfferingFactory,
    PurchasingCategoryFactory,
    SectorFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def caterer(reference):
    """Makes an enterprise that offers lunches, unless told otherwise."""

    def made(slug, *offerings, city="58227", category="g16", sectors=("alimentation",), **fields):
        enterprise = EnterpriseFactory(
            **{
                "name": slug.capitalize(),
                "slug": slug,
                "published": True,
                "city": City.objects.get(code=city),
                "sectors": [SectorFactory(slug=name) for name in sectors],
            }
            | fields
        )
        for name in offerings or ["Boîtes à lunch pour réunions", "Buffets froids"]:
            OfferingFactory(
                enterprise=enterprise,
                name=name,
                category=category and PurchasingCategoryFactory(slug=category),
            )
        return enterprise

    return made


def found(enterprise):
    connection.check_constraints()
    row = profiles().get(pk=enterprise.pk)
    return [card["slug"] for card in similar.similar(row, state.current())]


def test_those_of_the_same_trade_nearby_are_proposed_and_never_itself(caterer):
    one = caterer("une")
    caterer("deux")
    caterer("trois", city="58007")  # Brossard, next door
    assert sorted(found(one)) == ["deux", "trois"]


def test_it_is_what_they_offer_that_brings_them_together(caterer):
    one = caterer("une")
    caterer("traduction", "Traduction de documents", "Révision de textes")
    caterer("menage", "Boîtes à lunch pour réunions", category="s1")
    assert found(one) == []


def test_the_closest_come_first(caterer):
    one = caterer("une", "Boîtes à lunch", "Buffets froids", "Cocktails")
    caterer("presque", "Boîtes à lunch", "Buffets froids", "Gâteaux")
    caterer("pareille", "Boîte à lunch", "Buffet froid", "Cocktail")
    caterer("peu", "Buffets chauds et repas du midi livrés", "Café", "Vaisselle")
    assert found(one)[:2] == ["pareille", "presque"]


def test_a_far_one_is_proposed_only_if_it_serves_the_city(caterer):
    one = caterer("une")
    caterer("gaspesie", city="03005")
    assert found(one) == []
    everywhere = caterer("partout", city="03005", serves_province=True)
    assert found(one) == ["partout"]
    everywhere.serves_province = False
    everywhere.save()
    assert found(one) == []
    everywhere.served_cities.add(one.city)
    assert found(one) == ["partout"]


def test_without_a_category_its_sector_and_its_words_do(caterer):
    one = caterer("une", category=None)
    caterer("deux", category=None)
    caterer("autre", category=None, sectors=["arts-culture-medias"])
    assert found(one) == ["deux"]
    assert found(caterer("rien", category=None, sectors=[])) == []


@pytest.mark.parametrize(
    "hidden", [{"published": False}, {"published": False, "archived": True}], ids=["draft", "gone"]
)
def test_what_is_not_published_is_never_proposed(hidden, caterer, client):
    one = caterer("une")
    other = caterer("canari", **hidden)
    assert found(one) == []
    html = client.get(one.get_absolute_url()).content.decode()
    assert other.name not in html
    assert "Entreprises semblables" not in html


def test_four_at_most_and_the_order_of_equals_changes_with_the_day(caterer, monkeypatch):
    one = caterer("une")
    for number in range(30):
        caterer(f"autre-{number}")
    shown = set()
    for day in range(12):
        monkeypatch.setattr(similar, "starting_point", lambda _today, day=day: (day * 0.618034) % 1)
        proposed = found(one)
        assert len(proposed) == 4
        shown |= set(proposed)
    assert len(shown) > 15  # all are equal: none is favoured


def test_the_page_shows_them_in_one_more_statement(caterer, client):
    one = caterer("une")
    for number in range(6):
        caterer(f"autre-{number}")
    connection.check_constraints()
    client.get(one.get_absolute_url())
    with CaptureQueriesContext(connection) as queries:
        response = client.get(one.get_absolute_url())
    asked = [q["sql"] for q in queries if not q["sql"].startswith("SET CONSTRAINTS")]
    assert len(asked) == 3, asked
    assert len(response.context["similar"]) == 4
    assert "Entreprises semblables" in response.content.decode()
    state.forget()
    with CaptureQueriesContext(connection) as queries:
        client.get(one.get_absolute_url())
    asked = [q["sql"] for q in queries if not q["sql"].startswith("SET CONSTRAINTS")]
    assert len(asked) == 3, asked


# --- In a large directory

#: Listings of a directory large enough to show what does not scale, small enough for a test.
MANY = 30_000


@pytest.fixture
def crowd(caterer):
    """Many listings in the cities of the province and in 60 categories, without what is behind
    them; two of them are those of a caterer."""
    one = caterer("une")
    caterer("deux")
    connection.check_constraints()
    with long_transaction(), connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO directory_listing (enterprise_id, sort_name, search, keywords, facets,
                territory, statuses, statuses_until, published_on, latitude, longitude, position,
                card)
            SELECT 1000000 + n, 'x' || n, '', l.keywords,
                ARRAY[1000001 + n %% 11, 2000000 + c.region, 3000000 + c.county, 4000000 + c.id,
                      5000001, 7000000 + k.first + n %% k.number, 7000000 + k.first + n %% 2],
                ARRAY[4000000 + c.id], '{}', '{}', current_date, c.latitude, c.longitude, random(),
                l.card
            FROM generate_series(1, %s) n
            CROSS JOIN (SELECT min(id)::integer AS first, count(*)::integer AS number
                        FROM directory_purchasingcategory) k
            CROSS JOIN (SELECT * FROM directory_listing WHERE enterprise_id = %s) l
            CROSS JOIN LATERAL (
                SELECT c.id::integer, c.latitude, c.longitude, m.id::integer AS county,
                    m.region_id::integer AS region
                FROM directory_city c JOIN directory_regionalcounty m ON m.id = c.county_id
                -- A third of them in Montréal, as in life.
                WHERE c.code = CASE WHEN n %% 3 = 0 THEN '66023' ELSE '58227' END LIMIT 1
            ) c""",
            [MANY, one.pk],
        )
        cursor.execute("ANALYZE directory_listing")
    state.forget()
    return one


def plan(enterprise):
    """The nodes of the plan as run, those under them included."""
    row = profiles().get(pk=enterprise.pk)
    current = state.current()
    assert current.whole.total > MANY
    statements = []

    def explain(execute, sql, params, many, context):
        if "alike" in sql:
            statements.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        similar.similar(row, state.current())
    ((sql, params),) = statements
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
        (answer,) = cursor.fetchone()
    answer = json.loads(answer) if isinstance(answer, str) else answer
    nodes, waiting = [], [answer[0]["Plan"]]
    while waiting:
        node = waiting.pop()
        nodes.append(node)
        waiting += node.get("Plans", [])
    return nodes


def test_it_reads_no_more_of_a_large_directory_than_it_says(crowd):
    nodes = plan(crowd)
    kinds = {node["Node Type"] for node in nodes if node.get("Relation Name")}
    assert "Seq Scan" not in kinds, kinds
    assert {"listing_facets"} <= {node.get("Index Name") for node in nodes}
    for node in nodes:
        if node.get("Relation Name") == "directory_listing":
            assert node["Actual Rows"] * node["Actual Loops"] <= similar.READ, node
    assert Listing.objects.count() > MANY


def test_the_place_narrows_as_the_directory_grows(caterer):
    """Where a trade is rare everyone is looked at; where it is not, the region, the city."""
    row = profiles().get(pk=caterer("une").pk)
    current = state.current()
    city = current.labels.city(row.city_id)
    few, many = 7_999_998, 7_999_999
    counted = {few: 3, many: 50_000, city.region: 40_000, city.county: 3_900, city.code: 1_000}

    def counting(counts):
        return replace(current, version=1, snapshot=state.Snapshot(total=100_000, counts=counts))

    large = counting(counted)
    assert similar._alike([few], city, large).params == [[few]]
    assert similar._alike([many], city, large).params == [[many], [city.county]]
    assert similar._alike([many, few], city, large).params == [[many, few], [city.county]]
    crowded = counted | {city.region: 90_000, city.county: 90_000, city.code: 80_000}
    huge = counting(crowded)
    assert similar._alike([many, few], city, huge).params == [[few], [city.code]]
    crowded_trade = counting(crowded | {few: 60_000})
    walk = similar._alike([few], city, crowded_trade)
    assert walk.params[:2] == [[few], [city.code]]
    assert "ORDER BY position" in walk.sql
