"""Rows for tests, one line each; every value can be given, none is drawn at random."""

import datetime

import factory
from django.contrib.auth.hashers import make_password
from django.utils import timezone
from django.utils.text import slugify

from directory import invitations
from directory.models import (
    Benefit,
    Borough,
    Certification,
    City,
    Claim,
    ConsentBasis,
    Contact,
    Enterprise,
    EnterpriseBenefit,
    ErrorReport,
    ImportBatch,
    Incident,
    Invitation,
    Mail,
    Offering,
    Permit,
    PhoneCall,
    PurchasingCategory,
    Recognition,
    Reference,
    Region,
    RegionalCounty,
    Reminder,
    Representative,
    Revision,
    Sector,
    Status,
    Suggestion,
    Unsubscription,
    User,
)


class Factory(factory.django.DjangoModelFactory):
    class Meta:
        abstract = True
        skip_postgeneration_save = True


class UserFactory(Factory):
    class Meta:
        model = User

    email = factory.Sequence(lambda number: f"personne{number}@exemple.test")
    password = make_password(None)


# --- Places: Longueuil, found or made, unless another is asked for


class RegionFactory(Factory):
    class Meta:
        model = Region
        django_get_or_create = ["code"]

    code = "16"
    name = "Montérégie"
    slug = factory.LazyAttribute(lambda region: slugify(region.name))


class RegionalCountyFactory(Factory):
    class Meta:
        model = RegionalCounty
        django_get_or_create = ["code"]

    code = "580"
    name = "Longueuil"
    title = "Agglomération de Longueuil"
    slug = factory.LazyAttribute(lambda county: slugify(county.name))
    region = factory.SubFactory(RegionFactory)


class CityFactory(Factory):
    class Meta:
        model = City
        django_get_or_create = ["code"]

    code = "58227"
    name = "Longueuil"
    slug = factory.LazyAttribute(lambda city: slugify(city.name))
    designation = "Ville"
    population = 268_684
    latitude = 45.51389
    longitude = -73.43139
    county = factory.SubFactory(RegionalCountyFactory)


class BoroughFactory(Factory):
    class Meta:
        model = Borough
        django_get_or_create = ["city", "slug"]

    city = factory.SubFactory(CityFactory)
    name = "Saint-Hubert"
    slug = factory.LazyAttribute(lambda borough: slugify(borough.name))


# --- Vocabularies: found by slug or made


class VocabularyFactory(Factory):
    class Meta:
        abstract = True
        django_get_or_create = ["slug"]

    name = factory.LazyAttribute(lambda row: row.slug.replace("-", " ").capitalize())


class SectorFactory(VocabularyFactory):
    class Meta:
        model = Sector

    slug = "alimentation"


class StatusFactory(VocabularyFactory):
    class Meta:
        model = Status

    slug = "entreprise-insertion"


class BenefitFactory(VocabularyFactory):
    class Meta:
        model = Benefit

    slug = "insertion-emploi"


class PurchasingCategoryFactory(VocabularyFactory):
    class Meta:
        model = PurchasingCategory

    slug = "g15"
    code = factory.LazyAttribute(lambda category: category.slug.upper())
    kind = PurchasingCategory.Kind.GOODS


# --- Enterprises


class EnterpriseFactory(Factory):
    """A draft without a position; `published=True` and `archived=True` are its other states."""

    class Meta:
        model = Enterprise

    class Params:
        published = factory.Trait(
            state=Enterprise.State.PUBLISHED,
            published_on=datetime.date(2026, 1, 15),
            confirmed_on=datetime.date(2026, 6, 15),
            confirmed_by=Enterprise.Source.STAFF,
        )
        archived = factory.Trait(
            state=Enterprise.State.ARCHIVED,
            closing=Enterprise.Closing.CLOSED,
            published_on=datetime.date(2025, 1, 15),
        )

    name = factory.Sequence(lambda number: f"Traiteur solidaire {number}")
    slug = factory.LazyAttribute(lambda enterprise: slugify(enterprise.name))
    legal_form = Enterprise.LegalForm.NPO
    city = factory.SubFactory(CityFactory)

    @factory.post_generation
    def sectors(self, create, extracted, **fields):
        if extracted:
            self.sectors.set(
                [SectorFactory(slug=row) if isinstance(row, str) else row for row in extracted]
            )


class ChildFactory(Factory):
    class Meta:
        abstract = True

    enterprise = factory.SubFactory(EnterpriseFactory, published=True)


class OfferingFactory(ChildFactory):
    class Meta:
        model = Offering

    kind = Offering.Kind.SERVICE
    name = "Boîtes à lunch pour réunions"


class ContactFactory(ChildFactory):
    class Meta:
        model = Contact

    name = "Aïcha Fictive"
    function = "Direction générale"
    email = "aicha@traiteur.example"
    phone = "+14505550123"


class CertificationFactory(ChildFactory):
    class Meta:
        model = Certification

    status = factory.SubFactory(StatusFactory)
    number = "EI-0001"


class EnterpriseBenefitFactory(ChildFactory):
    class Meta:
        model = EnterpriseBenefit

    benefit = factory.SubFactory(BenefitFactory)
    evidence = "Douze parcours par année."


class PermitFactory(ChildFactory):
    class Meta:
        model = Permit

    kind = "RBQ"
    number = "1234-5678-90"


class ReferenceFactory(ChildFactory):
    class Meta:
        model = Reference

    client = "Ville de Longueuil"
    work = "Repas de la fête nationale"
    year = 2025


class RecognitionFactory(ChildFactory):
    class Meta:
        model = Recognition

    criteria = Recognition.Criterion.values
    evidence = "Statuts et états financiers"
    recognised_on = datetime.date(2026, 2, 1)
    expires_on = datetime.date(2029, 2, 1)


# --- Who tends a listing


class RepresentativeFactory(ChildFactory):
    class Meta:
        model = Representative

    user = factory.SubFactory(UserFactory)
    role = "editor"


class ClaimFactory(ChildFactory):
    """A request that staff or an owner decide."""

    class Meta:
        model = Claim

    user = factory.SubFactory(UserFactory)
    state = Claim.State.WAITING
    function = "Direction générale"
    grounds = "Inscrite au registre des entreprises."
    phone = "450 555-0199"


class InvitationFactory(ChildFactory):
    """An open one; `token` is what its link holds."""

    class Meta:
        model = Invitation

    class Params:
        token = factory.Sequence(lambda number: f"jeton{number:027d}")

    email = "invitee@exemple.test"
    role = "editor"
    token_hash = factory.LazyAttribute(lambda row: invitations.hashed(row.token))
    expires_at = factory.LazyFunction(lambda: timezone.now() + invitations.GOOD_FOR)


# --- Mail, and what keeps a listing current


class MailFactory(Factory):
    class Meta:
        model = Mail

    dedupe_key = factory.Sequence(lambda number: f"essai:{number}")
    message_id = factory.LazyAttribute(lambda mail: f"<{mail.dedupe_key}@exemple.test>")
    kind = "reminder"
    recipient = "alice@exemple.test"
    subject = "Votre fiche est-elle encore exacte?"
    text = "Bonjour,"
    html = "<p>Bonjour,</p>"


class UnsubscriptionFactory(Factory):
    class Meta:
        model = Unsubscription

    email = "info@traiteur.example"
    kind = "reminder"


class ConsentBasisFactory(ChildFactory):
    class Meta:
        model = ConsentBasis

    email = "info@traiteur.example"
    basis = ConsentBasis.Basis.PUBLISHED
    source = "Son site web"
    given_on = datetime.date(2026, 1, 15)


class ReminderFactory(ChildFactory):
    class Meta:
        model = Reminder

    due_on = datetime.date(2026, 6, 15)
    step = 1


class PhoneCallFactory(ChildFactory):
    class Meta:
        model = PhoneCall

    by = factory.SubFactory(UserFactory, is_staff=True)
    outcome = PhoneCall.Outcome.NO_ANSWER
    key = factory.Sequence(lambda number: f"{number:064d}")


class RevisionFactory(ChildFactory):
    """A name proposed, which waits."""

    class Meta:
        model = Revision

    section = "identity"
    base_version = 1
    changes = factory.LazyAttribute(
        lambda row: {"name": {"before": row.enterprise.name, "proposed": "Nouveau nom"}}
    )
    source = Enterprise.Source.OWNER
    key = factory.Sequence(lambda number: f"revision-{number}")
    state = Revision.State.WAITING


# --- What anyone tells the Pôle


class MessageFactory(Factory):
    class Meta:
        abstract = True

    key = factory.Sequence(lambda number: f"{number:064d}")
    sender_name = "Agathe Anonyme"
    sender_email = "agathe@exemple.test"


class SuggestionFactory(MessageFactory):
    class Meta:
        model = Suggestion

    reference = factory.Sequence(lambda number: f"S-2222-{number:04d}")
    name = "Buanderie du Coin"
    city = factory.SubFactory(CityFactory)
    website = "https://buanderie.example"
    activity = "Lave le linge des hôtels."
    grounds = "C’est une coopérative de travail."


class ErrorReportFactory(MessageFactory):
    class Meta:
        model = ErrorReport

    reference = factory.Sequence(lambda number: f"E-2222-{number:04d}")
    enterprise = factory.SubFactory(EnterpriseFactory, published=True)
    kind = ErrorReport.Kind.CONTACT
    message = "Le numéro ne répond plus."


class IncidentFactory(Factory):
    class Meta:
        model = Incident

    information = "Courriels de trois personnes"
    circumstances = "Un envoi les montrait les unes aux autres."
    known_on = datetime.date(2026, 11, 20)
    reasoning = "Ces adresses sont publiques."


# --- Files imported


class ImportBatchFactory(Factory):
    """One whose columns are told, without a row."""

    class Meta:
        model = ImportBatch

    file_name = "liste.csv"
    digest = factory.Sequence(lambda number: f"{number:064d}")
    header = ["Nom", "Ville"]
    columns = {"Nom": "name", "Ville": "city"}
