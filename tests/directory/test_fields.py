import pytest
from django.core.exceptions import ValidationError

from directory.editing import fields
from directory.forms import LineField
from tests.factories import EnterpriseFactory


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "typed", "kept"),
    [
        ("neq", "1123 669 021", "1123669021"),
        ("neq", "1123-669-021", "1123669021"),
        ("phone", "450 555-0123", "+14505550123"),
        ("phone", "(450) 555.0123", "+14505550123"),
        ("phone", "1 450 555-0123", "+14505550123"),
        ("phone", "+14505550123", "+14505550123"),
        ("postal_code", "j4z1a1", "J4Z 1A1"),
        ("postal_code", " J4Z  1A1 ", "J4Z 1A1"),
    ],
)
def test_a_number_is_kept_in_one_form_however_it_is_typed(field, typed, kept):
    enterprise = EnterpriseFactory.build(
        city=EnterpriseFactory().city, slug="autre", **{field: typed}
    )
    enterprise.full_clean()
    assert getattr(enterprise, field) == kept


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "typed"),
    [("neq", "112366902"), ("phone", "555-0123"), ("phone", "appelez-moi"), ("postal_code", "J4Z")],
)
def test_what_is_no_such_number_is_refused_beside_its_field(field, typed):
    enterprise = EnterpriseFactory.build(
        city=EnterpriseFactory().city, slug="autre", **{field: typed}
    )
    with pytest.raises(ValidationError) as error:
        enterprise.full_clean()
    assert list(error.value.message_dict) == [field]


def test_what_no_reader_sees_is_left_out_of_what_is_typed():
    unseen = "\x07\x1b\ufffe\u202e"
    assert LineField().clean(f" A{unseen}da \u2028 L. ") == "Ada L."
    assert fields.text_field("").clean(f"Un{unseen}\r\ndeux") == "Un\ndeux"
    assert fields.site_field().clean(f"exemple.org/{unseen}a") == "https://exemple.org/a"
    assert fields.TextsField(longest=9).clean(f"Un,{unseen}deux") == ["Un", "deux"]
    with pytest.raises(ValidationError):
        LineField().clean("A\0da")
