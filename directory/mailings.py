"""The kinds of mail that the site sends, and how one is written.

Each is three files in `templates/emails`: `<kind>.subject.txt`, `<kind>.txt`, `<kind>.html`. The
last extends `emails/base.html`; the text gets its head and foot here. What staff read of a kind,
why its readers get it and an example of what fills it are in `KINDS`, where other apps add theirs.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.template import Context, Engine
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from directory import addresses

LONGEST_SUBJECT = 200
# A no-break space is left where it is.
BREAKS = re.compile(r"[\x00-\x20\x7f\x85\u2028\u2029]+")


@dataclass(frozen=True)
class Kind:
    #: What staff call it.
    label: Any
    #: Why its reader gets it, at the foot of the mail.
    why: Any
    #: What fills it in the preview, and in the test that reads them all.
    sample: Mapping[str, Any] = field(default_factory=dict)
    #: Whether its reader may stop it; the others answer an act, or are needed.
    stoppable: bool = False


ABOUT_YOU = gettext_lazy(
    "Vous recevez ce message parce qu’il concerne votre compte ou votre entreprise."
)
ABOUT_LISTING = gettext_lazy(
    "Vous recevez ce message parce que votre entreprise est inscrite au répertoire."
)
ANSWERED = gettext_lazy(
    "Vous recevez ce message parce que vous avez écrit à l’équipe du répertoire."
)
DECIDES = gettext_lazy(
    "Vous recevez ce message, une fois par jour au plus, parce que vous décidez de ce que reçoit "
    "le répertoire."
)
TEAM_TOLD = gettext_lazy(
    "Vous recevez ce message parce que cette adresse est celle de l’équipe du répertoire."
)
INVITED = gettext_lazy(
    "Vous recevez ce message parce qu’une personne vous a invité·e à cette adresse."
)
#: An example of what fills the mails about who tends a listing.
TEAM = {
    "enterprise": "Les Ateliers d’Alice",
    "person": "nadia@exemple.test",
    "by": "Alice Aubin",
    "function": "Adjointe administrative",
    "grounds": "Je suis à l’accueil depuis mars.",
    "owner": True,
    "days": 14,
    "link": "https://repertoire.example/invitation/exemple/",
    "profile": "https://repertoire.example/entreprises/ateliers-alice/",
    "claim": "https://repertoire.example/entreprises/ateliers-alice/reclamer/",
    "team": "https://repertoire.example/mon-entreprise/ateliers-alice/equipe/",
}

KINDS: dict[str, Kind] = {
    "code": Kind(
        gettext_lazy("Code de connexion"),
        ABOUT_YOU,
        {"code": "4071 9382", "minutes": 15, "purpose": "sign-in"},
    ),
    "account_changed": Kind(
        gettext_lazy("Le compte a changé"),
        ABOUT_YOU,
        {"what": "une clé d’accès a été ajoutée", "pole_email": "pole@repertoire.example"},
    ),
    "account_unused": Kind(
        gettext_lazy("Le compte ne sert plus"),
        ABOUT_YOU,
        {"days": 30, "address": "https://repertoire.example/compte/connexion/"},
    ),
    "account_deleted": Kind(
        gettext_lazy("Le compte est supprimé"),
        ABOUT_YOU,
        {"pole_email": "pole@repertoire.example"},
    ),
    "owner_left": Kind(
        gettext_lazy("Une fiche n’a plus de responsable"),
        TEAM_TOLD,
        {
            "enterprises": [
                {"name": "Les Ateliers d’Alice", "team": TEAM["team"]},
                {
                    "name": "Buanderie Bob",
                    "team": "https://repertoire.example/mon-entreprise/buanderie-bob/equipe/",
                },
            ]
        },
    ),
    "revision_decided": Kind(
        gettext_lazy("Modifications examinées"),
        ABOUT_YOU,
        {
            "enterprise": "Les Ateliers d’Alice",
            "accepted": ["Forme juridique"],
            "refused": ["Nom"],
            "reason": "Le registre dit encore l’ancien nom.",
            "profile": "https://repertoire.example/entreprises/ateliers-alice/",
        },
    ),
    "report_handled": Kind(
        gettext_lazy("Message traité, merci"),
        ANSWERED,
        {
            "name": "Les Ateliers d’Alice",
            "reference": "E-2222-3333",
            "profile": "https://repertoire.example/entreprises/ateliers-alice/",
        },
    ),
    "reminder": Kind(
        gettext_lazy("Rappel\xa0: la fiche est à confirmer"),
        ABOUT_LISTING,
        {
            "enterprise": "Les Ateliers d’Alice",
            "step": 1,
            "confirmed_on": "15\xa0juin 2025",
            "facts": [
                {"label": "Téléphone", "said": "450\xa0555-0123"},
                {"label": "Site web", "said": "ateliers.example"},
            ],
            "confirm_url": "https://repertoire.example/confirmer/exemple/",
            "listing_url": "https://repertoire.example/entreprises/ateliers-alice/",
        },
        stoppable=True,
    ),
    "desk_digest": Kind(
        gettext_lazy("Des demandes attendent une décision"),
        DECIDES,
        {
            "number": 3,
            "oldest": 5,
            "lines": [
                {
                    "label": "Modifications à décider",
                    "number": 2,
                    "url": "https://repertoire.example/moderation/?sorte=modifications",
                },
                {
                    "label": "Suggestions d’entreprises",
                    "number": 1,
                    "url": "https://repertoire.example/moderation/?sorte=suggestions",
                },
            ],
            "to_read": 4,
            "desk": "https://repertoire.example/moderation/",
        },
        stoppable=True,
    ),
    "claim_code": Kind(
        gettext_lazy("Code pour prouver qu’on parle au nom de l’entreprise"),
        ABOUT_LISTING,
        TEAM | {"code": "7KQR-M2XP", "minutes": 15},
    ),
    "claim_accepted": Kind(
        gettext_lazy("Demande de rattachement acceptée"), ABOUT_YOU, TEAM | {"owner": True}
    ),
    "claim_refused": Kind(
        gettext_lazy("Demande de rattachement refusée"),
        ABOUT_YOU,
        TEAM | {"reason": "Le conseil d’administration ne vous connaît pas."},
    ),
    "claim_announced": Kind(
        gettext_lazy("Une personne tient maintenant la fiche"), ABOUT_LISTING, TEAM
    ),
    "claim_asked": Kind(gettext_lazy("Une personne demande à se joindre"), ABOUT_YOU, TEAM),
    "claim_takeover": Kind(
        gettext_lazy("Une personne dit remplacer la personne responsable"), ABOUT_YOU, TEAM
    ),
    "claim_replaced": Kind(gettext_lazy("La personne responsable est remplacée"), ABOUT_YOU, TEAM),
    "invitation": Kind(gettext_lazy("Invitation à tenir une fiche"), INVITED, TEAM),
    "invitation_listing": Kind(
        gettext_lazy("Invitation à prendre en main sa fiche"),
        ABOUT_LISTING,
        TEAM,
        stoppable=True,
    ),
    "invitation_accepted": Kind(
        gettext_lazy("Invitation acceptée"), ABOUT_YOU, TEAM | {"owner": False}
    ),
    "representative_changed": Kind(
        gettext_lazy("Rôle changé dans l’équipe d’une fiche"), ABOUT_YOU, TEAM
    ),
    "representative_added": Kind(
        gettext_lazy("Personne ajoutée à l’équipe d’une fiche"),
        ABOUT_YOU,
        TEAM | {"owner": False},
    ),
    "representative_removed": Kind(
        gettext_lazy("Retrait de l’équipe d’une fiche"), ABOUT_YOU, TEAM
    ),
}


@dataclass(frozen=True)
class Written:
    subject: str
    text: str
    html: str


def write(kind: str, context: Mapping[str, Any], unsubscribe: str = "") -> Written:
    """One mail of a kind, filled with this; `unsubscribe` is the whole address at which its reader
    stops getting them. Raises TemplateDoesNotExist for a kind without its files."""
    known = KINDS.get(kind)
    said = {
        **context,
        "site": {
            "name": settings.SITE_NAME,
            "url": addresses.link("/"),
            "pole_name": settings.POLE_NAME,
            "pole_email": settings.POLE_EMAIL,
            "pole_phone": settings.POLE_PHONE,
        },
        "why": str(known.why if known else ABOUT_YOU),
        "unsubscribe": unsubscribe,
    }
    said["subject"] = subject = line(_rendered(f"emails/{kind}.subject.txt", said))
    body = _paragraphs(_rendered(f"emails/{kind}.txt", said))
    return Written(
        subject[:LONGEST_SUBJECT],
        _paragraphs(_rendered("emails/base.txt", said | {"body": body})) + "\n",
        _rendered(f"emails/{kind}.html", said, autoescape=True),
    )


def line(text: str) -> str:
    """On one line, so that nothing of it can be read as another header."""
    return BREAKS.sub(" ", text).strip(" ")


def _rendered(template: str, said: dict[str, Any], autoescape: bool = False) -> str:
    """As text, an apostrophe stays one."""
    compiled = Engine.get_default().get_template(template)
    return compiled.render(Context(said, autoescape=autoescape))


def _paragraphs(text: str) -> str:
    """Without the lines that tags left empty: one at most between two paragraphs."""
    return re.sub(r"\n\s*\n", "\n\n", text).strip()


def preview(kind: str) -> Written:
    """The kind, filled with its example."""
    known = KINDS[kind]
    stop = addresses.link("/desabonnement/exemple/") if known.stoppable else ""
    return write(kind, known.sample, stop)


def names() -> list[str]:
    """The kinds that have their files, in order."""
    folder = settings.BASE_DIR / "templates" / "emails"
    return sorted(path.name.removesuffix(".subject.txt") for path in folder.glob("*.subject.txt"))


def label(kind: str) -> str:
    return str(KINDS[kind].label) if kind in KINDS else _("Message")


def stoppable(kind: str) -> bool:
    """Whether mails of this kind may carry a link that stops them."""
    return kind in KINDS and KINDS[kind].stoppable
