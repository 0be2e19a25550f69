"""Words merged: listings bear the one that is kept, once."""

from datetime import date

import pytest
from django.urls import reverse

from directory import moderation, revisions, sections, state, timeline, words
from directory.models import AuditEntry, Certification, Enterprise, EnterpriseBenefit, Section
from tests.factories import (
    BenefitFactory,
    CertificationFactory,
    EnterpriseBenefitFactory,
    EnterpriseFactory,
    OfferingFactory,
    PurchasingCategoryFactory,
    SectorFactory,
    StatusFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def by():
    return UserFactory(is_staff=True)


def test_listings_of_either_sector_have_the_one_that_is_kept(by):
    old, other, kept = (SectorFactory(slug=slug) for slug in ("repas", "bouffe", "alimentation"))
    both, one = EnterpriseFactory(published=True), EnterpriseFactory(published=True)
    both.sectors.set([old, other, kept])
    one.sectors.set([old, other])
    assert words.merge(words=[old, other], into=kept, by=by) == 2
    assert list(both.sectors.all()) == [kept]
    assert list(one.sectors.all()) == [kept]
    old.refresh_from_db()
    assert (old.retired, old.replaced_by) == (True, kept)
    one.refresh_from_db()
    assert one.version == 2
    assert AuditEntry.objects.get().act == "vocabulary.merged"


def test_the_page_of_a_sector_merged_leads_to_the_other_however_long_the_way(by, client):
    first, second, last = (SectorFactory(slug=slug) for slug in ("premier", "second", "dernier"))
    EnterpriseFactory(published=True).sectors.add(first)
    words.merge(words=[first], into=second, by=by)
    words.merge(words=[second], into=last, by=by)
    state.forget()
    response = client.get(reverse("directory:sector", args=["premier"]))
    assert response.status_code == 301
    assert response.headers["Location"] == reverse("directory:sector", args=["dernier"])


def test_an_address_with_a_word_merged_finds_what_the_other_finds(by, client):
    page = reverse("directory:list")
    found = EnterpriseFactory(name="Chez l’un", published=True)
    old, kept = SectorFactory(slug="repas"), SectorFactory(slug="manger", name="Manger")
    found.sectors.add(old)
    other, into = StatusFactory(slug="adaptee-2"), StatusFactory(slug="adaptee")
    CertificationFactory(enterprise=found, status=other, expires_on=None)
    EnterpriseFactory(name="Ailleurs", published=True)
    words.merge(words=[old], into=kept, by=by)
    words.merge(words=[other], into=into, by=by)
    state.forget()
    for asked in ("secteur=repas", "secteur=repas&secteur=manger", "statut=adaptee-2"):
        response = client.get(f"{page}?{asked}")
        assert response.context["total"] == 1, asked
        assert "ne correspond à rien" not in response.content.decode()
    # Taken away, both of its names are.
    (chip,) = client.get(f"{page}?secteur=repas&secteur=manger").context["chips"]
    assert (chip["label"], chip["remove_url"]) == ("Manger", page)
    assert client.get("/entreprises.json?secteur=repas").json()["total"] == 1


def test_of_two_certifications_of_one_number_the_longer_is_kept(by):
    old, kept = StatusFactory(slug="insertion-2"), StatusFactory(slug="insertion")
    enterprise = EnterpriseFactory()
    for status, until in ((old, date(2030, 1, 1)), (kept, date(2028, 1, 1))):
        CertificationFactory(enterprise=enterprise, status=status, number="7", expires_on=until)
    CertificationFactory(enterprise=enterprise, status=old, number="8", expires_on=None)
    words.merge(words=[old], into=kept, by=by)
    rows = Certification.objects.order_by("number").values_list("status", "number", "expires_on")
    assert list(rows) == [(kept.pk, "7", date(2030, 1, 1)), (kept.pk, "8", None)]


def test_of_two_benefits_the_one_with_the_more_evidence_is_kept(by):
    old, kept = BenefitFactory(slug="emplois"), BenefitFactory(slug="emploi")
    enterprise = EnterpriseFactory()
    EnterpriseBenefitFactory(enterprise=enterprise, benefit=old, evidence="Dix emplois durables")
    EnterpriseBenefitFactory(enterprise=enterprise, benefit=kept, evidence="Dix")
    words.merge(words=[old], into=kept, by=by)
    row = EnterpriseBenefit.objects.get()
    assert (row.benefit, row.evidence) == (kept, "Dix emplois durables")


def test_offerings_of_a_category_merged_have_the_other(by):
    old, kept = (PurchasingCategoryFactory(code=c, slug=c.lower()) for c in ("X1", "X2"))
    offering = OfferingFactory(category=old)
    assert words.merge(words=[old], into=kept, by=by) == 1
    offering.refresh_from_db()
    assert offering.category == kept


def test_a_word_is_not_merged_into_itself_nor_into_one_merged_before(by):
    old, kept, other = (SectorFactory(slug=slug) for slug in ("a", "b", "c"))
    with pytest.raises(ValueError, match="still stands"):
        words.merge(words=[old], into=old, by=by)
    words.merge(words=[old], into=kept, by=by)
    with pytest.raises(ValueError, match="still stands"):
        words.merge(words=[other], into=type(old).objects.get(pk=old.pk), by=by)


def test_a_curator_merges_two_words_in_their_list(curator):
    old, kept = SectorFactory(slug="vieux", name="Vieux"), SectorFactory(slug="bon", name="Bon")
    address = reverse("admin:directory_sector_changelist")
    data = {"action": "merge", "_selected_action": [old.pk, kept.pk]}
    assert "Fusionner des mots" in curator.post(address, data).content.decode()
    html = curator.post(address, data | {"apply": "1"}).content.decode()
    assert "Choisissez celui qui est gardé." in html
    curator.post(address, data | {"apply": "1", "into": kept.pk})
    old.refresh_from_db()
    assert old.replaced_by == kept


def test_one_word_alone_is_not_merged(curator):
    word = SectorFactory(slug="seul")
    address = reverse("admin:directory_sector_changelist")
    data = {"action": "merge", "_selected_action": [word.pk]}
    assert "Cochez de 2 à 10 mots" in curator.post(address, data, follow=True).content.decode()


def test_history_says_who_merged_words_and_not_whoever_saves_next(by):
    old, kept = SectorFactory(slug="a", name="Vieux"), SectorFactory(slug="b", name="Bon")
    status, into = StatusFactory(slug="c", name="Jadis"), StatusFactory(slug="d", name="Depuis")
    benefit, other = (
        BenefitFactory(slug="e", name="Emploi"),
        BenefitFactory(slug="f", name="Emplois"),
    )
    enterprise = EnterpriseFactory()
    enterprise.sectors.set([old])
    for one in (status, into):
        CertificationFactory(enterprise=enterprise, status=one, number="7", expires_on=None)
    EnterpriseBenefitFactory(enterprise=enterprise, benefit=benefit, evidence="")
    offering = OfferingFactory(enterprise=enterprise)
    words.merge(words=[old], into=kept, by=by)
    words.merge(words=[status], into=into, by=by)
    words.merge(words=[benefit], into=other, by=by)
    told = timeline.events(enterprise)[:3]
    assert [event.by for event in told] == [str(by)] * 3
    assert [event.reason for event in told] == [
        f"Mots fusionnés en «\xa0{name}\xa0»" for name in ("Emplois", "Depuis", "Bon")
    ]
    said = [(c.label, c.before, c.after) for event in told for c in event.changes]
    assert ("Bienfait", "Emploi", "Emplois") in said
    assert ("Secteurs d’activité", "Vieux", "Bon") in said
    # Of the two certifications of one number, whichever goes is said to go by the same person.
    assert Certification.objects.count() == 1
    gone = Certification.history.get(history_type="-")
    assert (gone.history_user, gone.history_change_reason) == (by, told[1].reason)
    sections.apply(
        enterprise=enterprise,
        section=Section.OFFERINGS,
        changes={"description": "Autre chose"},
        by=UserFactory(),
        source="owner",
    )
    assert [change.label for change in timeline.events(enterprise)[0].changes] == ["Description"]
    assert offering.history.count() == 1


def test_history_says_whose_act_the_category_of_an_offering_is(by):
    old, kept = (PurchasingCategoryFactory(code=c, slug=c.lower()) for c in ("X1", "X2"))
    offering = OfferingFactory(category=old)
    words.merge(words=[old], into=kept, by=by)
    assert timeline.events(offering.enterprise)[0].by == str(by)
    last = offering.history.first()
    assert (last.category_id, last.history_user) == (kept.pk, by)


def test_what_waited_when_words_were_merged_is_written_with_the_one_kept(by, enterprise, alice):
    old, kept = StatusFactory(slug="jadis"), StatusFactory(slug="depuis")
    proposed = [
        {"status": slug, "number": number, "issuer": "", "issued_on": None, "expires_on": None}
        for slug, number in (("jadis", "7"), ("depuis", "7"), ("jadis", "8"))
    ]
    waiting = revisions.submit(
        enterprise=enterprise,
        section=Section.CAPACITY,
        changes={"certifications": proposed},
        base_version=enterprise.version,
        by=alice.user,
        source=Enterprise.Source.OWNER,
        key="formulaire",
    ).waiting
    words.merge(words=[old], into=kept, by=by)
    moderation.decide(
        revision=waiting,
        decisions={"certifications": True},
        seen=moderation.seen(waiting),
        reason="",
        by=by,
    )
    rows = Certification.objects.order_by("number").values_list("status__slug", "number")
    assert list(rows) == [("depuis", "7"), ("depuis", "8")]


def test_a_word_merged_before_is_not_offered_as_the_one_that_is_kept(curator):
    gone, kept, other = (SectorFactory(slug=slug, name=slug) for slug in ("parti", "bon", "autre"))
    address = reverse("admin:directory_sector_changelist")
    data = {"action": "merge", "_selected_action": [gone.pk, kept.pk, other.pk], "apply": "1"}
    curator.post(address, data | {"_selected_action": [gone.pk, kept.pk], "into": kept.pk})
    response = curator.post(address, data | {"into": gone.pk})
    assert response.status_code == 200
    assert list(response.context["form"].fields["into"].queryset) == [other, kept]
    other.refresh_from_db()
    assert other.replaced_by is None
