"""In French, none is singular and the first of a month is « 1er », whoever writes it."""

from datetime import date, datetime

import pytest
from django.template import Context, Template
from django.utils.formats import localize
from django.utils.translation import ngettext, ngettext_lazy, npgettext

from directory import wording

SHOWN = Template(
    "{% load i18n %}{% blocktranslate count n=n %}{{ n }} fiche{% plural %}{{ n }} fiches"
    "{% endblocktranslate %}"
)


@pytest.mark.parametrize(("n", "said"), [(0, "0 fiche"), (1, "1 fiche"), (2, "2 fiches")])
def test_none_and_one_are_singular(n, said):
    assert SHOWN.render(Context({"n": n})) == said
    assert ngettext("%(n)d fiche", "%(n)d fiches", n) % {"n": n} == said
    assert npgettext("compte", "%(n)d fiche", "%(n)d fiches", n) % {"n": n} == said
    assert f"{n} {ngettext_lazy('fiche', 'fiches') % n}" == said


def test_what_django_says_is_still_its_own():
    assert ngettext("%(counter)s result", "%(counter)s results", 0) == "%(counter)s résultat"


def test_a_date_is_written_one_way_by_templates_the_admin_and_the_code():
    first, moment = date(2026, 8, 1), datetime(2026, 8, 1, 6, 53)
    assert wording.day(first) == localize(first) == "1er\xa0août\xa02026"
    assert wording.day(date(2026, 8, 11)) == "11\xa0août\xa02026"
    assert localize(moment) == "1er\xa0août\xa02026, 6\xa0h\xa053"
    shown = Template('{{ moment|date:"DATETIME_FORMAT" }}, {{ moment|date:"F Y" }}')
    assert shown.render(Context({"moment": moment})) == f"{localize(moment)}, août 2026"
