"""The lists that staff work from: what is overdue, incomplete, expired, without a position."""

from datetime import timedelta

from django.contrib import admin
from django.db.models import Count, Exists, OuterRef, Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from directory.models import (
    Certification,
    City,
    DuplicatePair,
    Enterprise,
    Offering,
    Recognition,
)
from directory.search import fold

#: Days before its end from which a recognition is on the list of those to renew.
RENEWAL = timedelta(days=60)


class OneChoice(admin.SimpleListFilter):
    """Yes or nothing: a list to work from, not a way to cut the table in two."""

    def lookups(self, request, model_admin):
        return [("1", self.choice)]

    def queryset(self, request, queryset):
        return queryset.filter(self.condition()) if self.value() == "1" else queryset


class Overdue(OneChoice):
    title, parameter_name, choice = _("fraîcheur"), "en_retard", _("À confirmer")

    def condition(self):
        return overdue()


class Incomplete(OneChoice):
    title, parameter_name, choice = _("contenu"), "incomplete", _("Incomplète")

    def condition(self):
        return incomplete()


class PossibleDuplicate(OneChoice):
    title, parameter_name, choice = _("doublons"), "doublon", _("Doublon possible")

    def condition(self):
        return possible_duplicate()


class WithoutPosition(OneChoice):
    title, parameter_name, choice = _("position"), "sans_position", _("Sans position exacte")

    def condition(self):
        return ~Q(geo_precision=Enterprise.GeoPrecision.EXACT)


class ExpiredCertification(OneChoice):
    title, parameter_name, choice = _("certifications"), "expiree", _("Certification expirée")

    def condition(self):
        return expired_certification()


class Recognised(admin.SimpleListFilter):
    title, parameter_name = _("reconnaissance"), "reconnaissance"

    def lookups(self, request, model_admin):
        return [
            ("valide", _("Reconnue")),
            ("renouveler", _("À renouveler")),
            ("jamais", _("Jamais reconnue")),
        ]

    def queryset(self, request, queryset):
        if self.value() not in {"valide", "renouveler", "jamais"}:
            return queryset
        return queryset.filter(recognised(self.value()))


class InCity(admin.SimpleListFilter):
    """The cities that have listings, the most first; those beyond are found by the search box."""

    title, parameter_name = _("municipalité"), "ville"
    MOST = 25

    def lookups(self, request, model_admin):
        cities = City.objects.filter(enterprise__isnull=False).annotate(n=Count("enterprise"))
        top = cities.order_by("-n", "name", "pk").values_list("slug", "name")[: self.MOST]
        return sorted(top, key=lambda city: fold(city[1]))

    def queryset(self, request, queryset):
        return queryset.filter(city__slug=self.value()) if self.value() else queryset


def overdue():
    """Published, and past the day its owner was to confirm it."""
    since = Coalesce("confirmed_on", "published_on")
    due = [
        Q(confirm_every_months=months, since__lt=timezone.localdate() - timedelta(days=30 * months))
        for months in (3, 6, 12)
    ]
    rows = Enterprise.objects.published().annotate(since=since).filter(due[0] | due[1] | due[2])
    return Q(pk__in=rows.values("pk"))


def incomplete():
    """Without what a buyer needs to choose it or to reach it."""
    offers = Exists(Offering.objects.filter(enterprise=OuterRef("pk")))
    return ~Q(state=Enterprise.State.ARCHIVED) & (
        ~Q(offers) | Q(phone="", email="") | Q(mission="", description="")
    )


def possible_duplicate():
    pairs = DuplicatePair.objects.filter(state=DuplicatePair.State.OPEN)
    return Q(pk__in=pairs.values("first")) | Q(pk__in=pairs.values("second"))


def expired_certification():
    rows = Certification.objects.filter(expires_on__lt=timezone.localdate())
    return ~Q(state=Enterprise.State.ARCHIVED) & Q(pk__in=rows.values("enterprise"))


def recognised(which):
    today = timezone.localdate()
    given = Recognition.objects.filter(enterprise=OuterRef("pk"))
    if which == "jamais":
        return ~Q(Exists(given))
    if which == "valide":
        return Q(Exists(given.filter(expires_on__gte=today)))
    # Its last one ends soon, or has ended: nothing later takes over.
    lasting = given.filter(expires_on__gt=today + RENEWAL)
    return Q(Exists(given)) & ~Q(Exists(lasting))
