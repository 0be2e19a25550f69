"""What a merge keeps of people: as long as it can be undone, and no longer than they wish."""

import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from directory import accounts, merge_copies, merging
from directory.models import ConsentBasis, Contact, Draft, Enterprise, Merge, Representative
from tests.factories import ContactFactory, EnterpriseFactory, UserFactory
from tests.signing_in import by_code

pytestmark = pytest.mark.django_db
EMAIL = "zoe@exemple.test"


@pytest.fixture
def zoe():
    return UserFactory(email=EMAIL, name="Zoé Zacharie")


@pytest.fixture
def done(zoe, reference):
    """A merge that removed and changed rows of Zoé's: two of each kind make one."""
    kept = EnterpriseFactory(name="Menuiserie Boisvert", slug="boisvert", published=True)
    gone = EnterpriseFactory(name="Menuiserie Boivert", slug="boivert", published=True)
    today = timezone.localdate()
    for enterprise, role in ((kept, "editor"), (gone, "owner")):
        Representative.objects.create(enterprise=enterprise, user=zoe, role=role)
        ContactFactory(enterprise=enterprise, name="Zoé Zacharie", email=EMAIL, phone="")
        Draft.objects.create(
            enterprise=enterprise, user=zoe, section="identity", base_version=1,
            data={"mission": f"Secret de {enterprise.slug}"},
        )  # fmt: skip
        ConsentBasis.objects.create(
            enterprise=enterprise, email="info@exemple.test", basis="express",
            given_on=today - timedelta(days=role == "owner"), recorded_by=zoe, source="verbal",
        )  # fmt: skip
    Contact.objects.filter(enterprise=gone).update(phone="+14505550177")
    kept.refresh_from_db()
    gone.refresh_from_db()
    return merging.merge(kept=kept, gone=gone, choices={}, by=None)


def held():
    return json.dumps(list(Merge.objects.values_list("before", flat=True)), ensure_ascii=False)


def aged(done, days):
    Merge.objects.filter(pk=done.pk).update(at=timezone.now() - timedelta(days=days))
    return Merge.objects.get(pk=done.pk)


def purge():
    call_command("purge", "--apply", verbosity=0)


def test_a_merge_can_be_undone_for_ninety_days_then_its_copy_is_emptied(done):
    assert "+14505550177" in held()
    young = aged(done, 89)
    purge()
    assert "+14505550177" in held()
    assert merging.obstacle(young) == ""
    old = aged(done, 91)
    # Refused at once, also before the purge of the day.
    assert "Elle pouvait l’être jusqu’au" in merging.obstacle(old)
    purge()
    assert Merge.objects.get().before == {}
    with pytest.raises(merging.Impossible):
        merging.undo(merge=old, by=None)
    old.refresh_from_db()
    assert (old.kept.state, old.gone.state) == ("published", "archived")


def test_the_pages_say_until_when_and_no_more_once_it_is_past(done, superuser):
    one, every = reverse("directory:merge", args=[done.pk]), reverse("directory:merges")
    assert "Cette fusion peut être défaite jusqu’au" in superuser.get(one).content.decode()
    assert "Peut être défaite jusqu’au" in superuser.get(every).content.decode()
    aged(done, 91)
    purge()
    html = superuser.get(one).content.decode()
    assert "Elle pouvait l’être jusqu’au" in html
    assert "Défaire la fusion" not in html
    assert superuser.post(one).status_code == 409
    html = superuser.get(every).content.decode()
    assert "Peut être défaite" not in html
    assert "Menuiserie Boivert" in html


def test_no_column_of_a_listing_itself_names_a_person():
    assert merge_copies.people(Enterprise) == []


def test_a_merge_undone_keeps_nothing(done):
    merging.undo(merge=done, by=None)
    assert Merge.objects.get().before == {}


def test_a_merge_whose_copy_is_gone_does_not_stop_another_from_being_undone(done):
    aged(done, 91)
    purge()
    third = EnterpriseFactory(published=True)
    kept = done.kept
    kept.refresh_from_db()
    later = merging.merge(kept=kept, gone=third, choices={}, by=None)
    assert merging.undo(merge=later, by=None).undone_at


def test_one_s_data_hold_what_merges_keep_of_one(done, zoe, client):
    by_code(client, EMAIL)
    copies = client.get(reverse("account_data")).json()["copies gardées pour défaire une fusion"]
    tables = {row["table"] for row in copies}
    assert {"représentant·es", "brouillons", "personnes-ressources"} <= tables
    said = json.dumps(copies, ensure_ascii=False)
    assert "Secret de boivert" in said or "Secret de boisvert" in said
    for row in copies:
        assert row["fusion"] == "Menuiserie Boivert → Menuiserie Boisvert"
    # Nobody else's.
    assert list(merge_copies.about(UserFactory())) == []


def test_an_account_that_is_deleted_is_in_no_copy_and_the_merge_can_still_be_undone(done, zoe):
    pk = zoe.pk
    accounts.leave(user=zoe)
    merge = Merge.objects.get()
    assert "Secret de" not in held()
    for memory in merge_copies.ledgers(merge):
        for _label, values in memory["removed"]:
            assert pk not in [
                v for name, v in values.items() if name.endswith(("user_id", "by_id"))
            ]
    merging.undo(merge=merge, by=None)
    connection.check_constraints()
    merge.gone.refresh_from_db()
    assert merge.gone.state == "published"
    assert not Representative.objects.exists()
    # What is the enterprise's stays: its contacts, and the right to write to it.
    assert Contact.objects.count() == 2
    assert ConsentBasis.objects.filter(recorded_by=None).count() == 2
