"""The fictional enterprises: never real, always the same, and fit to be read by a buyer."""

import csv
import re
from collections import Counter
from datetime import date
from itertools import islice
from pathlib import Path

import pytest

from directory import fictional
from directory.fictional import agreement
from directory.fictional.texts import Voice, compiled, domain_label, fold, with_preposition
from directory.models import Enterprise

TODAY = date(2026, 1, 15)
REFERENCE = Path(__file__).resolve().parents[2] / "fixtures" / "reference"


def city(code, name, population, areas, boroughs=()):
    return {
        "code": code,
        "name": name,
        "population": population,
        "lat": 45.5,
        "lng": -73.4,
        "county_code": "58",
        "region_code": "16",
        "fsas": [{"code": area, "lat": 45.52, "lng": -73.45} for area in areas],
        "boroughs": list(boroughs),
    }


CITIES = [
    city(
        "58227",
        "Longueuil",
        254_000,
        ["J4G", "J4H", "J3Y", "J4V"],
        ["Vieux-Longueuil", "Saint-Hubert", "Greenfield Park"],
    ),
    city("58007", "Brossard", 91_000, ["J4W", "J4Z"]),
    city("58033", "Boucherville", 41_700, ["J4B"]),
    city("58037", "Saint-Bruno-de-Montarville", 26_700, ["J3V"]),
    city("58012", "Saint-Lambert", 22_700, ["J4P"]),
]


def generated(count, *, seed="essai", **options):
    options = {"today": TODAY, "cities": CITIES} | options
    return list(fictional.enterprises(count, seed=seed, **options))


@pytest.fixture(scope="module")
def demo():
    return generated(420)


@pytest.fixture(scope="module")
def many():
    return generated(3_000)


def column(name, field):
    with open(REFERENCE / name, encoding="utf-8") as lines:
        return {row[field] for row in csv.DictReader(lines)}


def texts(row):
    """All that a person reads."""
    yield from (row["name"], row["mission"], row["description"], row["address"])
    yield row["archive_reason"]
    for offering in row["offerings"]:
        yield from (offering["name"], offering["description"])
    for benefit in row["benefits"]:
        yield benefit["evidence"]
    for reference in row["references"]:
        yield from (reference["client"], reference["work"])
    for contact in row["contacts"]:
        yield from (contact["name"], contact["function"])


def searched(row):
    """The names and what is sold, folded, where a buyer's words are looked for."""
    sold = [o["name"] + " " + o["description"] for o in row["offerings"]]
    return fold(" ".join([row["name"], *sold]))


def checks(number):
    total = 0
    for position, character in enumerate(reversed(number[2:])):
        digit = int(character) * (1 + position % 2)
        total += digit - 9 if digit > 9 else digit
    return total % 10 == 0


# --- The same, whenever asked


def test_the_same_arguments_give_the_same_enterprises():
    assert generated(60) == generated(60)


def test_asking_for_more_leaves_the_first_ones_unchanged():
    assert generated(500)[:60] == generated(60)


def test_another_seed_gives_others():
    names = {row["name"] for row in generated(60)}
    assert names != {row["name"] for row in generated(60, seed="autre")}


def test_they_come_one_at_a_time():
    rows = fictional.enterprises(1_000_000, seed=1, today=TODAY, cities=CITIES)
    assert len(list(islice(rows, 3))) == 3


@pytest.mark.parametrize("options", [{"count": 4_000_001}, {"count": 1, "cities": []}])
def test_what_cannot_be_written_is_refused(options):
    with pytest.raises(ValueError, match=r"at most|no city"):
        generated(**options)


# --- Nobody real, nobody twice


def test_names_domains_and_neqs_are_given_once(many):
    for given in (
        [row["name"] for row in many],
        [domain_label(row["name"]) for row in many],
        [row["website"] for row in many if row["website"]],
        [row["neq"] for row in many if row["neq"]],
    ):
        assert len(given) == len(set(given))


def test_neqs_are_in_the_fictional_range_and_nearly_all_pass_the_check(many):
    numbers = [row["neq"] for row in many if row["neq"]]
    assert len(numbers) < len(many)
    assert all(re.fullmatch(r"11[0-3]\d{7}", number) for number in numbers)
    assert 0.94 < sum(map(checks, numbers)) / len(numbers) < 1


def test_phones_are_in_the_fictional_range(many):
    phones = {row["phone"] for row in many} | {c["phone"] for row in many for c in row["contacts"]}
    assert all(re.fullmatch(r"\+1\d{3}55501\d\d", phone) for phone in phones - {""})
    lines = [(row["phone"], row["phone_extension"]) for row in many if row["phone"]]
    assert len(lines) == len(set(lines))


def test_addresses_of_the_web_lead_nowhere(many):
    mails = {row["email"] for row in many} | {c["email"] for row in many for c in row["contacts"]}
    pattern = r"[a-z0-9]+([.-][a-z0-9]+)*@[a-z0-9]+(-+[a-z0-9]+)*\.example"
    assert [mail for mail in mails - {""} if not re.fullmatch(pattern, mail)] == []
    for row in many:
        links = [row["website"], *row["external_ids"].values()]
        assert all(re.match(r"https://[a-z0-9.-]+\.example(/|$)", link) for link in links if link)


# --- Valid


def test_codes_are_those_of_the_vocabularies(many):
    used = {
        "purchasing_categories.csv": {o["category"] for r in many for o in r["offerings"]},
        "sectors.csv": {slug for r in many for slug in r["sectors"]},
        "statuses.csv": {status["status"] for r in many for status in r["statuses"]},
        "benefits.csv": {benefit["benefit"] for r in many for benefit in r["benefits"]},
    }
    for name, codes in used.items():
        field = "code" if name == "purchasing_categories.csv" else "slug"
        assert codes <= column(name, field)
    assert used["sectors.csv"] == column("sectors.csv", "slug")
    assert used["statuses.csv"] == column("statuses.csv", "slug")


def test_choices_are_those_of_the_model(many):
    for field in ("legal_form", "size", "geo_precision", "state"):
        allowed = {value for value, _ in Enterprise._meta.get_field(field).flatchoices}
        assert {row[field] for row in many} <= allowed


def test_sectors_are_written_under_the_names_staff_gave():
    rows = generated(60, sectors_of={"habitation": ["logement", "location"]})
    slugs = {slug for row in rows for slug in row["sectors"]}
    assert {"logement", "location"} <= slugs
    assert "habitation" not in slugs


def test_each_is_in_a_borough_of_its_city_and_in_its_postal_area(demo):
    by_code = {city["code"]: city for city in CITIES}
    for row in demo:
        place = by_code[row["city_code"]]
        assert row["borough"] in (place["boroughs"] or [""])
        assert row["postal_code"][:3] in {area["code"] for area in place["fsas"]}
        assert re.fullmatch(r"J\d[A-Z] \d[A-Z]\d", row["postal_code"])


def test_dates_follow_each_other(many):
    for row in many:
        published, confirmed = row["published_on"], row["confirmed_on"]
        assert (published is None) == (row["state"] == "draft")
        if confirmed:
            assert published <= confirmed <= TODAY
        assert row["founded_year"] <= (published or TODAY).year
        for status in row["statuses"]:
            assert row["founded_year"] <= status["issued_on"].year
            assert status["issued_on"] <= TODAY
        for reference in row["references"]:
            assert row["founded_year"] <= reference["year"] <= TODAY.year


def test_drafts_and_archived_ones_are_there(demo):
    states = Counter(row["state"] for row in demo)
    assert states["draft"] >= 8
    assert states["archived"] >= 8
    assert states["published"] > 350


def test_an_archived_one_says_why_and_by_which_published_one_it_is_replaced(many):
    for rank, row in enumerate(many):
        assert bool(row["archive_reason"]) == (row["state"] == "archived")
        if row["closing"] == "replaced":
            assert row["replaced_by"] < rank
            assert many[row["replaced_by"]]["state"] == "published"
        else:
            assert row["replaced_by"] is None


# --- Credible


def test_the_sectors_weigh_what_they_weigh_in_the_field(demo):
    shares = Counter(row["sectors"][0] for row in demo)
    large = {
        "habitation",
        "enfance-famille",
        "sante-aide-domicile",
        "arts-culture-medias",
        "loisirs-tourisme",
    }
    assert large <= {sector for sector, _ in shares.most_common(6)}
    assert all(number >= 12 for number in shares.values())
    assert 0.5 < sum(shares[sector] for sector in large) / len(demo) < 0.7


def test_what_is_sold_is_rarely_said_twice(demo):
    sold = {(o["name"], o["description"]) for row in demo for o in row["offerings"]}
    assert len(sold) >= 900
    assert all(len(row["offerings"]) >= 3 for row in demo)
    for row in demo:
        assert len({o["name"] for o in row["offerings"]}) == len(row["offerings"])


def test_every_group_of_synonyms_finds_someone(many):
    groups = {}
    with open(REFERENCE / "synonyms.csv", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            groups.setdefault(row["group"], []).append(re.escape(fold(row["term"])))
    # A status is searched too, by its name.
    contents = [
        searched(row)
        + " "
        + " ".join(status["status"].replace("-", " ") for status in row["statuses"])
        for row in many
    ]
    for group, terms in groups.items():
        pattern = re.compile(rf"\b({'|'.join(terms)})s?\b")
        assert any(pattern.search(content) for content in contents), group


@pytest.mark.parametrize(
    ("word", "most"),
    [("formation", 0.14), ("traiteur", 0.06), ("location", 0.18), ("deneigement", 0.05)],
)
def test_a_word_of_a_buyer_does_not_find_half_the_directory(many, word, most):
    found = sum(bool(re.search(rf"\b{word}s?\b", searched(row))) for row in many)
    assert 0 < found / len(many) < most


def test_only_cooperatives_call_themselves_so(many):
    for row in many:
        assert ("coop" in fold(row["name"])) == row["legal_form"].startswith("coop_"), row["name"]


def test_typography_is_that_of_french_as_written_in_quebec(many):
    wrong = re.compile(
        r"'"  # a straight apostrophe
        r"|(?<![\u00a0\d]):|:(?!\s|\d)"  # without its hard space, here and below
        r"|(?<!\u00a0)[;»%]|(?<![\u00a0M])\$|«(?!\u00a0)"
        r"|\u00a0[?!,]| [.,?!]|  |^\s|\s$|\.\.\.|\d \d{3}\b"
        r"|[{}|*]"  # a slot left open
        r"|\b(de le|à le|à les|du le|des les)\b(?! \w+er\b)"
    )
    found = {text for row in many for text in texts(row) if wrong.search(text)}
    assert found == set()


def test_sentences_begin_with_a_capital_and_end_with_a_stop(many):
    for row in many:
        said = [row["mission"], row["description"]]
        said += [o["description"] for o in row["offerings"]]
        said += [benefit["evidence"] for benefit in row["benefits"]]
        for text in said:
            assert text[-1] in ".!?", text
            assert not text[0].islower(), text


# --- Texts


@pytest.mark.parametrize(
    ("preposition", "place", "expected"),
    [
        ("de", "Longueuil", "de Longueuil"),
        ("de", "Acton Vale", "d’Acton Vale"),
        ("de", "Hébertville", "d’Hébertville"),
        ("de", "Hudson", "de Hudson"),
        ("de", "Le Tilleul", "du Tilleul"),
        ("de", "Les Escoumins", "des Escoumins"),
        ("à", "Les Îles-de-la-Madeleine", "aux Îles-de-la-Madeleine"),
        ("à", "La Prairie", "à La Prairie"),
        ("de", "L’Ancienne-Lorette", "de L’Ancienne-Lorette"),
    ],
)
def test_prepositions_contract_with_articles(preposition, place, expected):
    assert with_preposition(preposition, place) == expected


def test_alternatives_hold_alternatives_and_slots():
    voice = Voice(lambda: 0.9, {"ville": "Brossard"})
    assert voice.says(compiled("{a|b {c|d} à {ville}}.")) == "b d à Brossard."


def test_one_enterprise_says_one_figure():
    draws = iter([0.1, 0.9])
    voice = Voice(lambda: next(draws), {})
    text = compiled("{24|32} logements")
    assert voice.says(text) == voice.says(text) == "24 logements"


@pytest.mark.parametrize(
    ("said", "days"),
    [
        ("Commande 48 heures à l’avance.", 2),
        ("Épreuve en 24 heures, livraison en trois jours ouvrables.", 3),
        ("Livré clés en main en quatre à six semaines.", 42),
        ("Mise au point à 78 $, prête en deux jours, vélos adaptés acceptés.", 2),
        ("De 500 à 120 000 portes en deux à quatre jours.", 4),
        ("Parcours, permis et bilan, quatre mois de préparation.", 120),
        ("La demande se fait trois jours d’avance, par téléphone.", 3),
        ("Charges jusqu’à 150 kg, le jour même ou sur rendez-vous.", 1),
        ("Soumission après visite, en cinq jours ouvrables.", None),
        ("Huit semaines, de 40 à 350 enfants par site.", None),
        ("Échange possible durant 14 jours.", None),
        ("Accès sept jours sur sept, de 8 h à 18 h.", None),
    ],
)
def test_a_delay_is_read_where_one_is_promised(said, days):
    assert agreement.delay(said) == days


@pytest.mark.parametrize(
    ("said", "drawn", "size"),
    [
        ("Soixante-deux personnes y travaillent.", "20-49", "50-99"),
        ("Huit personnes salariées et près de cent bénévoles.", "1-4", "5-19"),
        ("Elle emploie 165 préposées.", "5-19", "100+"),
        ("L’équipe permanente compte huit personnes.", "20-49", "5-19"),
        ("Quatre employées et une soixantaine de membres bénévoles.", "5-19", "5-19"),
        ("Six employées et une soixantaine de membres bénévoles.", "1-4", "5-19"),
        ("Quarante-huit personnes par année suivent un parcours.", "5-19", "5-19"),
    ],
)
def test_a_size_is_that_of_the_people_counted(said, drawn, size):
    assert agreement.size(said, drawn) == size


@pytest.mark.parametrize(
    ("name", "form", "agreed"),
    [
        ("Clair Logis, coop de solidarité", "coop_worker", "Clair Logis, coop"),
        ("Clair Logis, coop de solidarité", "coop_solidarity", "Clair Logis, coop de solidarité"),
        ("Coopérative de travail Ici", "coop_consumer", "Coopérative Ici"),
        ("Marché de solidarité", "npo", "Marché de solidarité"),
    ],
)
def test_a_name_says_no_other_form_than_its_own(name, form, agreed):
    assert agreement.name(name, form) == agreed


def test_facts_and_texts_of_an_enterprise_agree(many):
    delays = 0
    for row in many:
        first = row["offerings"][0]["description"]
        if row["lead_time_days"] is not None and (said := agreement.delay(first)):
            assert row["lead_time_days"] == said, row["name"]
            delays += 1
        texts = f"{row['mission']} {row['description']}"
        assert agreement.size(texts, row["size"]) == row["size"], row["name"]
        assert agreement.name(row["name"], row["legal_form"]) == row["name"]
        assert ", suite " not in row["address"]
        if "EÉSAD accréditée" in first:
            held = [s for s in row["statuses"] if s["status"] == "aide-a-domicile"]
            assert not [s for s in held if s["expires_on"] and s["expires_on"] < TODAY]
    assert delays > 100
