"""What awaits the Pôle's staff today, each with where it is done: the first thing that the admin
shows. A person is told only of what they may do."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from directory.admin import filters
from directory.models import Enterprise, ErrorReport, Suggestion
from directory.models.reports import Message


@dataclass(frozen=True)
class Line:
    label: str
    rows: Callable[[], QuerySet]
    address: Callable[[], str]
    permission: str


def listed(parameters):
    return lambda: f"{reverse('admin:directory_enterprise_changelist')}?{parameters}"


def kept(condition, *, published=False):
    rows = Enterprise.objects.published() if published else Enterprise.objects.all()
    return lambda: rows.filter(condition())


LINES = [
    Line(
        _("Suggestions d’entreprises"),
        lambda: Suggestion.objects.filter(state=Message.State.NEW),
        lambda: f"{reverse('admin:directory_suggestion_changelist')}?state__exact=new",
        "directory.change_suggestion",
    ),
    Line(
        _("Erreurs signalées"),
        lambda: ErrorReport.objects.filter(state=Message.State.NEW),
        lambda: f"{reverse('admin:directory_errorreport_changelist')}?state__exact=new",
        "directory.change_errorreport",
    ),
    Line(
        _("Fiches à confirmer"),
        kept(filters.overdue),
        listed("en_retard=1"),
        "directory.change_enterprise",
    ),
    Line(
        _("Brouillons à publier"),
        lambda: Enterprise.objects.filter(state=Enterprise.State.DRAFT),
        listed("state__exact=draft"),
        "directory.change_enterprise",
    ),
    Line(
        _("Fiches publiées incomplètes"),
        kept(filters.incomplete, published=True),
        listed("incomplete=1&state__exact=published"),
        "directory.change_enterprise",
    ),
    Line(
        _("Certifications expirées"),
        kept(filters.expired_certification),
        listed("expiree=1"),
        "directory.change_certification",
    ),
    Line(
        _("Reconnaissances à renouveler"),
        kept(lambda: filters.recognised("renouveler"), published=True),
        listed("reconnaissance=renouveler&state__exact=published"),
        "directory.change_recognition",
    ),
]


def attention(user):
    """The lines of the index for this person, with their number; those at nothing are left out."""
    for line in LINES:
        if user.has_perm(line.permission) and (number := line.rows().count()):
            yield {"label": line.label, "number": number, "address": line.address()}
