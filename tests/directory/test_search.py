"""The query language: what is understood of what people type, and that nothing breaks it."""

import itertools
import re
import unicodedata

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from directory import search
from directory.search import (
    Group,
    Query,
    Term,
    Town,
    fold,
    locate,
    normalise,
    parse,
    synonym_key,
    widen,
    written,
)


def sql(expression, *params):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {expression}", params)
        return cursor.fetchone()[0]


def lexemes(text):
    return sql(f"to_tsvector({search.CONFIGURATION}, public.normalise(%s))::text", text)


@pytest.mark.django_db
def test_fold_is_the_same_in_python_and_in_the_database_for_every_character():
    # Those that Python's edition of Unicode knows; NUL and surrogates cannot be stored.
    characters = [
        chr(number)
        for number in itertools.chain(range(1, 0xD800), range(0xE000, 0x10000))
        if unicodedata.category(chr(number)) != "Cn"
    ]
    folded = sql(
        "(SELECT array_agg(public.fold(x) ORDER BY n)"
        " FROM unnest(%s::text[]) WITH ORDINALITY u (x, n))",
        characters,
    )
    assert folded == [fold(character) for character in characters]


@pytest.mark.django_db
@settings(max_examples=300, deadline=None)
@given(
    st.text(
        st.one_of(
            st.sampled_from("aelixsuœÉ’- '\"\\%_.&|!()<>:*été"),
            st.characters(max_codepoint=0x36F, exclude_characters="\0"),
            st.sampled_from("–—\u202f\u200b\u202e\ufeff日本ᐃᓄᒃمرحبا🚲"),
        ),
        max_size=60,
    )
)
def test_normalise_is_the_same_in_python_and_in_the_database(text):
    assert normalise(text) == sql("public.normalise(%s)", text)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Œuvre d’Été", "oeuvre d'ete"),
        ("CŒUR À NU", "coeur a nu"),
        ("Lætitia", "laetitia"),
        ("e\u0301te\u0301", "ete"),
        ("24\u00a0h", "24 h"),
        ("Saint\u2010Jean", "saint-jean"),
    ],
)
def test_folding_takes_away_what_people_leave_out(text, folded):
    assert fold(text) == folded


PAIRS = [
    ("ménager", "ménagers"), ("ménager", "ménagère"), ("ménager", "ménagères"), ("vélo", "vélos"),
    ("jeu", "jeux"), ("travail", "travaux"), ("matériel", "matériaux"), ("local", "locaux"),
    ("municipal", "municipaux"), ("bureau", "bureaux"), ("tableau", "tableaux"),
    ("tuyau", "tuyaux"), ("vitrail", "vitraux"), ("imprimé", "imprimée"), ("imprimé", "imprimés"),
    ("impression", "impressions"), ("entretien", "entretiens"), ("déneigement", "deneigement"),
    ("œuvre", "oeuvre"), ("traiteur", "traiteurs"), ("boîte", "boites"), ("école", "ecoles"),
    ("santé", "sante"), ("créneau", "créneaux"), ("journal", "journaux"), ("canal", "canaux"),
    ("événement", "evenements"), ("alimentaire", "alimentaires"), ("usagé", "usagés"),
    ("usagée", "usagées"), ("bail", "bails"), ("détail", "détails"), ("noyau", "noyaux"),
    ("social", "sociaux"), ("hôpital", "hôpitaux"), ("animal", "animaux"), ("cadeau", "cadeaux"),
]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_plurals_feminines_and_missing_accents_meet(one, other):
    assert lexemes(one) == lexemes(other)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("one", "other"),
    [("chat", "chaton"), ("bois", "boisson"), ("mail", "mal"), ("port", "porc")],
)
def test_words_that_only_look_alike_stay_apart(one, other):
    assert lexemes(one) != lexemes(other)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "typed", "found"),
    [
        ("aide à domicile", "aide domicile", True),
        ("aide domicile", "aide à domicile", True),
        ("aide à domicile", '"aide à domicile"', True),
        ("aide à domicile", '"aide domicile"', False),
        ("entretien de l’immeuble", "l'entretien immeuble", True),
        ("traiteur pour réunions", "traiteur -réunion", False),
        ("traiteur pour mariages", "traiteur -réunion", True),
        ("cantine mobile", "traiteur ou cantine", True),
        ("cantine mobile", "traiteur OU buffet", False),
        ("vélo-cargo", "velo cargo", True),
        ("intérieur/extérieur", "extérieur", True),
        ("location 24/7", "24", True),
        ("Impression 3D", "3d", True),
    ],
)
def test_a_query_finds_what_its_words_say(text, typed, found):
    asked = search.tsquery(parse(typed))
    stored = f"to_tsvector({search.CONFIGURATION}, public.normalise(%s))"
    assert sql(f"{stored} @@ ({asked.sql})", text, *asked.params) is found


def test_words_phrases_exclusions_and_alternatives_are_told_apart():
    query = parse('traiteur "boîte à lunch" -alcool buffet ou cantine')
    assert query.groups == (
        Group((Term("traiteur"),)),
        Group((Term("boîte à lunch", phrase=True),)),
        Group((Term("buffet"), Term("cantine"))),
    )
    assert query.excluded == (Term("alcool"),)


def test_guillemets_quote_as_quotes_do():
    assert parse("« boîte à lunch »").groups == (Group((Term("boîte à lunch", phrase=True),)),)


def test_a_query_that_only_excludes_asks_for_nothing_and_says_so():
    assert not parse("-traiteur")
    assert parse("-traiteur").ignored == ("negative",)


@pytest.mark.parametrize("text", ["", "   ", '""', "ou", "-", "!!! & |", "-- ou --"])
def test_what_holds_no_word_asks_for_nothing(text):
    assert not parse(text)


def test_stop_words_alone_are_still_looked_for():
    assert [group.terms[0].text for group in parse("nous autres").groups] == ["autres"]
    assert [group.terms[0].text for group in parse("Elle et lui").groups] == ["Elle", "et", "lui"]


def test_excluding_a_word_that_says_nothing_excludes_nothing():
    assert parse("traiteur -de").excluded == ()


def test_ten_terms_and_two_hundred_characters_are_the_most():
    many = parse(" ".join(f"mot{number}" for number in range(40)))
    assert len(many.groups) == search.MOST_TERMS
    assert "terms" in many.ignored
    long = parse("é" * 150 + " " + "à" * 150)
    assert long.text == "é" * 150
    assert "long" in long.ignored
    alternatives = parse(" ou ".join(f"mot{number}" for number in range(40)))
    assert len(alternatives.groups[0].terms) == search.MOST_TERMS


@pytest.mark.parametrize("typed", ["1160 123 456", "1160123456", "1160-123-456", " 1160.123.456 "])
def test_a_neq_is_known_with_or_without_spaces(typed):
    assert parse(typed).neq == "1160123456"


@pytest.mark.parametrize(
    "typed", ["116012345", "11601234567", "traiteur 1160123456", "450 555-0123", "-1160123456"]
)
def test_other_numbers_are_not_a_neq(typed):
    assert parse(typed).neq == ""


SYNONYMS = {
    synonym_key("ménage"): ["entretien ménager", "conciergerie"],
    synonym_key("entretien ménager"): ["ménage", "conciergerie"],
    synonym_key("aide à domicile"): ["soutien à domicile"],
}


def test_a_word_is_widened_by_its_synonyms():
    (group,) = widen(parse("ménages"), SYNONYMS).groups
    assert group.widened == (Term("entretien ménager", True), Term("conciergerie", True))


def test_the_longest_run_of_words_is_widened_first_and_stop_words_do_not_hinder():
    first, second = widen(parse("aide à domicile urgente"), SYNONYMS).groups
    assert first.widened == (Term("soutien à domicile", True),)
    assert second == Group((Term("urgente"),))


@pytest.mark.parametrize("typed", ['"ménage"', "traiteur -ménage"])
def test_phrases_and_exclusions_are_never_widened(typed):
    query = widen(parse(typed), SYNONYMS)
    assert all(not group.widened for group in query.groups)
    assert all(term.text == "ménage" for term in query.excluded)


@pytest.mark.parametrize(
    ("typed", "searched", "aside"),
    [
        ("traiteur pour 50 personnes", ["traiteur"], ["50 personnes"]),
        ("impression 200 copies", ["impression"], ["200 copies"]),
        ("traiteur près de moi", ["traiteur"], ["près de moi"]),
        ("buffet pres d'ici", ["buffet"], ["pres d'ici"]),
        ("je cherche un traiteur", ["traiteur"], ["cherche"]),
        ("fournisseur de boîtes", ["boîtes"], ["fournisseur"]),
        ("transport de personnes", ["transport", "personnes"], []),
        ("les prés verts", ["prés", "verts"], []),
        ("près des écoles", ["près", "écoles"], []),
        ("fournisseur", ["fournisseur"], []),
        ("50 personnes", ["personnes"], []),
        ('"fournisseur" de bois', ["fournisseur", "bois"], []),
        ("bois -fournisseur", ["bois"], []),
    ],
)
def test_the_words_of_whoever_asks_need_not_be_found(typed, searched, aside):
    query = parse(typed)
    assert [group.terms[0].text for group in query.groups] == searched
    assert list(query.aside) == aside


VILLE = Town("Ville", "Ville", "ville", 4_000_001, (0, 4_000_001))


def named(words, before):
    """A province of two cities."""
    return VILLE if fold(words) in ("ville", "ville-aux-bois", "ville aux bois") else None


@pytest.mark.parametrize(
    ("typed", "searched"),
    [
        ("traiteur Ville", ["traiteur"]),
        ("traiteur à Ville", ["traiteur"]),
        ("traiteur près de Ville", ["traiteur"]),
        ("ville traiteur", ["traiteur"]),
        ("traiteur ville aux bois", ["traiteur"]),
        ("traiteur -buffet ville", ["traiteur"]),
    ],
)
def test_a_city_at_either_end_is_apart_from_what_is_looked_for(typed, searched):
    query = locate(parse(typed), named)
    assert query.town is VILLE
    assert query.text == typed
    assert [group.terms[0].text for group in query.groups] == searched


@pytest.mark.parametrize(
    "typed",
    ["ville", "à ville", "traiteur ville pas chère", 'traiteur "ville"', "traiteur -ville"]
    + ["traiteur ou ville", "ville ou bourg", "", "-ville traiteur", "50 ville"],
)
def test_elsewhere_quoted_excluded_or_alone_it_is_a_word_as_any_other(typed):
    assert locate(parse(typed), named) == parse(typed)


@pytest.mark.parametrize(
    "typed", ['traiteur "boîte à lunch" buffet ou cantine -alcool -"vin rouge"', "a b", "été"]
)
def test_a_query_can_be_written_again(typed):
    again = parse(written(parse(typed)))
    assert (again.groups, again.excluded) == (parse(typed).groups, parse(typed).excluded)


def test_a_query_can_be_written_without_one_of_its_parts():
    query = locate(parse("traiteur pour banquet -alcool ville"), named)
    assert written(query) == "traiteur banquet Ville -alcool"
    assert written(query, without=0) == "banquet Ville -alcool"
    assert written(query, town=False) == "traiteur banquet -alcool"


METACHARACTERS = "'\":*&|!()<>\\-"


@pytest.mark.django_db
def test_no_combination_of_metacharacters_breaks_the_statement():
    for length in (1, 2, 3):
        for characters in itertools.product(METACHARACTERS + "a", repeat=length):
            query = parse("".join(characters))
            if query:
                asked = search.tsquery(query)
                sql(f"({asked.sql})::text", *asked.params)


def test_patterns_read_hostile_text_in_linear_time():
    """A pattern that backtracks would take minutes on these, not the test's usual blink."""
    for text in ('"' * 50_000, "-" * 50_000, "a" * 50_000, "aux" * 20_000, " ou" * 20_000):
        parse(text)
        normalise(text)
        re.split(search.SEPARATORS, text)


def test_an_empty_query_is_false():
    assert not Query()
