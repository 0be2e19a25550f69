"""All that the database knows of one person, for them to take away (Loi 25, portability), and the
tables in which it knows it.

Every foreign key to a person is in one of the two lists below: a test fails for one that is not.
"""

from collections.abc import Iterable
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import LogEntry
from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from directory import audit, mailings, merge_copies, sections
from directory.models import (
    AuditEntry,
    Claim,
    Consent,
    ConsentBasis,
    Contact,
    Draft,
    ErrorReport,
    Invitation,
    Mail,
    PhoneCall,
    Recognition,
    Representative,
    Revision,
    Suggestion,
    Unsubscription,
    User,
)

#: Written by the person or about them: model, the field that says so, what it says of them.
OWN: list[tuple[type[models.Model], str, list[str]]] = [
    (Representative, "user", ["enterprise", "role", "since"]),
    (
        Claim,
        "user",
        ["enterprise", "state", "takeover", "function", "grounds", "phone", "sent_to", "created_at",
         "decided_at", "reason"],
    ),
    (Draft, "user", ["enterprise", "section", "data", "updated_at"]),
    (
        Revision,
        "submitted_by",
        ["enterprise", "section", "changes", "state", "submitted_at", "decisions", "decided_at",
         "reason"],
    ),
    (Consent, "user", ["purpose", "text_version", "given", "at"]),
    (Authenticator, "user", ["type", "created_at", "last_used_at"]),  # never what it holds
    (UserSession, "user", ["created_at", "last_seen_at", "ip", "user_agent"]),
    (PhoneCall, "by", ["enterprise", "at", "outcome", "call_back_on", "note"]),
    (Recognition, "reviewer", ["enterprise", "recognised_on", "expires_on", "evidence"]),
    (LogEntry, "user", ["action_time", "content_type", "object_repr"]),
]  # fmt: skip
#: Known by their address.
BY_EMAIL: list[tuple[type[models.Model], str, list[str]]] = [
    (Invitation, "email", ["enterprise", "role", "created_at", "expires_at", "accepted_at"]),
    (
        Mail,
        "recipient",
        ["kind", "subject", "created_at", "sent_at", "gave_up_at", "bounced_at"],
    ),
    (Unsubscription, "email", ["kind", "at"]),
    (ConsentBasis, "email", ["enterprise", "basis", "source", "given_on", "withdrawn_on"]),
    (Contact, "email", ["enterprise", "name", "function", "email", "phone"]),
    (Suggestion, "sender_email", ["reference", "name", "created_at", "sender_name"]),
    (ErrorReport, "sender_email", ["reference", "message", "created_at", "sender_name"]),
]
#: Fields by which other rows name whoever acted, for the Pôle; what they hold is about others, so
#: that the act and its day alone are given.
ACTS: list[tuple[type[models.Model], str]] = [
    (model, field.name)
    for model in (*User._meta.apps.get_app_config("directory").get_models(),)
    for field in model._meta.concrete_fields
    if field.related_model is User
    and (model, field.name) not in {(own, name) for own, name, _fields in OWN}
]


#: Where the model has no French name for its field.
NAMED: dict[tuple[type[models.Model], str], Promise] = {
    (Draft, "enterprise"): gettext_lazy("entreprise"),
    (Draft, "section"): gettext_lazy("partie"),
    (Draft, "data"): gettext_lazy("ce qui est écrit"),
    (Draft, "updated_at"): gettext_lazy("écrit le"),
    (Authenticator, "type"): gettext_lazy("sorte"),
    (Authenticator, "created_at"): gettext_lazy("ajouté le"),
    (Authenticator, "last_used_at"): gettext_lazy("utilisé le"),
    (UserSession, "created_at"): gettext_lazy("ouverte le"),
    (UserSession, "last_seen_at"): gettext_lazy("vue le"),
    (UserSession, "ip"): gettext_lazy("adresse IP"),
    (UserSession, "user_agent"): gettext_lazy("navigateur"),
}
#: What JSON says of a change to a listing.
SAID: dict[str, Promise] = {
    "before": gettext_lazy("avant"),
    "proposed": gettext_lazy("proposé"),
    "accepted": gettext_lazy("acceptée"),
    "refused": gettext_lazy("refusée"),
}


def everything(user: User) -> dict[str, Any]:
    """As JSON can hold it, under the names that the site gives things."""
    found: dict[str, Any] = {
        "compte": {
            "courriel": user.email,
            "nom": user.name,
            "équipe du Pôle": user.is_staff,
            "groupes": [group.name for group in user.groups.order_by("name")],
            "inscription": user.joined_at.isoformat(),
            "dernière connexion": user.last_login.isoformat() if user.last_login else None,
        }
    }
    for model, field, names in OWN:
        found[heading(model)] = rows(model, {field: user}, names)
    for model, field, names in BY_EMAIL:
        found.setdefault(heading(model), []).extend(
            rows(model, {f"{field}__iexact": user.email}, names)
        )
    found["copies gardées pour défaire une fusion"] = copies(user)
    acts: list[dict[str, Any]] = []
    for model, field in ACTS:
        mine = model._default_manager.filter(**{field: user}).order_by("pk")
        acts += [
            {"table": heading(model), "numéro": row.pk, "rôle": label(model, field)} for row in mine
        ]
    found["actes inscrits à votre nom"] = acts
    found["traces"] = [
        {
            "le": entry.at.isoformat(),
            "acte": audit.label(entry.act),
            "objet": entry.subject_label,
        }
        for entry in AuditEntry.objects.filter(by_id=user.pk)
    ] + [
        {"le": entry.at.isoformat(), "acte": audit.label(entry.act), "sur": "votre compte"}
        for entry in AuditEntry.objects.filter(subject_kind="user", subject_id=user.pk)
    ]
    return found


def copies(user: User) -> list[Any]:
    """Of rows that a merge removed or changed, what they said of this person."""
    named = {model: names for model, _field, names in [*OWN, *BY_EMAIL]}
    return [
        {
            "table": heading(model),
            "fusion": str(merge),
            "jusqu’au": merge_copies.until(merge).date().isoformat(),
        }
        | {
            label(model, name): said(model, name, values[attname])
            for name in named.get(model, [])
            if (attname := model._meta.get_field(name).attname) in values  # type: ignore[union-attr]
        }
        for merge, model, values in merge_copies.about(user)
    ]


def heading(model: type[models.Model]) -> str:
    past = getattr(model, "instance_type", None)  # of a table that remembers another
    if past:
        return _("anciennes versions\xa0: %(what)s") % {"what": heading(past)}
    return str(model._meta.verbose_name_plural)


def rows(model: type[models.Model], where: dict[str, Any], names: Iterable[str]) -> list[Any]:
    return [
        {label(model, name): said(model, name, getattr(row, name)) for name in names}
        for row in model._default_manager.filter(**where).order_by("pk")
    ]


def label(model: type[models.Model], name: str) -> str:
    if name == "history_user":
        return _("changé par")
    if named := NAMED.get((model, name)):
        return str(named)
    return str(getattr(model._meta.get_field(name), "verbose_name", name))


def said(model: type[models.Model], name: str, value: Any) -> Any:
    """A value as the site says it, never by its code."""
    if name == "kind" and model in (Mail, Unsubscription):
        return mailings.label(value)
    if model is Revision and name in ("changes", "decisions"):
        return {
            str(sections.LABELS.get(field, field)): {
                str(SAID.get(side, side)): one for side, one in change.items()
            }
            if isinstance(change, dict)
            else str(SAID.get(change, change))
            for field, change in value.items()
        }
    if isinstance(value, str):
        choices = getattr(model._meta.get_field(name), "flatchoices", None) or []
        return str(dict(choices).get(value, value))
    return plain(value)


def plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str | dict | list):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
