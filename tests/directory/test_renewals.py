"""Recognitions that end: found in their list, checked again one after the other."""

from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from directory.models import Recognition
from tests.factories import EnterpriseFactory, RecognitionFactory
from tests.forms import filled

pytestmark = pytest.mark.django_db

SIX = Recognition.Criterion.values


def page(enterprise):
    return reverse("admin:directory_recognition_renew", args=[enterprise.pk])


def ending(name, days=30):
    today = timezone.localdate()
    enterprise = EnterpriseFactory(name=name, published=True)
    RecognitionFactory(
        enterprise=enterprise,
        evidence=f"Statuts de {name}",
        recognised_on=today - timedelta(days=3 * 365),
        expires_on=today + timedelta(days=days),
    )
    return enterprise


@pytest.fixture
def three():
    return [ending("Brasserie"), ending("École"), ending("Verger", days=-10)]


def renewal(person, enterprise, **said):
    return filled(person.get(page(enterprise)), "renewal_form") | {"criteria": SIX} | said


def test_the_list_of_those_to_renew_leads_to_each_renewal(curator, moderator, three):
    address = reverse("admin:directory_enterprise_changelist")
    html = curator.get(address, {"reconnaissance": "renouveler"}).content.decode()
    for enterprise in three:
        assert page(enterprise) in html
    assert page(three[0]) not in curator.get(address).content.decode()
    html = moderator.get(address, {"reconnaissance": "renouveler"}).content.decode()
    assert page(three[0]) not in html


def test_a_renewal_starts_from_the_last_one_but_for_the_principles(curator, three):
    said = filled(curator.get(page(three[0])), "renewal_form")
    today = timezone.localdate()
    assert said["evidence"] == ["Statuts de Brasserie"]
    assert said["recognised_on"] == [today.isoformat()]
    assert said["expires_on"][0][:4] == str(today.year + 3)
    assert "criteria" not in said


def test_one_is_renewed_and_the_next_of_the_list_comes(curator, three):
    one, other, last = three
    response = curator.post(page(one), renewal(curator, one, evidence="Statuts de 2026"))
    assert response.headers["Location"] == page(other)
    before, after = one.recognitions.order_by("pk")
    assert before.evidence == "Statuts de Brasserie"
    assert (after.evidence, after.reviewer) == ("Statuts de 2026", curator.user)
    assert after.expires_on > after.recognised_on == timezone.localdate()
    one.refresh_from_db()
    assert one.version == 2
    assert "Il en reste 2." in curator.get(page(other)).content.decode()
    assert curator.post(page(last), renewal(curator, last)).headers["Location"] == page(other)
    response = curator.post(page(other), renewal(curator, other), follow=True)
    assert response.redirect_chain[0][0].startswith(
        reverse("admin:directory_enterprise_changelist")
    )
    assert "Il en reste 0." in response.content.decode()


def test_one_may_go_back_to_the_list_instead(curator, three):
    response = curator.post(page(three[0]), renewal(curator, three[0], and_list="1"))
    assert "reconnaissance=renouveler" in response.headers["Location"]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"criteria": ["needs"]}, "remplit les six critères"),
        ({"criteria": []}, "Cochez les principes"),
        ({"evidence": ""}, "Dites quelles pièces vous avez vues."),
        ({"recognised_on": "2999-01-01"}, "Cette date n’est pas encore venue."),
        ({"expires_on": "2020-01-01"}, "expire après le jour où elle est donnée"),
        ({"expires_on": "bientôt"}, "date valide"),
    ],
)
def test_a_renewal_that_lacks_something_is_shown_again_with_what(curator, three, said, message):
    response = curator.post(page(three[0]), renewal(curator, three[0], **said))
    assert response.status_code == 200
    assert message in response.content.decode()
    assert three[0].recognitions.count() == 1


def test_sent_twice_or_by_two_people_it_is_renewed_once(curator, three):
    sent = renewal(curator, three[0])
    curator.post(page(three[0]), sent)
    html = curator.post(page(three[0]), sent, follow=True).content.decode()
    assert "vient d’être renouvelée" in html
    assert three[0].recognitions.count() == 2


def test_nothing_is_renewed_of_who_was_never_recognised(curator):
    assert curator.get(page(EnterpriseFactory(published=True))).status_code == 404


def test_a_recognition_given_on_the_last_of_february_ends_the_day_before_march():
    from directory.admin.recognitions import as_long

    last = Recognition(recognised_on=date(2022, 1, 1), expires_on=date(2025, 1, 1))
    assert as_long(last, date(2024, 2, 29)) == date(2027, 2, 28)
