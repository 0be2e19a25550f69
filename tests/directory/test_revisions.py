"""What an enterprise changes in its listing: at once, or once the Pôle has decided."""

import threading

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone

from directory import revisions, sections
from directory.models import Enterprise, Offering, Representative, Revision, Section
from directory.revisions import Conflict
from tests.factories import EnterpriseFactory, OfferingFactory, UserFactory

OWNER, STAFF = Enterprise.Source.OWNER, Enterprise.Source.STAFF


def seen(enterprise, section):
    fresh = Enterprise.objects.get(pk=enterprise.pk)
    return {
        name: sections.digest(value) for name, value in sections.present(fresh, section).items()
    }


@pytest.fixture
def send(enterprise, alice, reference):
    """Sends a form opened just before, unless what it had shown is given."""

    def sent(section, /, by=alice.user, key="k", shown=None, **changes):
        fresh = Enterprise.objects.get(pk=enterprise.pk)
        return revisions.submit(
            enterprise=fresh,
            section=section,
            changes=changes,
            base_version=fresh.version,
            by=by,
            source=OWNER,
            key=key,
            seen=shown or seen(enterprise, section),
        )

    return sent


def test_a_safe_field_is_applied_at_once_and_left_to_be_looked_at(enterprise, alice, send):
    outcome = send(Section.CONTACTS, phone="+14505550199", email="")
    enterprise.refresh_from_db()
    assert enterprise.phone == "+14505550199"
    assert outcome.waiting is None
    revision = Revision.objects.get()
    assert revision == outcome.applied
    assert revision.state == "applied"
    assert revision.changes == {"phone": {"before": "", "proposed": "+14505550199"}}
    assert (revision.submitted_by, revision.base_version) == (alice.user, 1)
    assert enterprise.history.first().history_user == alice.user


def test_a_sensitive_field_waits_while_the_others_go(enterprise, send):
    outcome = send(Section.IDENTITY, name="Ateliers Aubin", mission="Nourrir")
    enterprise.refresh_from_db()
    assert (enterprise.name, enterprise.mission) == ("Les Ateliers d’Alice", "Nourrir")
    assert outcome.applied.changes.keys() == {"mission"}
    assert outcome.waiting.changes == {
        "name": {"before": "Les Ateliers d’Alice", "proposed": "Ateliers Aubin"}
    }
    assert list(revisions.waiting(enterprise)) == [outcome.waiting]


def test_nothing_new_is_nothing_kept(enterprise, send):
    outcome = send(Section.IDENTITY, name=enterprise.name, mission="")
    assert outcome == revisions.Outcome()
    assert not Revision.objects.exists()


def test_an_address_waits_with_its_city_and_not_alone(enterprise, send):
    alone = send(Section.PLACES, key="a", address="1, rue Une")
    assert alone.applied.changes.keys() == {"address"}
    moved = send(Section.PLACES, key="b", city="58007", address="2, rue Deux", serves_province=True)
    assert moved.waiting.changes.keys() == {"city", "address"}
    assert moved.applied.changes.keys() == {"serves_province"}
    enterprise.refresh_from_db()
    assert enterprise.address == "1, rue Une"
    later = send(Section.PLACES, key="c", address="3, rue Trois")
    assert later.applied is None
    assert {name: said["proposed"] for name, said in later.waiting.changes.items()} == {
        "city": "58007",
        "address": "3, rue Trois",
    }


def test_a_later_proposal_of_the_same_field_replaces_the_first(enterprise, send):
    first = send(Section.IDENTITY, key="a", name="Un", neq="1123669021").waiting
    second = send(Section.IDENTITY, key="b", name="Deux").waiting
    first.refresh_from_db()
    assert (first.state, bool(first.decided_at)) == ("withdrawn", True)
    assert {name: said["proposed"] for name, said in second.changes.items()} == {
        "name": "Deux",
        "neq": "1123669021",
    }
    assert list(revisions.waiting(enterprise)) == [second]


def test_a_proposal_of_another_field_stands_beside_the_first(enterprise, send):
    send(Section.IDENTITY, key="a", name="Un")
    send(Section.IDENTITY, key="b", neq="1123669021")
    assert [set(row.changes) for row in revisions.waiting(enterprise)] == [{"name"}, {"neq"}]


def test_asking_again_for_what_waits_adds_nothing(enterprise, send):
    first = send(Section.IDENTITY, key="a", name="Un").waiting
    assert send(Section.IDENTITY, key="b", name="Un").waiting == first
    assert Revision.objects.count() == 1


def test_a_colleague_s_proposal_is_not_replaced(enterprise, colleague, send):
    send(Section.IDENTITY, key="a", name="Un")
    send(Section.IDENTITY, key="b", name="Deux", by=colleague.user)
    assert revisions.waiting(enterprise).count() == 2


def test_a_field_changed_by_another_meanwhile_is_a_conflict(enterprise, colleague, send):
    opened = seen(enterprise, Section.CONTACTS)
    send(Section.CONTACTS, key="a", by=colleague.user, phone="+14505550111")
    with pytest.raises(Conflict) as conflict:
        send(Section.CONTACTS, key="b", shown=opened, phone="+14505550122", email="a@exemple.test")
    assert conflict.value.fields == {
        "phone": revisions.Versions(theirs="+14505550111", yours="+14505550122")
    }
    enterprise.refresh_from_db()
    assert (enterprise.phone, enterprise.email) == ("+14505550111", "")
    assert Revision.objects.count() == 1


def test_changes_of_other_fields_meanwhile_are_merged(enterprise, colleague, send):
    opened = seen(enterprise, Section.CONTACTS)
    send(Section.CONTACTS, key="a", by=colleague.user, phone="+14505550111")
    # The form sends all its fields, the telephone as it was.
    send(Section.CONTACTS, key="b", shown=opened, phone="", email="a@exemple.test")
    enterprise.refresh_from_db()
    assert (enterprise.phone, enterprise.email) == ("+14505550111", "a@exemple.test")


def test_two_who_say_the_same_do_not_conflict(enterprise, colleague, send):
    opened = seen(enterprise, Section.CONTACTS)
    for key, person in (("a", colleague.user), ("b", None)):
        arguments = {"by": person} if person else {}
        send(Section.CONTACTS, key=key, shown=opened, phone="+14505550111", **arguments)
    assert Revision.objects.count() == 1


def test_a_list_changed_meanwhile_is_a_conflict_too(enterprise, colleague, send):
    OfferingFactory(enterprise=enterprise)
    opened = seen(enterprise, Section.OFFERINGS)
    Offering.objects.update(name="Changée par le Pôle")
    with pytest.raises(Conflict) as conflict:
        send(Section.OFFERINGS, shown=opened, offerings=[])
    assert conflict.value.fields["offerings"].theirs[0]["name"] == "Changée par le Pôle"
    assert Offering.objects.exists()


def test_without_what_was_seen_the_version_decides(enterprise, alice, reference):
    def sent(version):
        return revisions.submit(
            enterprise=enterprise,
            section=Section.CONTACTS,
            changes={"phone": "+14505550122"},
            base_version=version,
            by=None,
            source=STAFF,
            key="k",
        )

    with pytest.raises(Conflict):
        sent(0)
    assert sent(1).applied


def test_the_same_form_sent_twice_is_kept_once(enterprise, send):
    opened = seen(enterprise, Section.IDENTITY)
    said = {"name": "Un", "mission": "Nourrir", "sectors": ["alimentation"]}
    first = send(Section.IDENTITY, shown=opened, **said)
    again = send(Section.IDENTITY, shown=opened, **said)
    assert again == first
    assert Revision.objects.count() == 2
    enterprise.refresh_from_db()
    assert enterprise.version == 2


def test_a_form_sent_again_says_what_is_so_by_now(enterprise, colleague, send):
    opened = seen(enterprise, Section.CONTACTS)
    said = {"phone": "+14505550111"}
    first = send(Section.CONTACTS, shown=opened, **said)
    send(Section.CONTACTS, by=colleague.user, key="k2", phone="+14505550122")
    again = send(Section.CONTACTS, shown=opened, **said)
    assert (again.applied, again.since) == (None, ("phone",))
    send(Section.CONTACTS, key="k3", **said)
    assert send(Section.CONTACTS, shown=opened, **said) == first


def test_rows_sent_again_are_still_what_was_sent(enterprise, send):
    opened = seen(enterprise, Section.CONTACTS)
    rows = [{"name": "Ada", "name_visibility": "public"}]
    first = send(Section.CONTACTS, shown=opened, contacts=rows)
    assert send(Section.CONTACTS, shown=opened, contacts=rows) == first


def test_what_was_asked_and_refused_is_said_to_have_changed(enterprise, send):
    opened = seen(enterprise, Section.IDENTITY)
    first = send(Section.IDENTITY, shown=opened, name="Un")
    first.waiting.state = "withdrawn"
    first.waiting.decided_at = timezone.now()
    first.waiting.save()
    again = send(Section.IDENTITY, shown=opened, name="Un")
    assert (again.waiting, again.since) == (None, ("name",))


def test_what_cannot_be_is_refused_even_where_it_would_wait(enterprise, send):
    EnterpriseFactory(neq="1123669021")
    with pytest.raises(ValidationError) as error:
        send(Section.IDENTITY, neq="1123669021", mission="Nourrir")
    assert set(error.value.message_dict) == {"neq"}
    enterprise.refresh_from_db()
    assert enterprise.mission == ""


def test_who_does_not_represent_the_enterprise_changes_nothing(enterprise, bob, member, send):
    for person in (bob.user, member.user):
        with pytest.raises(Enterprise.DoesNotExist):
            send(Section.CONTACTS, by=person, phone="+14505550122")
    Representative.objects.filter(enterprise=enterprise).delete()
    with pytest.raises(Enterprise.DoesNotExist):
        send(Section.CONTACTS, phone="+14505550122")
    assert not Revision.objects.exists()


def test_a_proposal_can_be_taken_back_by_the_enterprise_alone(enterprise, colleague, bob, send):
    revision = send(Section.IDENTITY, name="Un").waiting
    with pytest.raises(Revision.DoesNotExist):
        revisions.withdraw(revision=revision, by=bob.user)
    assert revisions.withdraw(revision=revision, by=colleague.user)
    assert not revisions.withdraw(revision=revision, by=colleague.user)
    revision.refresh_from_db()
    assert (revision.state, revision.decided_by) == ("withdrawn", colleague.user)


@pytest.fixture
def committed(transactional_db, reference):
    enterprise = EnterpriseFactory(published=True)
    user = UserFactory()
    Representative.objects.create(user=user, enterprise=enterprise, role="owner")
    return enterprise, user


def at_once(works):
    barrier, results = threading.Barrier(len(works)), []

    def run(work):
        try:
            barrier.wait()
            results.append(work())
        except Exception as error:
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def submission(enterprise, user, shown, key, **changes):
    return lambda: revisions.submit(
        enterprise=enterprise,
        section=Section.IDENTITY,
        changes=changes,
        base_version=1,
        by=user,
        source=OWNER,
        key=key,
        seen=shown,
    )


def test_five_parallel_sendings_of_one_form_are_one(committed):
    enterprise, user = committed
    shown = seen(enterprise, Section.IDENTITY)
    work = submission(enterprise, user, shown, "k", name="Un", mission="Nourrir")
    results = at_once([work] * 5)
    assert len({(row.applied.pk, row.waiting.pk) for row in results}) == 1
    assert Revision.objects.count() == 2
    enterprise.refresh_from_db()
    assert enterprise.version == 2


def test_of_two_parallel_changes_of_one_field_one_is_told(committed):
    enterprise, user = committed
    shown = seen(enterprise, Section.IDENTITY)
    results = at_once(
        [submission(enterprise, user, shown, str(n), mission=f"Mission {n}") for n in range(2)]
    )
    assert sorted(type(result).__name__ for result in results) == ["Conflict", "Outcome"]
    assert Revision.objects.count() == 1
