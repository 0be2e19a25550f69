"""What became of the public addresses: told from a day or a version, whoever writes, however."""

import datetime
import re
import threading

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from directory import changes, integrity
from directory import reference as reference_module
from directory.changes import Since
from directory.models import Contact, Enterprise, Listing, Region, Sector
from tests.factories import (
    CertificationFactory,
    ContactFactory,
    EnterpriseFactory,
    OfferingFactory,
    PermitFactory,
)

TODAY = datetime.date(2026, 11, 22)
ADDRESS = "/donnees/changements.json"


def execute(sql, params=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall() if cursor.description else None


def committed():
    """As if the transaction of the test ended here; gives the version of the data."""
    connection.check_constraints()
    return execute("SELECT version FROM directory_version")[0][0]


def told(version):
    """{slug: what became of it} since a version."""
    committed()
    found = changes.since(Since(version))
    return (
        {row["slug"]: "published" for row in found.published}
        | {row["slug"]: "changed" for row in found.changed}
        | {row["slug"]: row["reason"] for row in found.withdrawn}
    )


@pytest.fixture
def reference(django_db_setup, django_db_blocker):
    """The reference data, and no transaction around the test: each write is one of its own, as
    what is told depends on which came after which."""
    with django_db_blocker.unblock():
        if not Region.objects.exists():
            reference_module.load()
        names = dict(Sector.objects.values_list("pk", "name"))
        yield
        execute("TRUNCATE directory_enterprise CASCADE")
        execute("TRUNCATE directory_change, directory_commit")
        for pk, name in names.items():
            Sector.objects.filter(pk=pk).exclude(name=name).update(name=name)


@pytest.fixture
def enterprise(reference):
    return EnterpriseFactory(slug="coop", published=True, sectors=["alimentation"])


class TestWhatIsTold:
    def test_publishing_changing_and_withdrawing(self, reference):
        start = committed()
        enterprise = EnterpriseFactory(slug="coop")
        assert told(start) == {}
        Enterprise.objects.filter(pk=enterprise.pk).update(state="published", published_on=TODAY)
        assert told(start) == {"coop": "published"}
        middle = committed()
        Enterprise.objects.filter(pk=enterprise.pk).update(mission="Nourrir.")
        OfferingFactory(enterprise=enterprise)
        assert told(middle) == {"coop": "changed"}
        assert told(start) == {"coop": "published"}
        Enterprise.objects.filter(pk=enterprise.pk).update(state="archived", closing="closed")
        assert told(middle) == {"coop": "closed"}
        assert told(committed()) == {}

    def test_it_comes_back_as_published(self, enterprise):
        rows = Enterprise.objects.filter(pk=enterprise.pk)
        rows.update(state="archived", closing="other")
        start = committed()
        rows.update(state="published", closing="")
        assert told(start) == {"coop": "published"}

    def test_in_one_transaction_only_what_remains_counts(self, enterprise):
        start = committed()
        with transaction.atomic():
            rows = Enterprise.objects.filter(pk=enterprise.pk)
            rows.update(state="archived", closing="closed")
            rows.update(state="published", closing="")
            EnterpriseFactory(slug="breve", published=True).delete()
        assert told(start) == {"coop": "changed"}

    def test_a_new_address_withdraws_the_old_one_and_leads_to_the_new(self, enterprise):
        start = committed()
        Enterprise.objects.filter(pk=enterprise.pk).update(slug="coop-neuve")
        assert told(start) == {"coop": "moved", "coop-neuve": "published"}
        (row,) = changes.since(Since(start)).withdrawn
        assert row["successor"] == "coop-neuve"

    def test_two_that_swap_addresses_are_both_new(self, enterprise):
        other = EnterpriseFactory(slug="autre", published=True)
        start = committed()
        with transaction.atomic():
            for pk, slug in ((enterprise.pk, "x"), (other.pk, "coop"), (enterprise.pk, "autre")):
                Enterprise.objects.filter(pk=pk).update(slug=slug)
        assert told(start) == {"coop": "published", "autre": "published"}
        assert integrity.check(TODAY).wrong == []

    def test_of_one_withdrawn_only_the_public_reason_is_given(self, enterprise):
        successor = EnterpriseFactory(slug="suite", published=True)
        draft = EnterpriseFactory(slug="redevenue-brouillon", published=True)
        gone = EnterpriseFactory(slug="effacee", published=True)
        hidden = EnterpriseFactory(slug="cachee", published=True)
        start = committed()
        Enterprise.objects.filter(pk=enterprise.pk).update(
            state="archived", closing="replaced", replaced_by=successor, archive_reason="Secret"
        )
        Enterprise.objects.filter(pk=draft.pk).update(state="draft", slug="secret")
        Enterprise.objects.filter(pk=hidden.pk).update(
            state="archived", closing="replaced", replaced_by=draft
        )
        gone.delete()
        committed()
        found = changes.since(Since(start))
        assert found.published == found.changed == []
        assert {row["slug"]: (row["reason"], row["successor"]) for row in found.withdrawn} == {
            "coop": ("replaced", "suite"),
            "redevenue-brouillon": ("unpublished", None),
            "effacee": ("unpublished", None),
            "cachee": ("unpublished", None),
        }
        assert all(row.keys() == {"slug", "at", "reason", "successor"} for row in found.withdrawn)

    @pytest.mark.parametrize(
        "field",
        [
            {"phone": "+14505550199"},
            {"email": "neuf@coop.example"},
            {"website": "https://neuf.example"},
            {"address": "1, rue Neuve"},
            {"largest_order": 5000},
            {"busy_until": TODAY},
            {"confirmed_on": TODAY},
            {"description": "Neuve."},
            {"other_names": ["Neuf"]},
            {"accepts_cobidding": True},
        ],
    )
    def test_whatever_the_public_reads_of_it_counts(self, field, enterprise):
        start = committed()
        Enterprise.objects.filter(pk=enterprise.pk).update(**field)
        assert told(start) == {"coop": "changed"}

    @pytest.mark.parametrize(
        "field",
        [
            {"version": 12},
            {"provenance": {"name": "owner"}},
            {"confirmed_by": "owner"},
            {"confirm_every_months": 3},
            {"updated_at": timezone.now()},
        ],
    )
    def test_what_staff_alone_keep_does_not(self, field, enterprise):
        start = committed()
        Enterprise.objects.filter(pk=enterprise.pk).update(**field)
        assert told(start) == {}

    def test_what_is_written_again_the_same_does_not(self, enterprise):
        for factory in (ContactFactory, OfferingFactory, PermitFactory, CertificationFactory):
            factory(enterprise=enterprise)
        start = committed()
        enterprise.save()
        for child in (*enterprise.contacts.all(), *enterprise.offerings.all()):
            child.save()
        assert told(start) == {}

    @pytest.mark.parametrize("factory", [ContactFactory, PermitFactory, OfferingFactory])
    def test_its_parts_count_when_they_come_change_and_go(self, factory, enterprise):
        start = committed()
        part = factory(enterprise=enterprise)
        assert told(start) == {"coop": "changed"}
        start = committed()
        kept = {"name": "Autre"} if factory is not PermitFactory else {"number": "8765-4321-09"}
        type(part).objects.filter(pk=part.pk).update(**kept)
        assert told(start) == {"coop": "changed"}
        start = committed()
        part.delete()
        assert told(start) == {"coop": "changed"}

    def test_a_part_that_moves_changes_both(self, enterprise):
        other = EnterpriseFactory(slug="autre", published=True)
        contact = ContactFactory(enterprise=enterprise)
        start = committed()
        Contact.objects.filter(pk=contact.pk).update(enterprise=other)
        assert told(start) == {"coop": "changed", "autre": "changed"}

    def test_the_parts_of_a_draft_tell_nothing(self, reference):
        start = committed()
        draft = EnterpriseFactory(slug="brouillon")
        ContactFactory(enterprise=draft)
        PermitFactory(enterprise=draft)
        draft.delete()
        assert told(start) == {}

    def test_the_monthly_draw_changes_nothing(self, enterprise):
        start = committed()
        execute("UPDATE directory_listing SET position = random()")
        execute("SELECT public.directory_touch(false)")
        assert told(start) == {}
        assert committed() > start

    def test_renaming_its_sector_counts(self, enterprise):
        start = committed()
        Sector.objects.filter(slug="alimentation").update(name="Bouffe")
        assert told(start) == {"coop": "changed"}

    def test_a_field_of_several_profiles_changed_at_once_tells_of_each(self, enterprise):
        other = EnterpriseFactory(slug="autre", published=True)
        EnterpriseFactory(slug="brouillon")
        EnterpriseFactory(slug="inchangee", published=True, phone="5145550101")
        start = committed()
        Enterprise.objects.update(phone="5145550101")
        assert told(start) == {"coop": "changed", "autre": "changed"}
        start = committed()
        Enterprise.objects.filter(pk=other.pk).update(confirmed_by="Aïcha")
        assert told(start) == {}

    def test_the_columns_told_of_are_those_that_are_watched(self, reference):
        ((body,),) = execute(
            "SELECT prosrc FROM pg_proc WHERE proname='directory_enterprise_changed'"
        )
        watched = execute(
            "SELECT attname FROM pg_trigger t JOIN pg_attribute a ON attrelid = tgrelid"
            " AND attnum = ANY (tgattr) WHERE tgname = 'change_enterprise'"
        )
        told_of = set(re.findall(r"NEW\.(\w+)", body)) - {"id", "state"}
        assert {name for (name,) in watched} == told_of == set(re.findall(r"OLD\.(\w+)", body))

    def test_what_a_savepoint_wrote_counts(self, enterprise):
        start = committed()
        with transaction.atomic():
            with transaction.atomic():
                Enterprise.objects.filter(pk=enterprise.pk).update(mission="Nourrir.")
            with transaction.atomic():
                Enterprise.objects.filter(pk=enterprise.pk).update(slug="coop-neuve")
                transaction.set_rollback(True)
        assert told(start) == {"coop": "changed"}

    def test_prose_and_address_of_two_changed_together(self, enterprise):
        other = EnterpriseFactory(slug="autre", published=True)
        start = committed()
        with transaction.atomic():
            Enterprise.objects.filter(pk=enterprise.pk).update(mission="Nourrir.")
            Enterprise.objects.filter(pk=other.pk).update(slug="neuve")
        assert told(start) == {"coop": "changed", "autre": "moved", "neuve": "published"}
        assert integrity.check(TODAY).wrong == []

    def test_forgetting_versions_changes_nothing_of_what_is_told(self, enterprise):
        days = []
        for number in range(6):
            Enterprise.objects.filter(pk=enterprise.pk).update(mission=str(number))
            if number == 2:
                OfferingFactory(enterprise=EnterpriseFactory(slug="autre", published=True))
            days.append(committed())
        execute("UPDATE directory_commit SET committed_at = committed_at - (%s - version)"
                " * interval '1 day'", [days[-1]])  # fmt: skip
        today = timezone.localdate()

        def every_answer():
            asked = [Since(number) for number in range(days[-1] + 1)]
            asked += [Since(day=today - datetime.timedelta(days=back)) for back in range(15)]
            return [(changes.since(one), changes.last_day()) for one in asked]

        before = every_answer()
        assert changes.forget() > 0
        assert every_answer() == before
        assert changes.forget() == 0
        # The versions of the two addresses and, of each, the one since which it is public.
        assert execute("SELECT count(*) FROM directory_commit")[0][0] <= 4

    def test_one_row_an_address_however_often_it_changes(self, enterprise):
        for number in range(5):
            Enterprise.objects.filter(pk=enterprise.pk).update(mission=str(number))
            committed()
        ((rows,),) = execute("SELECT count(*) FROM directory_change WHERE slug = 'coop'")
        assert rows == 1
        assert execute("SELECT count(*) FROM directory_changing") == [(0,)]

    def test_what_is_remembered_amiss_is_found_out(self, enterprise):
        assert integrity.check(TODAY).wrong == []
        execute("UPDATE directory_change SET withdrawn = true WHERE slug = 'coop'")
        assert integrity.check(TODAY).wrong == ["change coop: not as its enterprise"]
        execute("DELETE FROM directory_change")
        assert integrity.check(TODAY).wrong == ["change coop: not as its enterprise"]

    def test_a_trigger_that_is_gone_is_found_out(self, enterprise):
        with transaction.atomic():
            execute("DROP TRIGGER change_update ON directory_contact")
            wrong = integrity.check(TODAY).wrong
            transaction.set_rollback(True)
        assert wrong == ["trigger change_update of directory_contact is missing"]


class TestAtOnce:
    def test_emptying_the_directory_withdraws_every_address(self, reference):
        EnterpriseFactory.create_batch(3, published=True)
        start = committed()
        execute("TRUNCATE directory_enterprise CASCADE")
        assert set(told(start).values()) == {"unpublished"}
        assert len(told(start)) == 3
        assert integrity.check(TODAY).wrong == []

    def test_emptying_the_contacts_changes_every_address(self, reference):
        enterprise = EnterpriseFactory(published=True)
        start = committed()
        execute("TRUNCATE directory_contact")
        assert told(start) == {enterprise.slug: "changed"}

    def test_what_a_slow_writer_wrote_first_is_told_after_what_a_fast_one_committed(
        self, reference
    ):
        """A reader who came between the two is told of the slow one the next time."""
        slow, fast = (EnterpriseFactory(published=True, slug=slug) for slug in ("lent", "vif"))
        start = committed()
        written, read = threading.Event(), threading.Event()

        def write_slowly():
            with transaction.atomic():
                Enterprise.objects.filter(pk=slow.pk).update(phone="+14505550101")
                written.set()
                read.wait(10)
            connections.close_all()

        writer = threading.Thread(target=write_slowly)
        writer.start()
        assert written.wait(10)
        Enterprise.objects.filter(pk=fast.pk).update(phone="+14505550102")
        between = changes.since(Since(start))
        read.set()
        writer.join()
        assert [row["slug"] for row in between.changed] == ["vif"]
        after = changes.since(Since(between.version))
        assert [row["slug"] for row in after.changed] == ["lent"]

    def test_a_contact_written_while_its_enterprise_is_archived_revives_no_address(self, reference):
        enterprise = EnterpriseFactory(slug="coop", published=True)
        contact = ContactFactory(enterprise=enterprise)
        start = committed()
        archived, go = threading.Event(), threading.Event()

        def archive():
            with transaction.atomic():
                rows = Enterprise.objects.filter(pk=enterprise.pk)
                rows.update(state="archived", closing="closed")
                archived.set()
                go.wait(10)
            connections.close_all()

        def call():
            Contact.objects.filter(pk=contact.pk).update(name="Autre")
            connections.close_all()

        one, other = threading.Thread(target=archive), threading.Thread(target=call)
        one.start()
        assert archived.wait(10)
        other.start()
        other.join(0.5)  # it waits for the first
        go.set()
        one.join()
        other.join()
        assert told(start) == {"coop": "closed"}
        assert integrity.check(TODAY).wrong == []

    def test_a_write_rolled_back_leaves_nothing(self, reference):
        enterprise = EnterpriseFactory(published=True)
        start = committed()
        with transaction.atomic():
            Enterprise.objects.filter(pk=enterprise.pk).update(state="archived", closing="closed")
            transaction.set_rollback(True)
        assert told(start) == {}
        assert execute("SELECT count(*) FROM directory_changing") == [(0,)]


class TestTheAddress:
    def ask(self, client, query=""):
        response = client.get(f"{ADDRESS}?{query}")
        assert response.status_code == 200
        return response.json()

    def test_it_tells_since_a_version_and_gives_the_next(self, enterprise, client):
        start = committed()
        Enterprise.objects.filter(pk=enterprise.pk).update(mission="Nourrir.")
        answer = self.ask(client, f"depuis={start}")
        (row,) = answer["changed"]
        assert row["slug"] == "coop"
        assert row["url"] == reverse("directory:detail", args=["coop"])
        assert answer["version"] == committed()
        again = self.ask(client, f"depuis={answer['version']}")
        assert again["published"] == again["changed"] == again["withdrawn"] == []

    def test_it_tells_since_the_beginning_of_a_day(self, enterprise, client):
        committed()
        Enterprise.objects.filter(pk=enterprise.pk).update(mission="Nourrir.")
        committed()
        today = timezone.localdate()
        slugs = [row["slug"] for row in self.ask(client, f"depuis={today}")["published"]]
        assert slugs == ["coop"]
        tomorrow = self.ask(client, f"depuis={today + datetime.timedelta(1)}")
        assert tomorrow["published"] == tomorrow["changed"] == []
        assert self.ask(client, "depuis=1999-01-01")["published"]

    def test_without_a_day_it_tells_everything(self, enterprise, client):
        assert [row["slug"] for row in self.ask(client)["published"]] == ["coop"]
        assert self.ask(client)["since"] is None

    @pytest.mark.parametrize(
        "value",
        ["hier", "0000-00-00", "2026-02-30", "20261101", "-1", "1e3", "٣", "9" * 30, "9" * 18],
    )
    def test_what_cannot_be_read_is_said_and_everything_told(self, value, enterprise, client):
        answer = self.ask(client, f"depuis={value}")
        if value == "20261101":  # a version that does not exist yet
            assert answer["notices"]
        assert answer["notices"], value
        assert [row["slug"] for row in answer["published"]] == ["coop"]

    @pytest.mark.parametrize("value", ["9999-12-31", "2026-11-01"])
    def test_every_day_of_the_calendar_is_one(self, value, enterprise, client):
        assert self.ask(client, f"depuis={value}")["notices"] == []

    def test_a_long_list_comes_in_parts_that_miss_none(self, reference, client, monkeypatch):
        monkeypatch.setattr(changes, "BATCH", 4)
        start = committed()
        expected = set()
        for size in (6, 3, 1):  # transactions
            expected |= {row.slug for row in EnterpriseFactory.create_batch(size, published=True)}
            committed()
        found, address = [], f"{ADDRESS}?depuis={start}"
        while address:
            answer = client.get(address).json()
            assert len(answer["published"]) <= 4
            found += [row["slug"] for row in answer["published"]]
            address = answer["next"]
        assert sorted(found) == sorted(expected)

    def test_a_part_that_cannot_be_read_is_said(self, enterprise, client):
        for value in ("x", "1:", "1:a b", ":coop", "9" * 30 + ":coop"):
            assert self.ask(client, f"suite={value}")["notices"], value

    def test_it_takes_two_statements(self, reference, client):
        for number in range(2):
            EnterpriseFactory.create_batch(10 * number + 1, published=True)
            committed()
            client.get(ADDRESS)
            with CaptureQueriesContext(connection) as queries:
                client.get(ADDRESS)
            asked = [q for q in queries if not q["sql"].startswith("SET CONSTRAINTS")]
            assert len(asked) == 2


class TestThePage:
    def test_it_says_how_many_how_heavy_and_since_when(self, enterprise, client):
        page = client.get("/donnees/")
        assert page.context["total"] == "1\xa0entreprise" or "1 entreprise" in page.context["total"]
        assert all("environ" in file["size"] for file in page.context["files"])
        assert page.context["changed"]
        assert Listing.objects.count() == 1

    def test_its_examples_are_real_and_public(self, enterprise, client):
        ContactFactory(enterprise=enterprise, name="Réservée", name_visibility="buyers")
        Enterprise.objects.filter(pk=enterprise.pk).update(
            neq="1101234569", latitude=45.5, longitude=-73.5, geo_precision="exact"
        )
        rows = {
            row["name"]: row
            for group in client.get("/donnees/").context["groups"]
            for row in group["columns"]
        }
        assert rows["neq"]["example"] == "1101234569"
        assert rows["latitude"]["example"] == "45,5"
        assert rows["latitude"]["type"] == "nombre"
        assert rows["contact_name"]["example"] == ""

    def test_of_an_empty_directory_it_still_tells_the_columns(self, reference, client):
        page = client.get("/donnees/")
        assert page.status_code == 200
        assert page.context["groups"]

    def test_it_says_that_no_licence_is_chosen_until_one_is(self, enterprise, client, settings):
        assert "pas encore choisi de licence" in client.get("/donnees/").content.decode()
        settings.DATA_LICENCE = "CC-BY 4.0"
        settings.DATA_LICENCE_URL = "https://creativecommons.org/licenses/by/4.0/deed.fr"
        page = client.get("/donnees/").content.decode()
        assert "pas encore choisi" not in page
        assert 'rel="license' in page

    def test_sizes_are_taken_once_a_version(self, enterprise, client):
        counts = []
        for _ in range(3):  # what is drawn is kept from the second, which finds the counts taken
            with CaptureQueriesContext(connection) as queries:
                client.get("/donnees/")
            counts.append(len([q for q in queries if not q["sql"].startswith("SET CONSTRAINTS")]))
        assert counts[2] == 2 < counts[0]

    def test_the_schema_is_one(self, reference, client):
        response = client.get("/donnees/schema.json")
        assert response.headers["Content-Type"] == "application/schema+json"
        assert response.json()["type"] == "object"
