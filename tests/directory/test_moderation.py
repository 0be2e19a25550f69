"""Revisions decided: field by field, against what the reviewer saw, once."""

import threading
from functools import partial

import pytest
from django.db import connection

from directory import moderation, revisions, sections
from directory.models import AuditEntry, Enterprise, Mail, Revision
from tests.at_once import at_once
from tests.factories import CityFactory, SuggestionFactory, UserFactory

pytestmark = pytest.mark.django_db

OWNER = Enterprise.Source.OWNER


@pytest.fixture
def by():
    return UserFactory(name="Marion", is_staff=True)


@pytest.fixture
def proposed(alice, enterprise):
    """Alice proposes a name and a legal form, that wait, and a mission, that does not."""
    changes = {"name": "Ateliers A", "legal_form": "mutual", "mission": "Réparer."}
    return revisions.submit(
        enterprise=enterprise,
        section="identity",
        changes=changes,
        base_version=enterprise.version,
        by=alice.user,
        source=OWNER,
        key="formulaire",
    )


def decide(revision, by, reason="", **decisions):
    return moderation.decide(
        revision=revision,
        decisions=decisions,
        seen=moderation.seen(revision),
        reason=reason,
        by=by,
    )


def test_what_is_accepted_is_written_and_what_is_refused_is_not(proposed, enterprise, alice, by):
    decide(proposed.waiting, by, "Le NEQ dit autre chose.", name=True, legal_form=False)
    enterprise.refresh_from_db()
    assert (enterprise.name, enterprise.legal_form) == ("Ateliers A", "npo")
    assert enterprise.provenance["name"] == OWNER
    last = enterprise.history.first()
    assert last.history_user == by
    assert last.history_change_reason == "Proposé par l’entreprise, accepté par le Pôle"
    held = Revision.objects.get(pk=proposed.waiting.pk)
    assert held.state == "decided"
    assert held.decisions == {"name": "accepted", "legal_form": "refused"}
    mail = Mail.objects.get(kind="revision_decided")
    assert mail.recipient == alice.user.email
    assert "Le NEQ dit autre chose." in mail.text
    assert "Nom" in mail.text
    assert AuditEntry.objects.filter(act="revision.decided", by_id=by.pk).exists()


def test_every_field_is_decided_and_a_refusal_says_why(proposed, enterprise, by):
    with pytest.raises(moderation.Undecided) as undecided:
        decide(proposed.waiting, by, name=True)
    assert undecided.value.fields == ["legal_form"]
    with pytest.raises(moderation.Undecided) as undecided:
        decide(proposed.waiting, by, " ", name=True, legal_form=False)
    assert undecided.value.reason_missing
    with pytest.raises(moderation.Undecided):
        decide(proposed.waiting, by, name=True, legal_form=True, neq=True)
    enterprise.refresh_from_db()
    assert enterprise.name == "Les Ateliers d’Alice"


def test_what_changed_since_it_was_shown_is_never_overwritten(proposed, enterprise, by):
    seen = moderation.seen(proposed.waiting)
    sections.apply(
        enterprise=enterprise,
        section="identity",
        changes={"name": "Ateliers Z"},
        by=by,
        source=Enterprise.Source.STAFF,
    )
    with pytest.raises(moderation.Changed) as changed:
        moderation.decide(
            revision=proposed.waiting,
            decisions={"name": True, "legal_form": True},
            seen=seen,
            reason="",
            by=by,
        )
    versions = changed.value.fields["name"]
    assert (versions.theirs, versions.yours) == ("Ateliers Z", "Ateliers A")
    enterprise.refresh_from_db()
    assert (enterprise.name, enterprise.legal_form) == ("Ateliers Z", "npo")
    # Shown anew, the reviewer may prefer what is proposed.
    decide(proposed.waiting, by, name=True, legal_form=True)
    enterprise.refresh_from_db()
    assert enterprise.name == "Ateliers A"


def test_what_was_applied_at_once_is_put_back_when_refused(proposed, enterprise, alice, by):
    enterprise.refresh_from_db()
    assert enterprise.mission == "Réparer."
    decide(proposed.applied, by, "Ce n’est pas votre mission.", mission=False)
    enterprise.refresh_from_db()
    assert enterprise.mission == ""
    assert enterprise.provenance["mission"] == Enterprise.Source.STAFF
    assert Mail.objects.filter(kind="revision_decided", recipient=alice.user.email).exists()


def test_what_was_applied_at_once_and_looked_at_writes_nothing_and_tells_nobody(
    proposed, enterprise, by
):
    enterprise.refresh_from_db()
    version = enterprise.version
    decide(proposed.applied, by, mission=True)
    enterprise.refresh_from_db()
    assert enterprise.version == version
    assert not Mail.objects.filter(kind="revision_decided").exists()


def test_a_change_made_after_the_one_refused_is_not_undone(proposed, enterprise, alice, by):
    seen = moderation.seen(proposed.applied)
    enterprise.refresh_from_db()
    revisions.submit(
        enterprise=enterprise,
        section="identity",
        changes={"mission": "Réparer et vendre."},
        base_version=enterprise.version,
        by=alice.user,
        source=OWNER,
        key="plus tard",
    )
    with pytest.raises(moderation.Changed):
        moderation.decide(
            revision=proposed.applied, decisions={"mission": False}, seen=seen, reason="Non", by=by
        )
    enterprise.refresh_from_db()
    assert enterprise.mission == "Réparer et vendre."


def test_a_second_decision_is_told_who_decided(proposed, by):
    decide(proposed.waiting, by, name=True, legal_form=True)
    with pytest.raises(moderation.AlreadyDecided) as decided:
        decide(proposed.waiting, UserFactory(), "Non", name=False, legal_form=False)
    assert decided.value.by == by


def test_safe_ones_are_accepted_together_and_the_others_left(proposed, by):
    done, left = moderation.accept_all(revisions=[proposed.waiting, proposed.applied], by=by)
    assert (done, left) == (1, [proposed.waiting])
    proposed.applied.refresh_from_db()
    assert proposed.applied.decisions == {"mission": "accepted"}


@pytest.mark.django_db(transaction=True)
def test_of_two_moderators_at_once_one_prevails(proposed, enterprise):
    outcomes = []

    def answer(yes):
        by = UserFactory()
        try:
            decide(proposed.waiting, by, "motif", name=yes, legal_form=yes)
            outcomes.append("decided")
        except moderation.AlreadyDecided:
            outcomes.append("told")
        finally:
            connection.close()

    threads = [threading.Thread(target=answer, args=[yes]) for yes in (True, False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["decided", "told"]
    held = Revision.objects.get(pk=proposed.waiting.pk)
    enterprise.refresh_from_db()
    assert (enterprise.name == "Ateliers A") == (held.decisions["name"] == "accepted")


@pytest.mark.django_db(transaction=True)
def test_suggestions_of_one_name_are_listed_at_once(reference):
    by, city = UserFactory(is_staff=True), CityFactory()
    rows = [SuggestionFactory(name="La même", city=city) for _ in range(3)]
    made = at_once(
        *[
            partial(moderation.list_suggestion, suggestion=row, legal_form="npo", by=by)
            for row in rows
        ]
    )
    assert len({enterprise.slug for enterprise in made}) == 3
