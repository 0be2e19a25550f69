"""How complete a listing is, and what its owner is told to add first."""

import itertools
from datetime import date

import pytest

from directory import chores, completeness, sections
from directory.completeness import PARTS, measure
from directory.models import Enterprise, Section

NOTHING = {
    name: [] if name in {*sections.ROWS, *sections.MANY, "other_names", "languages"} else ""
    for name in sections.SECTION_OF
}
ROW = {"id": 1, "expires_on": None}


def test_the_weights_add_up_to_a_hundred_and_name_sections():
    assert sum(part.weight for part in PARTS) == 100
    assert {part.section for part in PARTS} <= set(Section.values)


def test_an_empty_listing_is_complete_at_nothing_and_a_full_one_at_all():
    empty = measure(NOTHING)
    assert (empty.percent, len(empty.missing)) == (0, len(PARTS))
    full = dict.fromkeys(NOTHING, "oui") | {
        "offerings": [{"category": "G15"}],
        "contacts": [{"email": "a@exemple.test", "phone": ""}],
        "benefits": [{"evidence": "Douze"}],
    }
    assert measure(full) == completeness.Completeness(100, [])


def test_the_weightiest_is_asked_for_first():
    weights = [part.weight for part in measure(NOTHING).missing]
    assert weights == sorted(weights, reverse=True)
    assert "produit ou service" in str(measure(NOTHING).missing[0].advice)


def test_each_thing_said_counts_for_its_weight():
    said = NOTHING | {"offerings": [{"category": None}], "phone": "+14505550123"}
    assert measure(said).percent == 32
    said["offerings"] = [{"category": "G15"}, {"category": None}]
    assert measure(said).percent == 32  # all of them are to be classed
    said["offerings"] = [{"category": "G15"}]
    assert measure(said).percent == 40


def test_a_new_listing_can_be_measured(enterprise, reference):
    measured = measure(sections.present_all(Enterprise.objects.get(pk=enterprise.pk)))
    assert 0 <= measured.percent < 50


# --- What there is to do this month

FULL = completeness.Completeness(100, [])
TODAY = date(2026, 8, 24)


def todo(**given):
    asked = {"due_on": None, "said": NOTHING, "measured": FULL, "drafts": [], "today": TODAY}
    return chores.this_month(**(asked | given))


def test_most_months_there_is_nothing():
    assert todo() == todo(due_on=date(2026, 9, 1)) == []


@pytest.mark.parametrize("due_on", [date(2025, 1, 1), TODAY, date(2026, 8, 31)])
def test_a_listing_due_before_the_month_ends_is_to_be_confirmed(due_on):
    assert [chore.section for chore in todo(due_on=due_on)] == [None]


@pytest.mark.parametrize(
    ("until", "said"),
    [
        ("2026-08-23", "a expiré"),
        ("2026-08-24", "expire le"),
        ("2026-08-31", "expire le"),
        ("2026-09-01", ""),
    ],
)
def test_what_expires_is_to_be_renewed(until, said):
    permit = ROW | {"kind": "RBQ", "number": "1", "expires_on": until}
    status = ROW | {"issuer": "CSMO", "number": "2", "expires_on": until}
    for rows, word in (({"permits": [permit]}, "RBQ"), ({"certifications": [status]}, "CSMO")):
        found = todo(said=NOTHING | rows)
        assert len(found) == bool(said)
        for chore in found:
            assert said in chore.text
            assert word in chore.text
            assert chore.section == Section.CAPACITY


def test_what_was_begun_is_to_be_finished_and_essentials_to_be_added():
    sections_said = [chore.section for chore in todo(drafts=["places"], measured=measure(NOTHING))]
    assert sections_said[0] == "places"
    assert set(sections_said[1:]) == {"offerings", "contacts", "identity"}


def test_every_month_ends_where_it_should():
    ends = {2: 28, 4: 30, 12: 31}
    for (month, end), day in itertools.product(ends.items(), (1, 15)):
        today = date(2026, month, day)
        assert todo(due_on=date(2026, month, end), today=today)
        assert not todo(due_on=date(2026 + month // 12, month % 12 + 1, 1), today=today)
