"""In French, none is singular: for the strings of the site and for those of Django."""

import pytest
from django.template import Context, Template
from django.utils.translation import ngettext, ngettext_lazy, npgettext

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
