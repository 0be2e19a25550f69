"""Acts on many listings, and taking them back."""

import threading

import pytest
from django.db import connection

from directory import acts
from directory.models import AuditEntry, BulkAct, Enterprise, Listing
from tests.factories import EnterpriseFactory, SectorFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def by():
    return UserFactory(is_staff=True)


def states(*enterprises):
    rows = Enterprise.objects.in_bulk([row.pk for row in enterprises])
    return [rows[row.pk].state for row in enterprises]


def test_drafts_are_published_and_the_act_taken_back(by):
    first, second = EnterpriseFactory(), EnterpriseFactory()
    done = acts.publish(ids=[first.pk, second.pk], by=by)
    assert done.changed == 2
    assert states(first, second) == ["published", "published"]
    assert Listing.objects.count() == 2
    done = acts.undo(act=done.act, by=by)
    assert (done.changed, done.left) == (2, [])
    assert states(first, second) == ["draft", "draft"]
    first.refresh_from_db()
    assert first.published_on is None
    assert first.version == 3
    assert not Listing.objects.exists()


def test_what_an_act_leaves_alone_is_said_with_its_reason(by):
    draft, published = EnterpriseFactory(), EnterpriseFactory(published=True)
    done = acts.publish(ids=[draft.pk, published.pk], by=by)
    assert done.changed == 1
    assert done.left == [(published, "déjà publiée")]
    published.refresh_from_db()
    assert published.version == 1


def test_an_act_that_changes_nothing_leaves_no_trace(by):
    done = acts.publish(ids=[EnterpriseFactory(published=True).pk], by=by)
    assert done.act is None
    assert not BulkAct.objects.exists()
    assert not AuditEntry.objects.exists()


def test_an_archived_listing_keeps_its_reason_and_gives_it_up_when_taken_back(by):
    enterprise = EnterpriseFactory(published=True)
    done = acts.archive(ids=[enterprise.pk], closing="closed", reason="Faillite", by=by)
    enterprise.refresh_from_db()
    assert (enterprise.closing, enterprise.archive_reason) == ("closed", "Faillite")
    acts.undo(act=done.act, by=by)
    enterprise.refresh_from_db()
    assert (enterprise.state, enterprise.closing, enterprise.archive_reason) == (
        "published",
        "",
        "",
    )


def test_a_sector_is_added_to_the_others_and_taken_back(by):
    kept, given = SectorFactory(slug="culture"), SectorFactory(slug="alimentation")
    enterprise = EnterpriseFactory(published=True)
    enterprise.sectors.add(kept)
    done = acts.give_sector(ids=[enterprise.pk], sector=given, by=by)
    assert set(enterprise.sectors.all()) == {kept, given}
    acts.undo(act=done.act, by=by)
    assert set(enterprise.sectors.all()) == {kept}
    enterprise.refresh_from_db()
    assert "sectors" not in enterprise.provenance


def test_what_was_written_since_is_not_taken_back(by):
    first, second = EnterpriseFactory(), EnterpriseFactory()
    done = acts.publish(ids=[first.pk, second.pk], by=by)
    Enterprise.objects.filter(pk=first.pk).update(version=9)
    done = acts.undo(act=done.act, by=by)
    assert done.changed == 1
    assert done.left == [(first, "modifiée depuis")]
    assert states(first, second) == ["published", "draft"]


def test_an_act_is_taken_back_once(by):
    act = acts.publish(ids=[EnterpriseFactory().pk], by=by).act
    acts.undo(act=act, by=by)
    with pytest.raises(acts.AlreadyUndone):
        acts.undo(act=act, by=by)


def test_more_listings_than_one_act_takes_are_refused(by, monkeypatch):
    monkeypatch.setattr(acts, "MOST", 1)
    ids = [EnterpriseFactory().pk, EnterpriseFactory().pk]
    with pytest.raises(acts.TooMany):
        acts.publish(ids=ids, by=by)
    assert not Enterprise.objects.published().exists()


def test_history_says_who_did_it_and_why(by):
    enterprise = EnterpriseFactory()
    acts.publish(ids=[enterprise.pk], by=by)
    last = enterprise.history.first()
    assert (last.history_user, last.history_change_reason) == (by, "1 fiche publiée")


@pytest.mark.django_db(transaction=True)
def test_of_two_who_take_the_same_act_back_one_does(by):
    act = acts.publish(ids=[EnterpriseFactory().pk], by=by).act
    outcomes = []

    def take_back():
        try:
            outcomes.append(acts.undo(act=act, by=by).changed)
        except acts.AlreadyUndone:
            outcomes.append("already")
        finally:
            connection.close()

    threads = [threading.Thread(target=take_back) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, outcomes)) == ["1", "already"]


def test_an_act_is_taken_back_without_the_sector_that_was_deleted_since(by):
    enterprise = EnterpriseFactory()
    kept, former, given = (SectorFactory(slug=slug) for slug in ("culture", "textile", "bois"))
    enterprise.sectors.set([kept, former])
    act = acts.give_sector(ids=[enterprise.pk], sector=given, by=by).act
    former.delete()
    done = acts.undo(act=act, by=by)
    connection.check_constraints()
    assert set(enterprise.sectors.all()) == {kept}
    assert done.left == [(enterprise, "remise comme avant, sans les secteurs qui n’existent plus")]
