"""Who said each field, and who prevails over whom."""

import pytest

from directory import provenance
from directory.models import Enterprise
from tests.factories import EnterpriseFactory

OWNER, STAFF, IMPORT = Enterprise.Source.OWNER, Enterprise.Source.STAFF, Enterprise.Source.IMPORT


@pytest.mark.parametrize(
    ("said", "kept", "prevails"),
    [
        (OWNER, "450", OWNER),
        (STAFF, "450", STAFF),
        # A person may also have said that there is none.
        (STAFF, "", STAFF),
        (IMPORT, "450", None),
        (IMPORT, "", None),
        # Of what has no known source, a person wrote what is there.
        (None, "450", ""),
        (None, 0, ""),
        *((None, empty, None) for empty in (None, "", (), False)),
    ],
)
def test_a_file_gives_way_to_people(said, kept, prevails):
    sources = {"phone": said} if said else {}
    assert provenance.prevailing(sources, "phone", kept) == prevails


@pytest.mark.parametrize(
    ("field", "name"),
    [("borough", "city"), ("longitude", "latitude"), ("external_ids", "akcelos"), ("neq", "neq")],
)
def test_what_is_said_together_has_one_source(field, name):
    assert provenance.said_with(field) == name


def test_a_source_is_added_to_those_known_in_one_statement(reference, django_assert_num_queries):
    first = EnterpriseFactory(name="Une", provenance={"neq": OWNER, "phone": OWNER})
    second = EnterpriseFactory(name="Deux")
    other = EnterpriseFactory(name="Autre", provenance={"neq": OWNER})
    with django_assert_num_queries(1):
        provenance.mark(
            Enterprise.objects.filter(pk__in=[first.pk, second.pk]), ["phone", "email"], STAFF
        )
    for row in (first, second, other):
        row.refresh_from_db()
    assert first.provenance == {"neq": OWNER, "phone": STAFF, "email": STAFF}
    assert second.provenance == {"phone": STAFF, "email": STAFF}
    assert other.provenance == {"neq": OWNER}
