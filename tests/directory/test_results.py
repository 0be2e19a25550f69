"""The search contract, on the site's own pages and on `/entreprises.json`."""

import datetime
import html
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from directory import criteria, results, state
from directory.conditions import starting_point
from directory.criteria import Criteria, Place
from directory.filters import find_city, understand
from directory.models import (
    City,
    Enterprise,
    Listing,
    PurchasingCategory,
    Region,
    Synonym,
    SynonymGroup,
)
from tests.factories import (
    CertificationFactory,
    EnterpriseBenefitFactory,
    EnterpriseFactory,
    OfferingFactory,
    RecognitionFactory,
)

pytestmark = pytest.mark.django_db


def city(code):
    return City.objects.get(code=code)


LONGUEUIL, BROSSARD, BOUCHERVILLE = "58227", "58007", "58033"


@pytest.fixture
def traiteur(reference):
    row = EnterpriseFactory(
        name="La Table ronde",
        slug="la-table-ronde",
        neq="1101234569",
        published=True,
        city=city(LONGUEUIL),
        sectors=["alimentation"],
        mission="Nourrir la ville.",
    )
    OfferingFactory(
        enterprise=row,
        name="Boîtes à lunch pour réunions",
        category=PurchasingCategory.objects.get(code="G15"),
    )
    return row


@pytest.fixture
def menage(reference):
    row = EnterpriseFactory(
        name="Net et clair",
        published=True,
        city=city(BROSSARD),
        legal_form="coop_worker",
        sectors=["entretien-batiment"],
    )
    OfferingFactory(enterprise=row, name="Entretien ménager de bureaux")
    return row


@pytest.fixture
def imprimerie(reference):
    row = EnterpriseFactory(
        name="Encre verte",
        published=True,
        city=city(BOUCHERVILLE),
        sectors=["services-entreprises"],
        description="Nous imprimons aussi pour un traiteur.",
    )
    OfferingFactory(enterprise=row, name="Imprimerie de dépliants")
    return row


@pytest.fixture
def three(traiteur, menage, imprimerie):
    return traiteur, menage, imprimerie


@pytest.fixture
def ask(client):
    def ask(query=""):
        return client.get(f"/entreprises.json?{query}").json()

    return ask


@pytest.fixture
def found(ask):
    """The names that a query finds, in order."""
    return lambda query="": [row["name"] for row in ask(query)["results"]]


@pytest.fixture
def page(client):
    def page(query=""):
        response = client.get(f"/entreprises/?{query}")
        assert response.status_code == 200
        return response

    return page


def text(response):
    """What a reader reads of the page, on one line."""
    return line(html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())))


def line(words):
    return " ".join(words.split())


class TestWhatIsFound:
    def test_everything_without_a_question(self, three, ask):
        assert ask()["total"] == 3

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ("q=lunch+reunions", ["La Table ronde"]),
            ("q=reunion", ["La Table ronde"]),
            ("q=%22boîte+à+lunch%22", ["La Table ronde"]),
            ("q=entretien+-bureau", []),
            ("q=lunch+ou+imprimerie&tri=nom", ["Encre verte", "La Table ronde"]),
            ("q=1101+234+569", ["La Table ronde"]),
            ("q=1101234569", ["La Table ronde"]),
            ("q=nourrir", ["La Table ronde"]),
            ("q=boucherville", ["Encre verte"]),
            ("secteur=alimentation", ["La Table ronde"]),
            ("secteur=alimentation&secteur=entretien-batiment&ville=brossard", ["Net et clair"]),
            ("ville=brossard", ["Net et clair"]),
            ("ville=58007", ["Net et clair"]),
            ("mrc=longueuil&tri=nom", ["Encre verte", "La Table ronde", "Net et clair"]),
            ("region=16&ville=boucherville", ["Encre verte"]),
            ("region=monteregie&secteur=habitation", []),
            ("forme=coop_worker", ["Net et clair"]),
            ("categorie=G15", ["La Table ronde"]),
            ("q=entretien&ville=longueuil", []),
        ],
    )  # fmt: skip
    def test_what_the_criteria_say(self, three, found, query, names):
        assert found(query) == names

    def test_drafts_and_archived_listings_are_nowhere(self, traiteur, ask, client):
        EnterpriseFactory(name="Brouillon discret")
        EnterpriseFactory(name="Ancienne fiche", archived=True)
        assert ask()["total"] == 1
        for word in ("brouillon", "ancienne"):
            assert ask(f"q={word}")["total"] == 0
            suggested = client.get(f"/entreprises/suggestions/?q={word}").json()["suggestions"]
            assert suggested == []
        assert "Brouillon" not in text(client.get("/"))

    def test_only_certifications_that_hold_today_count(self, traiteur, menage, found, page):
        today = timezone.localdate()
        yesterday = today - datetime.timedelta(days=1)
        CertificationFactory(enterprise=traiteur, expires_on=yesterday)
        CertificationFactory(enterprise=menage, expires_on=today)
        assert found("statut=entreprise-insertion") == ["Net et clair"]
        assert facet(page(), "statut") == {"entreprise-insertion": "1"}

    def test_only_recognitions_that_hold_today_count(self, traiteur, menage, found, ask):
        today = timezone.localdate()
        past = today - datetime.timedelta(days=400)
        RecognitionFactory(
            enterprise=traiteur,
            recognised_on=past,
            expires_on=today - datetime.timedelta(days=1),
        )
        RecognitionFactory(enterprise=menage, recognised_on=past, expires_on=today)
        assert found("reconnue=1") == ["Net et clair"]
        assert [row["recognised_on"] for row in ask("tri=nom")["results"]] == [
            None,
            past.isoformat(),
        ]

    def test_confirmed_means_within_twelve_months(self, traiteur, menage, found):
        today = timezone.localdate()
        day = today.replace(year=today.year - 1)
        Enterprise.objects.filter(pk=traiteur.pk).update(confirmed_on=day)
        Enterprise.objects.filter(pk=menage.pk).update(
            confirmed_on=day - datetime.timedelta(days=1)
        )
        assert found("confirmee=1") == ["La Table ronde"]

    def test_a_benefit_narrows(self, traiteur, menage, found):
        EnterpriseBenefitFactory(enterprise=traiteur)
        assert found("bienfait=insertion-emploi") == ["La Table ronde"]


class TestTerritory:
    def test_a_city_is_served_from_itself_its_mrc_its_region_or_the_whole_province(
        self, three, found
    ):
        traiteur, menage, imprimerie = three
        assert found("dessert=brossard") == ["Net et clair"]
        traiteur.served_counties.add(city(BROSSARD).county)
        imprimerie.served_regions.add(Region.objects.get(code="16"))
        assert found("dessert=brossard&tri=nom") == [
            "Encre verte",
            "La Table ronde",
            "Net et clair",
        ]
        assert found("dessert=laval") == []
        Enterprise.objects.filter(pk=menage.pk).update(serves_province=True)
        assert found("dessert=laval") == ["Net et clair"]

    def test_an_offering_may_go_where_the_others_do_not(self, traiteur, found):
        traiteur.offerings.get().served_cities.add(city(BROSSARD))
        assert found("dessert=Brossard") == ["La Table ronde"]

    def test_an_offering_with_a_territory_takes_nothing_from_the_others(self, traiteur, found):
        offering = OfferingFactory(enterprise=traiteur, name="Cantine mobile")
        offering.served_cities.add(city(BROSSARD))
        assert found("dessert=longueuil") == found("dessert=brossard") == ["La Table ronde"]

    def test_near_a_city_or_a_postal_code_the_closest_come_first(self, three, ask):
        answer = ask("pres=brossard&rayon=50")
        distances = [row["distance_km"] for row in answer["results"]]
        assert answer["results"][0]["name"] == "Net et clair"
        assert distances == sorted(distances)
        assert distances[0] == 0
        assert ask("pres=J4Z+1A1&rayon=5")["total"] == 1
        assert ask("pres=j4z&rayon=100")["total"] == 3

    def test_the_distance_is_that_of_the_sphere(self, traiteur, ask):
        """Longueuil to Québec: 200 km, by the great circle between their published centres."""
        Enterprise.objects.filter(pk=traiteur.pk).update(
            latitude=46.8139, longitude=-71.2080, geo_precision="exact"
        )
        place = Place("ici", 45.5312, -73.5181)
        answer = results.find(Criteria(near=place, radius=250), state.current())
        assert 225 < answer.rows[0]["distance"] < 233

    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            ("St-Bruno-de-Montarville", "saint-bruno-de-montarville"),
            ("saint bruno de montarville", "saint-bruno-de-montarville"),
            ("Saint-Bruno", "saint-bruno-de-montarville"),
            ("st bruno", "saint-bruno-de-montarville"),
            ("Brosard", "brossard"),
            ("Saint-Hubert", "longueuil"),
            ("Trois-Rivieres", "trois-rivieres"),
            ("58007", "brossard"),
        ],
    )
    def test_a_city_is_known_as_people_write_it(self, reference, written, meant):
        labels = state.current().labels
        assert find_city(written, labels).key == meant

    @pytest.mark.parametrize("written", ["", "x", "Sai", "Paris", "é" * 5000])
    def test_a_city_that_is_none_is_not_guessed(self, reference, written):
        assert find_city(written, state.current().labels) is None


class TestACityAmongTheWords:
    def test_those_who_are_there_or_serve_it_are_found_and_the_page_says_so(
        self, three, found, page
    ):
        menage = three[1]
        menage.served_cities.add(city(LONGUEUIL))
        assert found("q=entretien+Longueuil") == ["Net et clair"]
        assert found("q=entretien+brossard") == ["Net et clair"]
        assert found("q=entretien+boucherville") == []
        response = page("q=entretien+longueuil")
        assert "« longueuil » est lu comme une ville : l’entreprise" in text(response)
        assert "« st-lambert » est lu comme une ville, Saint-Lambert" in text(
            page("q=entretien+st-lambert")
        )

    def test_the_two_other_ways_of_reading_it_are_a_click_away(self, three, page):
        three[1].served_cities.add(city(LONGUEUIL))
        town = page("q=entretien+-vitres+longueuil").context["town"]
        as_words = page(town["as_words_url"].partition("?")[2])
        assert as_words.context["total"] == 0
        assert as_words.context["town"] is None
        there = page(town["there_url"].partition("?")[2])
        assert [chip["label"] for chip in there.context["chips"]] == ["Longueuil"]
        assert there.context["q"] == "entretien -vitres"

    def test_who_is_there_goes_before_who_comes_from_elsewhere(self, reference, found):
        for code in (BROSSARD, LONGUEUIL, BOUCHERVILLE):
            row = EnterpriseFactory(name=f"Coop {code}", published=True, city=city(code))
            OfferingFactory(enterprise=row, name="Déneigement")
            row.served_counties.add(city(code).county)
        for code in (BROSSARD, LONGUEUIL, BOUCHERVILLE):
            assert found(f"q=déneigement+{city(code).name}")[0] == f"Coop {code}"

    def test_the_page_says_that_it_counts_double(self, three, page):
        assert "compte double" in text(page("q=entretien+brossard"))
        assert "compte double" not in text(page("q=entretien"))
        assert "compte double" not in text(page("q=entretien+brossard&tri=nom"))

    def test_an_enterprise_that_bears_its_name_is_found_wherever_it_is(self, reference, found):
        EnterpriseFactory(name="Atelier de Longueuil", published=True, city=city(BROSSARD))
        assert found("q=atelier+longueuil") == ["Atelier de Longueuil"]

    def test_a_large_directory_answers_the_same(self, three, found, page, monkeypatch):
        monkeypatch.setattr(state, "EXACT_UP_TO", 0)
        three[1].served_cities.add(city(LONGUEUIL))
        assert found("q=entretien+Longueuil") == ["Net et clair"]
        assert found("q=entretien+boucherville") == []
        labels = [
            step["label"] for step in page("q=lunch+quantique").context["help"]["relaxations"]
        ]
        assert labels == ["Sans «\xa0quantique\xa0»"]

    def test_program_and_filters_know_it_too(self, three, ask):
        answer = ask("q=entretien+pour+50+personnes+brossard")
        assert (answer["city"], answer["aside"]) == ("Brossard", ["50 personnes"])
        assert ask("q=entretien+brossard&ville=longueuil")["total"] == 0
        assert ask("q=lunch")["city"] is None

    def test_a_slip_in_the_city_is_corrected(self, three, ask):
        answer = ask("q=entretien+brosard")
        assert (answer["corrected"], answer["city"]) == ("entretien brossard", "Brossard")

    @pytest.mark.parametrize(
        ("typed", "meant"),
        [
            ("déneigement saint bruno", "saint-bruno-de-montarville"),
            ("déneigement St-Bruno", "saint-bruno-de-montarville"),
            ("déneigement à Saint-Hubert", "longueuil"),
            ("Brossard déneigement", "brossard"),
            ("déneigement sherbrooke", "sherbrooke"),
            ("déneigement trois-rivieres", "trois-rivieres"),
            ("déneigement Trois Rivières", "trois-rivieres"),
            ("déneigement La Prairie", "la-prairie"),
            ("traduction à Québec", "quebec"),
            ("fromages du Québec", None),
            ("plancher de bois franc", None),
            ("aide à la conception", None),
            ("services de la prairie", None),
            ("nettoyage long", None),
            ("fête de saint", None),
        ],
    )
    def test_a_city_is_read_where_one_is_meant(self, reference, typed, meant):
        town = understand(typed, state.current().labels).town
        assert (town and town.key) == meant


def facet(response, name):
    """Value → count of a facet of the page."""
    for row in response.context["facets"]:
        if row["name"] == name:
            return {option["value"]: option["count"] for option in row["options"]}
    return {}


class TestFacets:
    def test_each_ignores_its_own_selection_and_respects_the_others(self, three, page):
        EnterpriseFactory(
            name="Quatrième", published=True, city=city(BROSSARD), sectors=["alimentation"]
        )
        response = page("secteur=alimentation&ville=longueuil")
        assert response.context["total"] == 1
        assert facet(response, "secteur") == {"alimentation": "1"}
        assert facet(response, "ville") == {"longueuil": "1", "brossard": "1"}
        assert facet(response, "forme") == {}

    def test_one_alone_is_counted_over_the_whole_directory(self, three, page):
        response = page("ville=longueuil")
        assert facet(response, "ville") == {"longueuil": "1", "brossard": "1", "boucherville": "1"}
        assert facet(response, "secteur") == {}

    def test_with_a_text_it_is_counted_within_the_text(self, three, page):
        response = page('q="traiteur"+ou+"entretien"&ville=brossard')
        assert facet(response, "ville") == {"brossard": "1", "boucherville": "1"}

    def test_three_at_once_agree_with_a_count_by_hand(self, three, page):
        for number, (code, form) in enumerate(
            [(LONGUEUIL, "npo"), (BROSSARD, "npo"), (BROSSARD, "mutual"), (LONGUEUIL, "mutual")]
        ):
            EnterpriseFactory(
                name=f"Plus {number}",
                published=True,
                city=city(code),
                legal_form=form,
                sectors=["habitation"],
            )
        response = page("secteur=habitation&ville=longueuil&forme=npo")
        assert response.context["total"] == 1
        assert facet(response, "secteur") == {"alimentation": "1", "habitation": "1"}
        assert facet(response, "ville") == {"brossard": "1", "longueuil": "1"}
        assert facet(response, "forme") == {"mutual": "1", "npo": "1"}

    def test_a_selected_value_without_results_can_still_be_taken_away(self, three, page):
        response = page("secteur=habitation")
        assert facet(response, "secteur")["habitation"] == "0"

    def test_flags_are_counted_and_ignore_themselves(self, traiteur, menage, page):
        RecognitionFactory(
            enterprise=traiteur,
            recognised_on=timezone.localdate() - datetime.timedelta(days=1),
            expires_on=timezone.localdate() + datetime.timedelta(days=1),
        )
        for query in ("", "reconnue=1", "ville=longueuil", "reconnue=1&ville=longueuil"):
            flags = {flag["name"]: flag["count"] for flag in page(query).context["flags"]}
            assert flags["reconnue"] == "1", query

    def test_counts_follow_a_write(self, three, page):
        assert page().context["total"] == 3
        EnterpriseFactory(name="Nouvelle", published=True, sectors=["habitation"])
        response = page()
        assert response.context["total"] == 4
        assert facet(response, "secteur")["habitation"] == "1"

    def test_a_long_facet_can_be_opened_whole(self, reference, page):
        for row in City.objects.order_by("code")[:15]:
            EnterpriseFactory(name=f"À {row.name} {row.code}", published=True, city=row)
        short = page()
        (shown,) = [row for row in short.context["facets"] if row["name"] == "ville"]
        assert (len(shown["options"]), shown["more"]) == (8, 7)
        assert "Voir les 7 autres" in short.content.decode()
        whole = page("tout=ville")
        assert len(facet(whole, "ville")) == 15
        # What is chosen next keeps it whole.
        assert '<input type="hidden" name="tout" value="ville">' in whole.content.decode()

    def test_a_retired_sector_is_no_longer_offered(self, three, page):
        sector = three[0].sectors.get()
        sector.retired = True
        sector.save()
        assert "alimentation" not in facet(page(), "secteur")
        assert facet(page("secteur=alimentation"), "secteur")["alimentation"] == "1"


class TestOrder:
    def test_a_name_goes_before_an_offering_an_offering_before_a_description(self, three, found):
        EnterpriseFactory(name="Traiteur du fleuve", published=True)
        OfferingFactory(enterprise=three[1], name="Service de traiteur")
        assert found("q=%22traiteur%22") == ["Traiteur du fleuve", "Net et clair", "Encre verte"]

    def test_an_exact_name_goes_first(self, reference, found):
        for number in range(3):
            EnterpriseFactory(name=f"Atelier Atelier Atelier {number}", published=True)
        EnterpriseFactory(name="Atelier", published=True)
        assert found("q=atelier")[0] == "Atelier"

    def test_without_a_text_the_order_of_the_day_is_the_same_for_all_and_moves_each_day(
        self, reference
    ):
        for number in range(30):
            EnterpriseFactory(name=f"Entreprise {number}", published=True)
        connection.check_constraints()
        # Evenly spread: two days can enter the circle at the same listing only if drawn so close.
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE directory_listing l SET position = (rank - 0.5) / 30 FROM ("
                " SELECT enterprise_id, row_number() OVER (ORDER BY position) AS rank"
                " FROM directory_listing) r WHERE r.enterprise_id = l.enterprise_id"
            )

        def names(day, **criteria):
            current = state.current()
            today = current.today + datetime.timedelta(days=day)
            moved = type(current)(**{**current.__dict__, "today": today})
            found = results.find(Criteria(size=30, **criteria), moved)
            return [row["card"]["name"] for row in found.rows]

        def start(day):
            return starting_point(timezone.localdate() + datetime.timedelta(days=day))

        later = next(day for day in range(1, 30) if 0.1 < abs(start(day) - start(0)) < 0.9)
        today, tomorrow = names(0), names(later)
        assert names(0) == today
        assert sorted(today) == sorted(tomorrow)
        # The same circle, entered elsewhere.
        place = tomorrow.index(today[0])
        assert tomorrow[place:] + tomorrow[:place] == today

    def test_narrowing_keeps_the_order_of_the_day(self, reference, found):
        for number in range(12):
            EnterpriseFactory(
                name=f"Entreprise {number}",
                published=True,
                sectors=["habitation"] if number % 2 else [],
            )
        everything = found("taille=100")
        some = found("secteur=habitation")
        assert some == [name for name in everything if name in some]

    def test_names_sort_without_regard_to_accents_and_capitals(self, reference, found):
        for name in ("Zoo", "Éclat", "abeille", "Érable", "Eau"):
            EnterpriseFactory(name=name, published=True)
        assert found("tri=nom") == ["abeille", "Eau", "Éclat", "Érable", "Zoo"]

    def test_the_most_recent_come_first_when_asked(self, reference, found):
        for year in (2024, 2026, 2025):
            EnterpriseFactory(
                name=str(year), published=True, published_on=datetime.date(year, 1, 1)
            )
        assert found("tri=recent") == ["2026", "2025", "2024"]

    def test_a_card_says_until_when_no_order_is_taken(self, traiteur, page):
        today = timezone.localdate()
        Enterprise.objects.update(busy_until=today)
        assert "Complet jusqu’au" in text(page())
        Enterprise.objects.update(busy_until=today - datetime.timedelta(days=1))
        assert "Complet jusqu’au" not in text(page())

    def test_the_page_says_why(self, three, page):
        assert "change de point de départ chaque jour" in text(page())

    def test_pages_follow_each_other_without_overlap_or_gap(self, reference, found):
        for number in range(45):
            EnterpriseFactory(name=f"Entreprise {number:02}", published=True)
        for query in ("", "tri=nom&", "q=entreprise&", "region=16&", "tri=recent&"):
            pages = [found(f"{query}page={number}") for number in (1, 2, 3)]
            assert [len(names) for names in pages] == [20, 20, 5]
            assert len({name for names in pages for name in names}) == 45


class TestSynonymsAndCorrections:
    @pytest.fixture(autouse=True)
    def synonyms(self, reference):
        group = SynonymGroup.objects.get(name="entretien ménager")
        Synonym.objects.get_or_create(group=group, term="ménage")

    def test_a_synonym_finds_and_the_page_says_so(self, menage, found, page):
        assert found("q=conciergerie") == ["Net et clair"]
        assert "nous avons aussi cherché" in text(page("q=conciergerie"))

    def test_in_quotes_a_word_is_only_itself(self, menage, ask):
        assert ask('q="conciergerie"')["total"] == 0

    def test_a_mistyped_word_is_corrected_and_the_page_says_so(self, imprimerie, ask, page):
        answer = ask("q=imprimrie")
        assert answer["corrected"] == "imprimerie"
        assert [row["name"] for row in answer["results"]] == ["Encre verte"]
        response = page("q=imprimrie")
        assert "Résultats pour imprimerie" in text(response)
        assert response.context["q"] == "imprimerie"
        instead = response.context["correction"]["instead_url"]
        assert "imprimrie" in instead
        assert text(response.client.get(instead)).count("Aucune entreprise trouvée")

    def test_a_correction_keeps_accents_and_the_other_words(self, menage, ask):
        assert ask("q=entretein+bureaux")["corrected"] == "entretien bureaux"
        assert ask("q=menagger")["corrected"] == "ménager"

    @pytest.mark.parametrize(
        ("typed", "corrected"),
        [("xylophone", None), ("flyers", None), ("lynch", "lunch"), ("nex", None)],
    )
    def test_a_short_word_is_forgiven_one_slip_alone(self, three, ask, typed, corrected):
        OfferingFactory(enterprise=three[0], name="Fleurs coupées")
        assert ask(f"q={typed}")["corrected"] == corrected

    def test_a_quantity_hides_nothing(self, imprimerie, found):
        assert found("q=2000+dépliants") == found("q=dépliants") == ["Encre verte"]

    def test_what_was_typed_can_be_asked_for_with_its_phrases(self, menage, imprimerie, page):
        menage.offerings.update(name="Imprimerie à bas prix")
        response = page('q=imprimrie+"bas+prix"')
        assert response.context["correction"]["shown"] == 'imprimerie "bas prix"'
        url = response.context["correction"]["instead_url"]
        assert response.client.get(url).context["q"] == '"imprimrie" "bas prix"'

    def test_a_correction_keeps_the_filters(self, imprimerie, ask):
        assert ask("q=imprimrie&ville=boucherville")["total"] == 1
        assert ask("q=imprimrie&ville=longueuil")["corrected"] is None


class TestNoDeadEnd:
    def test_the_price_of_each_criterion_is_told(self, three, page):
        response = page("q=entretien&ville=longueuil&secteur=entretien-batiment")
        steps = [
            (step["label"], step["total_label"]) for step in response.context["help"]["relaxations"]
        ]
        assert steps == [("Sans le critère «\xa0Ville\xa0»", "1 entreprise")]
        url = response.context["help"]["relaxations"][0]["url"]
        assert response.client.get(url).context["total"] == 1

    def test_the_price_of_each_word_is_told(self, three, page):
        response = page("q=lunch+quantique+brossard&tri=nom")
        steps = [
            (step["label"], step["total_label"]) for step in response.context["help"]["relaxations"]
        ]
        assert steps == []
        three[0].served_cities.add(city(BROSSARD))
        response = page("q=lunch+quantique+brossard&tri=nom")
        (step,) = response.context["help"]["relaxations"]
        assert (step["label"], step["total_label"]) == (
            "Sans «\xa0quantique\xa0»",
            "1 entreprise",
        )
        assert "tri=nom" in step["url"]
        found = page(step["url"].partition("?")[2])
        assert found.context["total"] == 1
        assert found.context["town"]["words"] == "brossard"

    def test_the_price_of_the_city_is_told(self, three, page):
        (step,) = page("q=lunch+ou+cantine+-vin+brossard").context["help"]["relaxations"]
        assert step["label"] == "Sans «\xa0brossard\xa0»"
        assert page(step["url"].partition("?")[2]).context["q"] == "lunch ou cantine -vin"

    def test_where_no_single_word_can_be_dropped_each_is_a_click_away(self, three, page):
        help_ = page("q=lunch+imprimerie+entretien+quantique").context["help"]
        assert help_["relaxations"] == []
        assert [word["label"] for word in help_["words"]] == ["lunch", "imprimerie", "entretien"]
        for word in help_["words"]:
            assert page(word["url"].partition("?")[2]).context["total"] > 0
        assert page("q=lunch+quantique").context["help"]["words"] == []
        assert page("q=xylophone").context["help"]["words"] == []

    def test_words_left_aside_are_said(self, three, page):
        assert "Mots laissés de côté : « 50 personnes »" in text(page("q=lunch+50+personnes"))
        assert "laissés de côté" not in text(page("q=lunch"))

    def test_those_who_serve_the_city_from_elsewhere_are_offered(self, menage, page):
        menage.served_cities.add(city(LONGUEUIL))
        wider = page("q=entretien&ville=longueuil").context["help"]["wider"]
        assert "desservent Longueuil" in wider["label"]
        assert page(wider["url"].partition("?")[2]).context["total"] == 1

    def test_in_one_city_those_who_serve_it_are_a_click_away(self, three, page):
        response = page("ville=longueuil&q=lunch")
        assert "dessert=longueuil" in response.context["elsewhere"]["url"]
        assert page("ville=longueuil&ville=brossard").context["elsewhere"] is None

    def test_a_wider_circle_is_offered(self, menage, page):
        assert page("pres=perce&rayon=100").context["help"]["wider"] is None
        wider = page("pres=longueuil&rayon=5").context["help"]["wider"]
        assert wider["label"] == "À moins de 10\xa0km"
        assert page(wider["url"].partition("?")[2]).context["total"] == 1

    @pytest.mark.parametrize(
        ("closing", "said"),
        [("closed", "Cette entreprise est fermée."), ("other", "pas publiée\xa0; écrivez au Pôle")],
    )
    def test_a_listing_that_is_gone_is_explained_by_name_and_by_neq(
        self, traiteur, page, closing, said
    ):
        EnterpriseFactory(
            name="Coopérative disparue",
            neq="1101234577",
            archived=True,
            closing=closing,
            archive_reason="secret de l’équipe",
        )
        for query in ("q=cooperative+disparue", "q=1101234577"):
            response = page(query)
            assert said in response.context["help"]["unlisted"]["reason"]
            assert "secret" not in text(response)

    def test_a_listing_that_was_replaced_leads_to_its_successor(self, traiteur, page):
        EnterpriseFactory(
            name="Ancien nom", archived=True, closing="replaced", replaced_by=traiteur
        )
        unlisted = page("q=ancien+nom").context["help"]["unlisted"]
        assert unlisted["url"] == traiteur.get_absolute_url()

    def test_a_draft_is_not_betrayed_by_its_neq(self, traiteur, page):
        EnterpriseFactory(name="Brouillon discret", neq="1101234577")
        assert page("q=1101234577").context["help"]["unlisted"] is None

    def test_one_may_always_write_to_the_pole(self, traiteur, page, settings):
        assert settings.POLE_EMAIL in page("q=xylophone").context["help"]["pole_mail_url"]


IGNORED = [
    "secteur=inconnu", "ville=%C3%A9", "region=99", "mrc=x", "forme=0", "statut=-1",
    "bienfait=1e3", "categorie=Z99", "dessert=nulle+part", "pres=H0H+0H0", "pres=K1A+0A1",
    "rayon=7", "rayon=-5", "tri=hasard", "page=0", "page=-1", "page=51", "page=abc",
    "page=1e3", "page=٣", "page=" + "9" * 4000, "reconnue=oui", "confirmee=2", "q=--", "q=-seul",
]  # fmt: skip


class TestEveryOrderWithEverything:
    @pytest.mark.parametrize("sort", ["", "pertinence", "rotation", "nom", "proximite", "recent"])
    @pytest.mark.parametrize("near", ["", "&pres=longueuil&rayon=50"])
    @pytest.mark.parametrize("query", ["", "&q=lunch+ou+entretien+ou+imprimerie", "&q=1101234569"])
    def test_the_same_enterprises_in_another_order(self, three, ask, sort, near, query):
        answer = ask(f"tri={sort}{near}{query}")
        expected = {"La Table ronde"} if "1101" in query else {row.name for row in three}
        assert {row["name"] for row in answer["results"]} == expected
        assert all((row["distance_km"] is not None) == bool(near) for row in answer["results"])

    def test_an_order_that_makes_no_sense_here_gives_way_to_the_usual_one(self, three, ask):
        names = [row["name"] for row in ask("q=imprimerie+ou+lunch")["results"]]
        assert [
            row["name"] for row in ask("q=imprimerie+ou+lunch&tri=proximite")["results"]
        ] == names

    def test_what_is_ranked_can_all_be_paged_through_and_no_more(
        self, three, ask, monkeypatch, page
    ):
        monkeypatch.setattr(criteria, "RANKED", 2)
        answer = ask("q=lunch+ou+entretien+ou+imprimerie&taille=1&page=9")
        assert (answer["total"], answer["page"], len(answer["results"])) == (3, 2, 1)
        assert page("q=lunch+ou+entretien+ou+imprimerie").context["pages"]["capped"]


class TestBadValues:
    @pytest.mark.parametrize("query", IGNORED)
    def test_an_unknown_value_is_ignored_with_a_visible_notice(self, traiteur, page, query):
        response = page(query)
        assert response.context["total"] == 1
        notices = [notice["text"] for notice in response.context["notices"]]
        assert len(notices) == 1
        assert line(notices[0]) in text(response)

    def test_a_primary_key_is_not_a_value(self, traiteur, page):
        sector = traiteur.sectors.get()
        assert page(f"secteur={sector.pk}").context["notices"]
        assert page(f"ville={traiteur.city_id}").context["notices"]

    def test_blank_parameters_are_as_if_absent(self, traiteur, page):
        response = page("q=&ville=&secteur=&pres=&rayon=&tri=&page=")
        assert response.context["total"] == 1
        assert not response.context["notices"]

    def test_a_page_beyond_the_last_shows_the_last(self, reference, page):
        for number in range(21):
            EnterpriseFactory(name=f"Entreprise {number}", published=True)
        response = page("page=7")
        assert len(response.context["cards"]) == 1
        assert "La page 7 n’existe pas" in text(response)

    def test_an_empty_directory_is_a_page_too(self, reference, page):
        response = page()
        assert response.context["total"] == 0


class TestJson:
    def test_a_record_says_who_where_and_what(self, traiteur, ask):
        (record,) = ask()["results"]
        assert record | {"confirmed_on": None} == {
            "slug": "la-table-ronde",
            "name": "La Table ronde",
            "neq": "1101234569",
            "city": "Longueuil",
            "city_code": "58227",
            "county_code": "580",
            "region_code": "16",
            "borough": None,
            "sectors": ["alimentation"],
            "legal_form": "npo",
            "statuses": [],
            "benefits": [],
            "offerings": ["Boîtes à lunch pour réunions"],
            "territory": {"province": False, "regions": [], "counties": [], "cities": []},
            "recognised_on": None,
            "confirmed_on": None,
            "distance_km": None,
            "url": "/entreprises/la-table-ronde/",
        }

    def test_it_is_in_the_order_of_the_page(self, reference, ask, page):
        for number in range(45):
            EnterpriseFactory(name=f"Entreprise {number}", published=True)
        for number in (1, 2, 3):
            names = [card["name"] for card in page(f"page={number}").context["cards"]]
            assert [row["name"] for row in ask(f"page={number}")["results"]] == names

    @pytest.mark.parametrize(("size", "shown"), [("5", 5), ("100", 30), ("101", 20), ("x", 20)])
    def test_its_pages_have_the_size_asked_up_to_a_hundred(self, reference, ask, size, shown):
        for number in range(30):
            EnterpriseFactory(name=f"Entreprise {number}", published=True)
        answer = ask(f"taille={size}")
        assert len(answer["results"]) == shown
        assert bool(answer["notices"]) == (size in ("101", "x"))


class TestStatements:
    """Never more than four, whatever is asked, in a process that has read nothing yet too."""

    QUERIES = [
        "", "tri=nom", "page=2", "q=lunch", "q=lunch&ville=longueuil&secteur=alimentation",
        "q=imprimrie", "q=xylophone&ville=brossard&dessert=laval&pres=laval", "ville=longueuil",
        "ville=laval", "statut=entreprise-insertion&reconnue=1", "pres=longueuil", "page=40",
        "q=1101234569", "q=lunch+brossard", "q=lunch+xylophone+brossard&secteur=habitation",
        "q=" + "+".join(["mot"] * 12), "secteur=inconnu&ville=inconnue",
    ]  # fmt: skip

    @pytest.mark.parametrize("query", QUERIES)
    def test_cold_or_warm(self, three, client, query):
        # The first count ever may take its time: its limits are statements too.
        state.recount(timezone.localdate())
        EnterpriseFactory(published=True)
        state.forget()
        for _ in range(2):
            connection.check_constraints()
            with CaptureQueriesContext(connection) as queries:
                assert client.get(f"/entreprises/?{query}").status_code == 200
            asked = [q["sql"] for q in queries if not q["sql"].startswith("SET CONSTRAINTS")]
            assert len(asked) <= 4, asked

    def test_the_number_does_not_follow_the_data(self, three, client):
        def count(query):
            connection.check_constraints()
            client.get(f"/entreprises/?{query}")
            with CaptureQueriesContext(connection) as queries:
                client.get(f"/entreprises/?{query}")
            return len([q for q in queries if not q["sql"].startswith("SET CONSTRAINTS")])

        before = [count(query) for query in ("", "q=entretien", "ville=longueuil")]
        for number in range(30):
            row = EnterpriseFactory(name=f"Entretien {number}", published=True)
            OfferingFactory.create_batch(3, enterprise=row)
        assert [count(query) for query in ("", "q=entretien", "ville=longueuil")] == before
        assert before == [2, 2, 2]

    @pytest.mark.parametrize("page", [10**9, 10**18, -1, 0, 51])
    def test_a_page_out_of_reach_is_asked_of_nobody(self, three, client, page):
        with CaptureQueriesContext(connection) as queries:
            client.get(f"/entreprises/?page={page}")
        assert not [q for q in queries if re.search(r"OFFSET [1-9]", q["sql"])]


class TestConditionalRequests:
    def test_an_unchanged_page_is_not_sent_again(self, three, client):
        for url in ("/", "/entreprises/", "/entreprises/?q=lunch", "/entreprises.json"):
            first = client.get(url)
            again = client.get(url, headers={"If-None-Match": first["ETag"]})
            assert again.status_code == 304, url
            assert not again.content

    def test_a_changed_directory_is(self, three, client):
        first = client.get("/entreprises/")
        OfferingFactory(enterprise=three[0], name="Nouvelle offre")
        again = client.get("/entreprises/", headers={"If-None-Match": first["ETag"]})
        assert again.status_code == 200
        assert again["ETag"] != first["ETag"]

    def test_the_part_that_htmx_asks_for_is_not_taken_for_the_page(self, three, client):
        whole = client.get("/entreprises/")
        part = client.get("/entreprises/", headers={"HX-Request": "true"})
        assert whole["ETag"] != part["ETag"]
        assert "HX-Request" in part["Vary"]

    def test_a_person_signed_in_gets_it_anew_and_nobody_keeps_it(self, three, member):
        response = member.get("/entreprises/")
        assert "ETag" not in response.headers
        assert "private" in response["Cache-Control"]

    def test_the_day_after_it_is_another_page(self, three, client, monkeypatch):
        first = client.get("/entreprises/")
        tomorrow = timezone.localdate() + datetime.timedelta(days=1)
        monkeypatch.setattr(timezone, "localdate", lambda *args: tomorrow)
        again = client.get("/entreprises/", headers={"If-None-Match": first["ETag"]})
        assert again.status_code == 200


def test_htmx_gets_the_same_results(three, client):
    for query in ("", "q=lunch", "ville=brossard", "q=xylophone"):
        whole = client.get(f"/entreprises/?{query}")
        part = client.get(f"/entreprises/?{query}", headers={"HX-Request": "true"})
        names = [card["name"] for card in whole.context["cards"]]
        assert [card["name"] for card in part.context["cards"]] == names
        assert "<html" not in part.content.decode()
        assert part.context["total_label"] == whole.context["total_label"]


def test_suggestions_name_sectors_cities_enterprises_and_offerings(three, client):
    def suggested(text):
        answer = client.get("/entreprises/suggestions/", {"q": text}).json()
        return {(row["kind"], row["label"]) for row in answer["suggestions"]}

    assert ("Secteur", "Alimentation et agroalimentaire") in suggested("alim")
    assert ("Ville", "Brossard") in suggested("bross")
    assert ("Entreprise", "La Table ronde") in suggested("la tab")
    assert ("Produit ou service", "Boîtes à lunch pour réunions") in suggested("boites")
    assert ("Produit ou service", "Entretien ménager de bureaux") in suggested("entretien mén")
    assert suggested("") == suggested("!") == suggested("%%") == set()
    assert ("Ville", "Laval") not in suggested("laval"), "no enterprise there"


def test_a_listing_has_all_that_its_card_needs(traiteur):
    """So that no page goes back to the enterprise for it."""
    assert Listing.objects.get().card["offerings"][0][0] == "Boîtes à lunch pour réunions"
