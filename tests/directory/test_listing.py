"""`Listing` is what its sources say, whoever writes them, however, and however many at once."""

import datetime
import random
import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, OperationalError, connection, connections, transaction
from django.test import Client

from directory import integrity, state
from directory.facets import Dimension, code
from directory.models import (
    Benefit,
    Certification,
    City,
    Contact,
    Enterprise,
    EnterpriseBenefit,
    Listing,
    Offering,
    Recognition,
    Region,
    Sector,
    Status,
)
from tests.factories import (
    CertificationFactory,
    EnterpriseFactory,
    OfferingFactory,
    RecognitionFactory,
    UserFactory,
)
from tests.signing_in import sign_in

TODAY = datetime.date(2026, 11, 22)


def execute(sql, params=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall() if cursor.description else None


def version():
    return execute("SELECT version, vocabulary FROM directory_version")[0]


def drift():
    return integrity.check(TODAY).wrong


@pytest.fixture
def enterprise(reference):
    return EnterpriseFactory(name="Coop Été", published=True, sectors=["alimentation"])


@pytest.mark.django_db
class TestWhatARowHolds:
    def test_a_draft_has_none_and_publishing_gives_it_one(self, reference):
        enterprise = EnterpriseFactory(name="Coop Été")
        assert not Listing.objects.exists()
        enterprise.state, enterprise.published_on = "published", TODAY
        enterprise.save()
        assert Listing.objects.get().sort_name == "coop ete"

    def test_archiving_takes_it_away_and_deleting_too(self, enterprise):
        Enterprise.objects.filter(pk=enterprise.pk).update(state="archived", closing="closed")
        assert not Listing.objects.exists()
        Enterprise.objects.filter(pk=enterprise.pk).update(state="published", closing="")
        assert Listing.objects.exists()
        enterprise.delete()
        assert not Listing.objects.exists()

    def test_it_counts_for_its_places_form_sectors_benefits_and_categories(self, enterprise):
        city = enterprise.city
        EnterpriseBenefit.objects.create(enterprise=enterprise, benefit=Benefit.objects.first())
        assert set(Listing.objects.get().facets) == {
            code(Dimension.SECTOR, Sector.objects.get(slug="alimentation").pk),
            code(Dimension.REGION, city.county.region_id),
            code(Dimension.COUNTY, city.county_id),
            code(Dimension.CITY, city.pk),
            code(Dimension.FORM, Enterprise.LegalForm.values.index("npo") + 1),
            code(Dimension.BENEFIT, Benefit.objects.first().pk),
        }

    @pytest.mark.parametrize("form", Enterprise.LegalForm.values)
    def test_legal_forms_have_the_same_number_in_the_database(self, reference, form):
        ((number,),) = execute("SELECT public.directory_legal_form_number(%s)", [form])
        assert number == code(Dimension.FORM, Enterprise.LegalForm.values.index(form) + 1)

    def test_without_a_territory_it_serves_its_city(self, enterprise):
        assert Listing.objects.get().territory == [code(Dimension.CITY, enterprise.city_id)]

    def test_its_territory_is_its_own_and_that_of_its_offerings(self, enterprise):
        offering = OfferingFactory(enterprise=enterprise)
        region, city = Region.objects.get(code="13"), City.objects.get(code="58007")
        enterprise.served_regions.add(region)
        offering.served_cities.add(city)
        assert Listing.objects.get().territory == [
            code(Dimension.REGION, region.pk),
            code(Dimension.CITY, city.pk),
        ]
        offering.delete()
        assert Listing.objects.get().territory == [code(Dimension.REGION, region.pk)]

    def test_nothing_in_it_depends_on_the_day(self, enterprise):
        CertificationFactory(enterprise=enterprise, expires_on=datetime.date(2020, 1, 1))
        RecognitionFactory(
            enterprise=enterprise,
            recognised_on=datetime.date(2019, 1, 1),
            expires_on=datetime.date(2020, 1, 1),
        )
        row = Listing.objects.get()
        assert row.statuses_until == [datetime.date(2020, 1, 1)]
        assert row.recognised_until == datetime.date(2020, 1, 1)

    def test_without_a_position_it_stands_at_its_city(self, enterprise):
        row = Listing.objects.get()
        assert (row.latitude, row.longitude) == (
            enterprise.city.latitude,
            enterprise.city.longitude,
        )

    def test_its_neutral_position_survives_a_change(self, enterprise):
        position = Listing.objects.get().position
        OfferingFactory(enterprise=enterprise)
        assert Listing.objects.get().position == position

    def test_renaming_a_sector_changes_the_words_it_is_found_by(self, enterprise):
        Sector.objects.filter(slug="alimentation").update(name="Zythologie")
        assert "zytholog" in Listing.objects.get().search
        assert not drift()

    def test_moving_a_city_moves_its_listings(self, enterprise):
        other = City.objects.exclude(county__region=enterprise.city.county.region).first()
        City.objects.filter(pk=enterprise.city_id).update(county=other.county, latitude=46)
        row = Listing.objects.get()
        assert code(Dimension.COUNTY, other.county_id) in row.facets
        assert row.latitude == 46


@pytest.mark.django_db
class TestASavePaysForWhatItChanged:
    def written(self):
        """Which version of its row each listing is."""
        return dict(execute("SELECT enterprise_id, ctid::text FROM directory_listing"))

    def test_what_a_listing_does_not_hold_leaves_it_as_it_is(self, enterprise):
        connection.check_constraints()
        row, before = self.written(), version()
        Enterprise.objects.filter(pk=enterprise.pk).update(phone="5145550101")
        connection.check_constraints()
        assert self.written() == row
        assert version() == (before[0] + 1, before[1])

    def test_prose_and_dates_are_all_that_a_save_of_them_changes(self, enterprise):
        for number in range(2):
            OfferingFactory(enterprise=enterprise, description=f"Traiteurs végétaux {number}")
        rows = Enterprise.objects.filter(pk=enterprise.pk)
        rows.update(
            mission="Zythologie pour tous", busy_until=TODAY, confirmed_on=TODAY, description="Bref"
        )
        assert not drift()
        row = Listing.objects.get()
        assert "zytholog" in row.search
        assert "vegetal" in row.search
        assert (row.card["busy"], row.confirmed_on) == (TODAY.isoformat(), TODAY)
        rows.update(mission="", busy_until=None, confirmed_on=None)
        assert not drift()
        assert "zytholog" not in Listing.objects.get().search

    def test_without_an_offering_its_mission_is_on_its_card(self, enterprise):
        rows = Enterprise.objects.filter(pk=enterprise.pk)
        rows.update(mission="M" * 200)
        assert Listing.objects.get().card["mission"] == "M" * 160
        OfferingFactory(enterprise=enterprise)
        rows.update(mission="Nourrir")
        assert Listing.objects.get().card["mission"] == ""
        assert not drift()

    def test_one_statement_may_change_prose_here_and_a_name_there(self, enterprise):
        EnterpriseFactory(name="Autre", published=True)
        EnterpriseFactory(name="Brouillon")
        execute(
            "UPDATE directory_enterprise SET mission = 'Nourrir',"
            " name = CASE name WHEN 'Autre' THEN 'Renommée' ELSE name END"
        )
        assert not drift()
        assert set(Listing.objects.values_list("sort_name", flat=True)) == {"coop ete", "renommee"}

    def test_one_statement_may_change_prose_and_a_part(self, enterprise):
        OfferingFactory(enterprise=enterprise)
        execute(
            "WITH described AS (UPDATE directory_offering SET description = 'Zythologie')"
            " UPDATE directory_enterprise SET mission = 'Nourrir'"
        )
        assert "zytholog" in Listing.objects.get().search
        assert not drift()

    def test_a_row_that_was_lost_comes_back_with_a_save_of_prose(self, enterprise):
        execute("DELETE FROM directory_listing")
        Enterprise.objects.filter(pk=enterprise.pk).update(mission="Nourrir")
        assert not drift()

    def test_every_column_that_the_truth_reads_is_watched(self, db):
        ((body,),) = execute("SELECT prosrc FROM pg_proc WHERE proname='directory_source_changed'")
        read = execute(
            "SELECT column_name FROM information_schema.view_column_usage"
            " WHERE view_name = 'directory_listing_truth' AND table_name = 'directory_enterprise'"
        )
        assert len(read) > 15
        assert [name for (name,) in read if f"n.{name}" not in body] == []

    def test_words_of_several_descriptions_are_those_of_one_text(self, enterprise):
        texts = ["Taille d’arbres, 3.5 m ; œuvres", "", "1e5 a-b http://coop.example/x", "s"]
        for position, text in enumerate(texts):
            OfferingFactory(enterprise=enterprise, description=text, position=position)
        Enterprise.objects.filter(pk=enterprise.pk).update(mission="Nourrir. ", description="Fin")
        ((same,),) = execute(
            "SELECT search = keywords || to_tsvector('directory_french', normalise(%s))"
            " FROM directory_listing",
            [" ".join([*texts, "Nourrir. ", "Fin"])],
        )
        assert same


@pytest.mark.django_db
class TestIntegrity:
    def test_a_row_changed_by_hand_is_found_out(self, enterprise):
        assert not drift()
        execute("UPDATE directory_listing SET facets = '{1}', card = '{}'")
        assert drift() == [f"listing {enterprise.pk}: facets, card"]
        with pytest.raises(CommandError):
            call_command("check_integrity")

    def test_a_row_lost_and_one_left_over_are_found_out(self, enterprise):
        execute("UPDATE directory_listing SET enterprise_id = 999999")
        assert drift() == [f"listing {enterprise.pk}: missing", "listing 999999: left over"]

    def test_a_trigger_turned_off_is_found_out(self, enterprise):
        execute("ALTER TABLE directory_offering DISABLE TRIGGER listing_update")
        assert drift() == ["trigger listing_update of directory_offering is disabled"]

    def test_a_trigger_that_is_gone_is_found_out(self, enterprise):
        execute("DROP TRIGGER listing_detail ON directory_contact")
        assert drift() == ["trigger listing_detail of directory_contact is missing"]

    def test_counts_that_no_longer_hold_are_found_out(self, enterprise):
        connection.check_constraints()
        current = state.current()
        assert current.whole.total == 1
        execute("UPDATE directory_snapshot SET total = 7")
        assert integrity.check(current.today).wrong == ["snapshot total: 7 stored, 1 counted"]

    def test_a_renaming_in_the_queue_is_pending_not_wrong(self, enterprise):
        sector = enterprise.sectors.get()
        connection.check_constraints()  # a sector just made may be told to follow another
        execute("ALTER TABLE directory_sector DISABLE TRIGGER label_update")
        Sector.objects.filter(pk=sector.pk).update(name="Zythologie")
        execute("ALTER TABLE directory_sector ENABLE TRIGGER label_update")
        assert len(drift()) == 1
        execute(
            "INSERT INTO directory_renaming (dimension, row_id) VALUES (%s, %s)",
            [Dimension.SECTOR, sector.pk],
        )
        report = integrity.check(TODAY)
        assert (report.wrong, report.pending) == ([], 1)
        call_command("refresh_listings")
        report = integrity.check(TODAY)
        assert (report.wrong, report.pending) == ([], 0)
        assert "zytholog" in Listing.objects.get().search

    def test_a_label_borne_by_thousands_is_queued(self, reference):
        city = City.objects.get(code="58227")
        Enterprise.objects.bulk_create(
            Enterprise(
                name=f"Entreprise {number}",
                slug=f"entreprise-{number}",
                legal_form="npo",
                city=city,
                state="published",
                published_on=TODAY,
            )
            for number in range(2001)
        )
        City.objects.filter(pk=city.pk).update(name="Longueuil-sur-Mer")
        report = integrity.check(TODAY)
        assert (report.wrong, report.pending) == ([], 2001)
        call_command("refresh_listings")
        assert integrity.check(TODAY).pending == 0


@pytest.mark.django_db(transaction=True)
class TestVersion:
    def test_it_moves_once_at_the_commit_of_a_write_and_not_before(self, reference):
        before = version()
        with transaction.atomic():
            for number in range(3):
                EnterpriseFactory(name=f"Atelier {number}", published=True)
            assert version() == before
        assert version() == (before[0] + 1, before[1])

    def test_it_stays_when_the_write_is_rolled_back(self, reference):
        before = version()
        with transaction.atomic():
            EnterpriseFactory(published=True)
            transaction.set_rollback(True)
        assert version() == before

    def test_a_contact_changes_it_and_a_label_changes_that_of_the_vocabulary(self, reference):
        enterprise = EnterpriseFactory(published=True)
        before = version()
        Contact.objects.create(enterprise=enterprise, name="Aïcha")
        assert version() == (before[0] + 1, before[1])
        Sector.objects.filter(slug="habitation").update(name="Logement")
        assert version() == (before[0] + 2, before[0] + 2)

    def test_a_long_write_keeps_no_other_waiting(self, reference):
        with transaction.atomic():
            EnterpriseFactory(name="Longue", published=True)

            def meanwhile():
                EnterpriseFactory(name="Courte", published=True)

            assert in_threads([meanwhile]) == []
        assert Listing.objects.count() == 2

    def test_truncating_leaves_no_listing(self, reference):
        EnterpriseFactory(published=True)
        before = version()
        execute("TRUNCATE directory_enterprise CASCADE")
        assert not Listing.objects.exists()
        assert version()[0] > before[0]

    def test_truncating_a_child_table_leaves_the_listings_without_it(self, reference):
        OfferingFactory()
        execute("TRUNCATE directory_offering CASCADE")
        assert Listing.objects.get().card["offerings"] == []
        assert not drift()


def in_threads(functions):
    """Run each in a thread with a connection of its own; give the exceptions they ended with."""
    failures = []

    def run(function):
        try:
            function()
        except Exception as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[function]) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


@pytest.mark.django_db(transaction=True)
class TestConcurrentWriters:
    def test_two_writers_of_one_enterprise_both_count(self, reference):
        enterprise = EnterpriseFactory(published=True)
        start = threading.Barrier(8)

        def writer(number):
            def write():
                start.wait()
                with transaction.atomic():
                    Offering.objects.create(
                        enterprise_id=enterprise.pk, kind="service", name=f"Service {number}"
                    )
                    execute("SELECT pg_sleep(0.02)")

            return write

        assert in_threads([writer(number) for number in range(8)]) == []
        names = {name for name, _ in Listing.objects.get().card["offerings"]}
        assert names == {f"Service {number}" for number in range(8)}
        assert not drift()

    def test_a_child_and_its_enterprise_written_at_once_both_count(self, reference):
        enterprise = EnterpriseFactory(published=True)

        def rename():
            Enterprise.objects.filter(pk=enterprise.pk).update(name="Nouveau nom")

        def offer():
            Offering.objects.create(enterprise_id=enterprise.pk, kind="service", name="Tonte")

        assert in_threads([rename, offer] * 4) == []
        row = Listing.objects.get()
        assert row.card["name"] == "Nouveau nom"
        assert len(row.card["offerings"]) == 4
        assert not drift()

    def test_prose_and_parts_written_at_once_all_count(self, reference):
        enterprise = EnterpriseFactory(published=True)
        start = threading.Barrier(8)

        def tell(number):
            def write():
                start.wait()
                for again in range(5):
                    with transaction.atomic():
                        Enterprise.objects.filter(pk=enterprise.pk).update(
                            mission=f"mission{number}{again}"
                        )
                        execute("SELECT pg_sleep(0.002)")

            return write

        def offer(number):
            def write():
                start.wait()
                for again in range(5):
                    with transaction.atomic():
                        OfferingFactory(enterprise=enterprise, description=f"mot{number}{again}x")
                        execute("SELECT pg_sleep(0.002)")

            return write

        writers = [tell(number) for number in range(4)] + [offer(number) for number in range(4)]
        assert in_threads(writers) == []
        row = Listing.objects.get()
        assert len(row.card["offerings"]) == 20
        assert all(
            f"mot{number}{again}x" in row.search for number in range(4) for again in range(5)
        )
        assert not drift()

    def test_a_statement_on_several_enterprises_locks_them_in_one_order(self, reference):
        ids = [EnterpriseFactory(published=True).pk for _ in range(6)]

        def writer(order):
            def write():
                for number in range(10):
                    Offering.objects.bulk_create(
                        Offering(enterprise_id=pk, kind="service", name=f"Service {number}")
                        for pk in order
                    )

            return write

        assert in_threads([writer(ids), writer(ids[::-1])] * 2) == []
        assert not drift()
        assert all(len(row.card["offerings"]) == 40 for row in Listing.objects.all())

    def test_a_listing_written_while_its_sector_is_renamed_bears_the_new_name(self, reference):
        enterprise = EnterpriseFactory(published=True)
        sector = Sector.objects.get(slug="habitation")
        written, renaming = threading.Event(), threading.Event()

        def classify():
            with transaction.atomic():
                enterprise.sectors.add(sector)
                written.set()
                renaming.wait(5)
                execute("SELECT pg_sleep(0.2)")

        def rename():
            written.wait(5)
            renaming.set()
            Sector.objects.filter(pk=sector.pk).update(name="Zythologie")

        assert in_threads([classify, rename]) == []
        assert "zytholog" in Listing.objects.get().search
        assert not drift()

    def test_a_listing_written_after_a_renaming_began_bears_the_new_name(self, reference):
        enterprise = EnterpriseFactory(published=True)
        sector = Sector.objects.get(slug="habitation")
        EnterpriseFactory(name="Autre", published=True, sectors=[sector])
        renamed = threading.Event()

        def rename():
            with transaction.atomic():
                Sector.objects.filter(pk=sector.pk).update(name="Zythologie")
                renamed.set()
                execute("SELECT pg_sleep(0.3)")

        def classify():
            renamed.wait(5)
            enterprise.sectors.add(sector)

        assert in_threads([rename, classify]) == []
        assert (
            Listing.objects.filter(facets__contains=[code(Dimension.SECTOR, sector.pk)]).count()
            == 2
        )
        assert not drift()

    def test_a_write_that_locks_its_enterprises_first_meets_no_deadlock(self, reference):
        ids = [EnterpriseFactory(published=True).pk for _ in range(4)]

        def writer(order):
            def write():
                for number in range(8):
                    with transaction.atomic():
                        Enterprise.objects.lock(order)
                        for pk in order:
                            Enterprise.objects.filter(pk=pk).update(mission=f"Mission {number}")

            return write

        assert in_threads([writer(ids), writer(ids[::-1])]) == []
        assert not drift()


#: What a write says of a row that another deleted under its feet.
DELETED_MEANWHILE = ("foreign key", "did not affect any rows")


def random_write(chance, cities, sectors, statuses, desk):
    """One write of a kind drawn at random: the ORM, in bulk, the admin or hand-written SQL."""
    ids = list(Enterprise.objects.values_list("pk", flat=True))
    some = chance.sample(ids, min(len(ids), 3))
    one = chance.choice(ids) if ids else None

    def create():
        EnterpriseFactory(
            name=f"Entreprise {chance.random()}",
            slug=f"e-{chance.getrandbits(60)}",
            published=chance.random() < 0.8,
            city=chance.choice(cities),
        )

    def create_many():
        Enterprise.objects.bulk_create(
            Enterprise(
                name=f"Lot {chance.random()}",
                slug=f"l-{chance.getrandbits(60)}",
                legal_form=chance.choice(Enterprise.LegalForm.values),
                city=chance.choice(cities),
                state="published",
                published_on=TODAY,
            )
            for _ in range(3)
        )

    def rename():
        row = Enterprise.objects.filter(pk=one).first()
        if row:
            row.name, row.mission = f"Renommée {chance.random()}", "Une mission"
            # Not made anew where somebody deleted it meanwhile: two would do so at once.
            row.save(force_update=True)

    def rewrite():
        Enterprise.objects.filter(pk__in=some).update(
            mission=f"Mission {chance.random()}",
            busy_until=chance.choice([None, TODAY]),
            confirmed_on=chance.choice([None, TODAY]),
        )

    def describe():
        Offering.objects.filter(enterprise_id=one).update(description=f"Pour {chance.random()}")

    def move():
        Enterprise.objects.filter(pk__in=some).update(city=chance.choice(cities))

    def turn():
        Enterprise.objects.filter(pk__in=some).update(
            state="published", published_on=TODAY, closing="", archive_reason=""
        )

    def archive():
        execute(
            "UPDATE directory_enterprise SET state = 'archived', closing = 'closed' WHERE id = %s",
            [one],
        )

    def classify():
        row = Enterprise.objects.filter(pk=one).first()
        if row:
            row.sectors.set(chance.sample(sectors, 2))

    def serve():
        execute(
            "INSERT INTO directory_enterprise_served_cities (enterprise_id, city_id)"
            " SELECT id, %s FROM directory_enterprise WHERE id = ANY (%s) ON CONFLICT DO NOTHING",
            [chance.choice(cities).pk, some],
        )

    def offer():
        Offering.objects.bulk_create(
            Offering(enterprise_id=pk, kind="service", name=f"Service {chance.random()}")
            for pk in some
        )

    def offer_elsewhere():
        row = Offering.objects.filter(enterprise_id=one).first()
        if row:
            row.served_cities.add(chance.choice(cities))

    def withdraw():
        Offering.objects.filter(enterprise_id=one).delete()

    def certify():
        Certification.objects.create(
            enterprise_id=one, status=chance.choice(statuses), number=str(chance.random())
        )

    def recognise():
        Recognition.objects.create(
            enterprise_id=one,
            criteria=Recognition.Criterion.values,
            recognised_on=TODAY,
            expires_on=TODAY + datetime.timedelta(days=chance.randint(1, 900)),
        )

    def relabel():
        Sector.objects.filter(pk=chance.choice(sectors).pk).update(name=f"S {chance.random()}")

    def offer_at_the_desk():
        desk.post(
            "/admin/directory/offering/add/",
            {
                "enterprise": one,
                "kind": "service",
                "name": f"Au guichet {chance.random()}",
                "position": "0",
                "served_cities": [chance.choice(cities).pk],
            },
        )

    def delete():
        Enterprise.objects.filter(pk=one).delete()

    write = chance.choice(
        [
            create, create_many, rename, rewrite, describe, move, turn, archive, classify, serve,
            offer, offer_elsewhere, withdraw, certify, recognise, relabel, delete,
            offer_at_the_desk,
        ]
        if one
        else [create]
    )  # fmt: skip
    with transaction.atomic():
        write()
        if chance.random() < 0.1:
            transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", [1, 2])
def test_random_writes_by_several_writers_leave_no_drift(reference, seed):
    """What a deadlock or a row deleted meanwhile undid is undone whole: no drift either."""
    cities = list(City.objects.filter(county__code="580"))
    sectors, statuses = list(Sector.objects.all()), list(Status.objects.all())
    clerk = UserFactory(is_staff=True, is_superuser=True)
    for number in range(5):
        EnterpriseFactory(name=f"Première {number}", published=True)

    def writer(number):
        def write():
            chance = random.Random(f"{seed}-{number}")
            desk = Client()
            sign_in(desk, clerk)
            for _ in range(80):
                try:
                    random_write(chance, cities, sectors, statuses, desk)
                except (OperationalError, transaction.TransactionManagementError):
                    pass  # a deadlock victim
                except DatabaseError as error:
                    if not any(said in str(error) for said in DELETED_MEANWHILE):
                        raise

        return write

    assert in_threads([writer(number) for number in range(4)]) == []
    assert Offering.objects.filter(name__startswith="Au guichet").exists()
    report = integrity.check(TODAY)
    assert report.wrong == []
    assert report.listings == Enterprise.objects.published().count() > 0
    assert not execute("SELECT * FROM directory_touch")
