"""What the site knows of a person, given to them."""

import re
import threading
import time

import pytest
from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from directory import accounts, audit, personal_data
from directory.models import Claim, Draft, Mail, Representative, Unsubscription, User
from tests.at_once import at_once
from tests.factories import RevisionFactory, SuggestionFactory, UserFactory
from tests.signing_in import by_code, code_sent

pytestmark = pytest.mark.django_db


def test_every_table_that_names_a_person_says_so_in_their_data():
    named = {(model, field) for model, field, _names in personal_data.OWN}
    named |= set(personal_data.ACTS)
    unused = {"EmailAddress"}  # of allauth; what is proven is User.email
    own = {f"User_{name}" for name in ("groups", "user_permissions")}
    found = {
        (relation.related_model, relation.field.name)
        for relation in User._meta.get_fields(include_hidden=True)
        if relation.auto_created and not relation.concrete and relation.field.many_to_one
        and relation.related_model.__name__ not in unused | own
    }  # fmt: skip
    assert {(model.__name__, field) for model, field in found - named} == set()


def test_one_s_data_hold_all_that_the_site_knows_and_no_secret(client, enterprise):
    user = UserFactory(email="alice@exemple.test", name="Alice Aubin")
    Representative.objects.create(user=user, enterprise=enterprise, role="owner")
    Draft.objects.create(
        enterprise=enterprise, user=user, section="identity", data={"a": "b"}, base_version=1
    )
    SuggestionFactory(sender_email="Alice@exemple.test", activity="Laver")
    accounts.consent(user=user, purpose="privacy", version="2026-11-22")
    by_code(client, user.email)
    code = code_sent(user.email)
    response = client.get(reverse("account_data"))
    assert "attachment" in response.headers["Content-Disposition"]
    found = response.json()
    assert found["compte"]["courriel"] == user.email
    for heading in ("représentant·es", "brouillons", "consentements", "courriels",
                    "suggestions d’entreprises"):  # fmt: skip
        assert len(found[heading]) == 1, heading
    said = response.content.decode()
    assert "Les Ateliers d’Alice" in said
    for secret in (code, code.replace(" ", ""), user.password, client.session.session_key):
        assert secret not in said


@pytest.mark.django_db(transaction=True)
def test_an_address_that_another_takes_at_the_same_moment_is_taken(alice):
    held = threading.Event()

    def come():
        with transaction.atomic():
            User.objects.create_user("voulue@exemple.test", name="Rapide")
            held.set()
            time.sleep(0.5)

    def change():
        held.wait(10)
        accounts.change_email(user=alice.user, email="voulue@exemple.test")

    _made, refused = at_once(come, change)
    assert isinstance(refused, accounts.Taken)
    assert alice.user.email == "alice@exemple.test"
    assert not Mail.objects.exists()


def test_one_s_data_are_in_french_without_the_names_of_the_program(alice, enterprise):
    change = {"name": {"before": "A", "proposed": "B"}}
    colleague = UserFactory()
    made = RevisionFactory(
        enterprise=enterprise,
        submitted_by=alice.user,
        decided_by=colleague,
        state="decided",
        decided_at=timezone.now(),
        changes=change,
        decisions={"name": "refused"},
    )
    audit.record(act="representative.removed", by=alice.user, subject=enterprise)
    Claim.objects.create(enterprise=enterprise, user=alice.user, state="waiting")
    Unsubscription.objects.create(email=alice.user.email, kind="reminder")
    found = personal_data.everything(alice.user)
    (proposed,) = found["modifications proposées"]
    assert proposed["état"] == "décidée"
    assert proposed["changements"] == {"Nom": {"avant": "A", "proposé": "B"}}
    assert proposed["décisions"] == {"Nom": "refusée"}
    assert found["demandes de rattachement"][0]["état"] == "à examiner"
    assert found["désabonnements"][0]["modèle"] == "Rappel\xa0: la fiche est à confirmer"
    assert found["traces"][0]["acte"] == "personne retirée de l’équipe d’une fiche"
    theirs = personal_data.everything(colleague)["actes inscrits à votre nom"]
    assert theirs == [
        {"table": "modifications proposées", "numéro": made.pk, "rôle": "décidée par"}
    ]
    labels = [personal_data.label(model, name)
              for model, _field, names in [*personal_data.OWN, *personal_data.BY_EMAIL]
              for name in names]  # fmt: skip
    labels += [personal_data.label(*act) for act in personal_data.ACTS]
    assert not [label for label in labels if re.search(r"_| at$|\b(by|user|data|section)\b", label)]


def test_each_act_that_leaves_a_trace_has_its_words():
    written = {
        act
        for app in ("directory", "procurement")
        for path in (settings.BASE_DIR / app).rglob("*.py")
        for act in re.findall(r'(?:act=|\bACT = |\bRESUMED = )"([a-z_.]+)"', path.read_text())
    }
    assert len(written) > 20
    assert written <= set(audit.LABELS)
