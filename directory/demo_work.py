"""What there is to do in the demonstration: rights to write, likenesses, calls, and what waits for
the moderators. As fictional as its enterprises, and said so wherever it is in words.

Nothing is sent: what a reminder or an invitation would be is left to who tries them.
"""

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from directory import duplicates, freshness, reports, revisions
from directory.models import (
    City,
    Claim,
    ConsentBasis,
    Enterprise,
    ErrorReport,
    Reminder,
    Representative,
    Role,
    Section,
    SeededKey,
    User,
)
from directory.slugs import Slugs

MARK = {"vocabulary": "demo", "key": "work"}
#: One enterprise in so many gives no right to write: it is called.
WITHOUT_RIGHT = 3
TWINS = 3
#: Who does what, among the people of the demonstration.
OWNER, EDITOR, CURATOR = "odile@demo.example", "edouard@demo.example", "clara@demo.example"


def load() -> bool:
    """Leave things to do, once; whether it was done now. The enterprises and the people are there
    already (demo.py, demo_people.py)."""
    with transaction.atomic():
        _row, made = SeededKey.objects.get_or_create(**MARK)
        if not made:
            return False
        published = list(Enterprise.objects.published().order_by("pk"))
        consents(published)
        calls()
        twins(published)
        duplicates.search()
        revision()
        claim()
        messages(published)
    return True


def fictional(text: str) -> str:
    return _("Exemple fictif\xa0: %(text)s") % {"text": text}


def consents(published: list[Enterprise]) -> None:
    """A right to write to most of those that have an address."""
    source = fictional(_("adresse publiée sur le site de l’entreprise"))
    by = User.objects.filter(email=CURATOR).first()
    reached = [enterprise for enterprise in published if enterprise.email]
    ConsentBasis.objects.bulk_create(
        [
            ConsentBasis(
                enterprise=enterprise,
                email=enterprise.email.lower(),
                basis=ConsentBasis.Basis.PUBLISHED,
                source=source,
                given_on=timezone.localdate(),
                recorded_by=by,
            )
            for place, enterprise in enumerate(reached)
            if place % WITHOUT_RIGHT
        ],
        ignore_conflicts=True,
    )


def calls() -> None:
    """On the telephone list, those overdue to whom nobody may write, as the reminders of the night
    would put them."""
    overdue = Enterprise.objects.overdue(timezone.localdate())
    silent = overdue.filter(consent_bases=None, representatives=None).order_by("pk")
    Reminder.objects.bulk_create(
        Reminder(enterprise=enterprise, due_on=enterprise.due_on, step=freshness.CALL)
        for enterprise in silent
    )


def twins(published: list[Enterprise]) -> None:
    """Drafts that are others' doubles, as a second list would bring them."""
    drafts = Enterprise.objects.filter(state=Enterprise.State.DRAFT).order_by("pk")[:TWINS]
    with_phone = [enterprise for enterprise in published if enterprise.phone][:TWINS]
    slugs = Slugs.of_the_site()
    places = dict(City.objects.values_list("pk", "slug"))
    for draft, twin in zip(drafts, with_phone, strict=False):
        draft.name, draft.phone = f"{twin.name} inc.", twin.phone
        draft.city_id, draft.borough_id = twin.city_id, twin.borough_id
        draft.slug = slugs.new(draft.name, places[draft.city_id])
        draft.mission = draft.description = ""
        draft.save()


def revision() -> None:
    """A new name that its owner proposed, which waits for the moderators."""
    owned = Representative.objects.filter(user__email=OWNER, role=Role.OWNER).order_by("pk")
    found = owned.select_related("enterprise", "user").first()
    if found:
        revisions.submit(
            enterprise=found.enterprise,
            section=Section.IDENTITY,
            changes={"name": _("%(name)s et associées") % {"name": found.enterprise.name}},
            base_version=found.enterprise.version,
            by=found.user,
            source=Enterprise.Source.OWNER,
            key="demo",
        )


def claim() -> None:
    """Somebody says that they speak for an enterprise that nobody represents."""
    user = User.objects.filter(email=EDITOR).first()
    free = Enterprise.objects.published().filter(representatives=None).order_by("name", "pk")
    enterprise = free.first()
    if user and enterprise:
        Claim.objects.create(
            enterprise=enterprise,
            user=user,
            state=Claim.State.WAITING,
            function=_("adjointe à la direction"),
            grounds=fictional(_("je réponds au téléphone et je tiens le site de l’organisme.")),
            phone="450 555-0142",
        )


def messages(published: list[Enterprise]) -> None:
    """Errors that anyone reported, and an enterprise that somebody suggested."""
    said = [
        (ErrorReport.Kind.CONTACT, _("le numéro de la fiche n’est plus en service.")),
        (ErrorReport.Kind.OFFERING, _("ils ne font plus de livraison le samedi.")),
        (ErrorReport.Kind.ADDRESS, _("ils ont déménagé de l’autre côté de la rue.")),
    ]
    for number, ((kind, text), enterprise) in enumerate(zip(said, published[5:], strict=False)):
        key = f"demo-{number}"
        reports.hand_over(enterprise=enterprise, kind=kind, message=fictional(text), key=key)
    city = City.objects.filter(code__in=settings.SITE_CITIES).order_by("code").first()
    if city:
        reports.suggest(
            name=_("Les Serres du Possible (fictif)"),
            city=city,
            website="https://serres.example",
            phone="",
            activity=fictional(_("légumes de serre et paniers pour les cantines.")),
            grounds=_("C’est une coopérative de travail."),
            sender_name="",
            sender_email="",
            form="demo",
            client="demo",
        )
