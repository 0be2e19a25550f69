from datetime import UTC, date, datetime, time

import pytest
from django.forms import DateField, DateTimeField, FloatField
from django.template import engines
from django.utils import timezone as django_timezone
from django.utils import translation


def shown(template, **context):
    return engines["django"].from_string("{% load l10n %}" + template).render(context)


@pytest.mark.parametrize(
    ("template", "value", "text"),
    [
        ("{{ value|date }}", date(2026, 11, 22), "22\xa0novembre\xa02026"),
        ("{{ value|time }}", time(18, 6), "18\xa0h\xa006"),
        ("{{ value|time }}", time(8, 5), "8\xa0h\xa005"),
        ("{{ value|date:'SHORT_DATE_FORMAT' }}", date(2026, 1, 2), "2026-01-02"),
        ("{{ value|date:'YEAR_MONTH_FORMAT' }}", date(2026, 8, 1), "août 2026"),
        ("{{ value }}", date(2026, 11, 22), "22\xa0novembre\xa02026"),
        ("{{ value|floatformat:'g' }}", 1234567, "1\xa0234\xa0567"),
        ("{{ value|floatformat:1 }}", 2.5, "2,5"),
    ],
)
def test_dates_and_numbers_are_written_as_in_quebec(template, value, text):
    assert shown(template, value=value) == text


def test_an_instant_is_shown_at_the_hour_of_montreal():
    winter = datetime(2026, 11, 22, 23, 6, tzinfo=UTC)
    summer = datetime(2026, 7, 1, 22, 6, tzinfo=UTC)
    assert shown("{{ value }}", value=winter) == "22\xa0novembre\xa02026, 18\xa0h\xa006"
    assert shown("{{ value }}", value=summer) == "1er\xa0juillet\xa02026, 18\xa0h\xa006"


@pytest.mark.parametrize("written", ["2026-11-22", "22-11-2026", "22/11/2026"])
def test_a_date_is_read_as_people_write_it(written):
    assert DateField().clean(written) == date(2026, 11, 22)


@pytest.mark.parametrize("written", ["0000-00-00", "2026-02-30", "9999-13-01", "hier", "٣", "1e3"])
def test_a_date_that_is_none_is_a_mistake_in_the_form(written):
    from django.core.exceptions import ValidationError

    with pytest.raises(ValidationError):
        DateField().clean(written)


def test_the_hour_that_daylight_saving_skips_is_a_mistake_in_the_form():
    from django.core.exceptions import ValidationError

    with pytest.raises(ValidationError):
        DateTimeField().clean("2026-03-08 02:30")


def test_a_decimal_has_a_comma():
    assert FloatField(localize=True).clean("2,5") == 2.5


def test_the_site_lives_at_montreal_in_french():
    assert django_timezone.get_default_timezone_name() == "America/Toronto"
    assert translation.get_language() == "fr-ca"
