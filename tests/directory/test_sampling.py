"""A large directory, as far as answers go: what is large is told from a much smaller number."""

import math
from dataclasses import replace

import pytest
from django.db import connection
from django.http import QueryDict

from directory import criteria, results, sampling, state
from directory.conditions import starting_point
from directory.facets import Dimension
from directory.filters import EnterpriseFilter
from directory.models import Enterprise
from directory.sampling import Sample
from tests import demonstration

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def directory_of_many(reference_kept, django_db_blocker):
    yield from demonstration.lasting(django_db_blocker, write_many)


def write_many():
    demonstration.write(600, seed="grand", cities=["58227", "58007", "58033"])
    connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE directory_listing")


@pytest.fixture
def sampled(directory_of_many, as_large, monkeypatch):
    """A directory whose every sample is small."""
    monkeypatch.setattr(sampling, "ALL_UP_TO", 80)
    monkeypatch.setattr(sampling, "SAMPLE", 60)
    monkeypatch.setattr(sampling, "SAMPLE_OF_MISSES", 60)
    monkeypatch.setattr(sampling, "TOO_FEW", 20)
    monkeypatch.setattr(criteria, "RANKED", 40)
    as_large()


@pytest.fixture
def large(sampled, as_large):
    """Ask as a large directory answers, and as a small one would, to compare."""

    def ask(query):
        answers = []
        for most in (100, 50_000):
            as_large(most)
            current = state.current()
            asked = EnterpriseFilter(QueryDict(query), current.labels).criteria
            answers.append(results.find(asked, current))
        return answers

    return ask


def slugs(found):
    return [row["card"]["slug"] for row in found.rows]


FREQUENT = [
    "forme=npo",
    "dessert=longueuil",
    "pres=longueuil&rayon=25&tri=rotation",
    "reconnue=1",
]


@pytest.mark.parametrize("query", FREQUENT)
def test_many_matches_are_estimated_and_their_first_page_is_the_same(large, query):
    sampled, exact = large(query)
    assert exact.exact_counts
    assert not sampled.exact_counts
    assert 0.5 < sampled.total / exact.total < 2
    # The order of the day is followed to the letter: only counts are estimates.
    assert slugs(sampled) == slugs(exact)


@pytest.mark.parametrize("passed_over", [0, 1e9], ids=["followed", "gathered"])
@pytest.mark.parametrize("order", ["nom", "recent"])
@pytest.mark.parametrize("query", ["forme=npo", "ville=longueuil&forme=npo", "q=service"])
def test_an_order_that_an_index_follows_is_that_of_all_matches(
    large, query, order, passed_over, monkeypatch
):
    monkeypatch.setattr(sampling, "PASSED_OVER", passed_over)
    monkeypatch.setattr(sampling, "PASSED_OVER_FOR_WORDS", passed_over)
    sampled, exact = large(f"{query}&tri={order}&page=2")
    assert not sampled.exact_counts
    assert slugs(sampled) == slugs(exact) != []


def test_the_nearest_are_the_nearest_of_all(large):
    sampled, exact = large("pres=longueuil&rayon=100")
    assert not sampled.exact
    assert slugs(sampled) == slugs(exact)
    assert sampled.rows[0]["distance"] <= sampled.rows[-1]["distance"]


def test_where_fewer_are_that_near_than_expected_one_looks_further(large, monkeypatch):
    monkeypatch.setattr(Sample, "radius", lambda sample, radius, needed: 0.01)
    sampled, exact = large("pres=longueuil&rayon=100")
    assert slugs(sampled) == slugs(exact)


def test_a_program_reads_long_pages_to_the_last(sampled, client, as_large):
    paths, asked = [], "/entreprises.json?dessert=longueuil&taille=100"
    as_large(50_000)
    whole = client.get(asked).json()["total"]
    assert whole > 400
    as_large()
    for page in range(1, math.ceil(whole / 100) + 1):
        answer = client.get(f"{asked}&page={page}").json()
        assert 0.5 < answer["total"] / whole < 2
        paths += [row["url"] for row in answer["results"]]
    assert len(paths) == len(set(paths)) == whole


def overestimated(monkeypatch):
    """The planner expects twice as many as there are."""
    draw = sampling.draw

    def wrongly(*args):
        right = draw(*args)
        return replace(right, share=right.share / 2, estimate=2 * right.estimate)

    monkeypatch.setattr(sampling, "draw", wrongly)


def test_pages_of_what_is_ranked_repeat_no_listing_where_more_were_expected(large, monkeypatch):
    overestimated(monkeypatch)
    pages = [large(f"q=service&page={page}")[0] for page in (1, 2)]
    found = [slug for page in pages for slug in slugs(page)]
    assert len(found) == len(set(found)) == 40
    assert pages[0].total == pages[1].total


@pytest.mark.parametrize("order", ["nom", "recent", "proximite"])
def test_an_order_that_an_index_follows_needs_no_larger_sample_for_a_late_page(order):
    near = {"near": object()} if order == "proximite" else {}
    late = criteria.Criteria(sort=order, page=50, size=100, **near)
    assert sampling.size_for(late) == sampling.size_for(replace(late, page=1))


def test_where_fewer_are_near_one_looks_further_after_a_sample_drawn_again_too(large, monkeypatch):
    monkeypatch.setattr(Sample, "radius", lambda sample, radius, needed: 0.01)
    drawn_again = []
    again = Sample.of_enough
    monkeypatch.setattr(
        Sample, "of_enough", lambda *args: drawn_again.append(again(*args)) or drawn_again[-1]
    )
    monkeypatch.setattr(
        sampling, "draw", lambda where, start, size: Sample(start, 0.025, estimate=2_400)
    )
    sampled, exact = large("pres=longueuil&rayon=100")
    assert isinstance(drawn_again[0], Sample)
    assert slugs(sampled) == slugs(exact)


def test_a_word_ranks_what_the_sample_holds(large):
    sampled, exact = large("q=service")
    assert not sampled.exact
    assert len(sampled.rows) == 20
    assert 0.5 < sampled.total / exact.total < 2


def test_an_enterprise_of_just_the_name_typed_comes_first_wherever_it_stands(large):
    current = state.current()
    start = starting_point(current.today)
    Enterprise.objects.filter(state="published", legal_form="npo").update(mission="Service")
    named = Enterprise.objects.filter(state="published", legal_form="npo").last()
    Enterprise.objects.filter(pk=named.pk).update(name="Service")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE directory_listing SET position = %s WHERE enterprise_id = %s",
            [(start + 0.999) % 1, named.pk],
        )
        cursor.execute("ANALYZE directory_listing")
    sampled, _ = large("q=service")
    assert not sampled.exact
    assert slugs(sampled)[0] == named.slug


def test_how_many_bear_one_value_is_known_from_the_counts_of_the_whole(large):
    sampled, exact = large("forme=npo")
    assert sampled.exact
    assert sampled.total == exact.total


def test_few_matches_are_all_counted(large):
    sampled, exact = large("secteur=habitation&ville=brossard&q=logement")
    assert sampled.exact
    assert (sampled.total, slugs(sampled)) == (exact.total, slugs(exact))


@pytest.mark.parametrize("small_share", [0, 1])
def test_few_matches_of_frequent_values_are_exact_and_the_other_values_estimated(
    large, small_share, monkeypatch
):
    """Whichever way the near misses are read."""
    monkeypatch.setattr(sampling, "SMALL_SHARE", small_share)
    current = state.current()
    sampled, exact = large("secteur=habitation&forme=npo")
    assert sampled.exact
    assert not sampled.exact_counts
    assert (sampled.total, slugs(sampled)) == (exact.total, slugs(exact))
    # What both facets keep is counted to the last one; the other sectors are estimated.
    here = current.labels.by_key[Dimension.CITY]["longueuil"].code
    assert sampled.counts[here] == pytest.approx(exact.counts[here], rel=0.1)
    others = [label.code for label in current.labels.of(Dimension.SECTOR)]
    others.remove(current.labels.by_key[Dimension.SECTOR]["habitation"].code)
    estimated, true = (
        sum(each.counts.get(code, 0) for code in others) for each in (sampled, exact)
    )
    # Of one value, the few in a sample say little.
    assert 0.5 < estimated / true < 2


def test_an_estimate_of_far_too_many_is_found_out(large, monkeypatch):
    monkeypatch.setattr(
        sampling, "draw", lambda where, start, size: Sample(start, 1e-9, estimate=60_000)
    )
    sampled, exact = large("secteur=habitation")
    assert sampled.exact
    assert (sampled.total, slugs(sampled)) == (exact.total, slugs(exact))


def test_after_an_estimate_of_too_many_a_larger_sample_is_drawn_by_what_the_first_held(
    large, monkeypatch
):
    drawn = []

    def draw(where, start, size):
        drawn.append(Sample(start, 0.025, estimate=2_400))
        return drawn[0]

    monkeypatch.setattr(sampling, "draw", draw)
    sampled, exact = large("forme=npo&forme=coop_solidarity")
    assert not sampled.exact
    assert len(sampled.rows) == 20
    assert 0.5 < sampled.total / exact.total < 2


def test_the_page_says_that_a_count_is_an_estimate(sampled, client):
    page = client.get("/entreprises/?forme=npo&forme=coop_solidarity")
    assert page.context["total_label"].startswith("environ ")
    options = {o["value"]: o["count"] for f in page.context["facets"] for o in f["options"]}
    assert options["alimentation"].startswith("≈")
    answer = client.get("/entreprises.json?forme=npo&forme=coop_solidarity").json()
    assert answer["exact"] is False
    assert client.get("/entreprises.json?forme=npo&ville=brossard&q=zzz").json()["exact"] is True


@pytest.mark.parametrize(
    ("count", "said"), [(0, 0), (0.4, 0), (7, 7), (94, 94), (1_234, 1_200), (98_765, 99_000)]
)
def test_an_estimate_has_two_significant_digits(count, said):
    assert sampling.rounded(count) == said


def test_a_sample_wraps_after_the_last_position():
    assert Sample(0.9, 0.2, 1).where.params == pytest.approx([0.9, 0.1])
    assert Sample(0.5, 0.2, 1).where.params == pytest.approx([0.5, 0.7])
