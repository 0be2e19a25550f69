"""The lists that staff work from: what is overdue, incomplete, expired, without a position."""

from django.contrib import admin
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from directory.attention import (
    RENEWAL,
    expired_certification,
    incomplete,
    overdue,
    possible_duplicate,
    recognised,
    unreachable,
)
from directory.models import City, Enterprise
from directory.search import fold


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


class Unreachable(OneChoice):
    title, parameter_name, choice = _("appels"), "injoignable", _("Injoignable, hors des résultats")

    def condition(self):
        return unreachable()


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


class Lasting(admin.SimpleListFilter):
    """Of recognitions, how long they last; a renewal is a new one, and the old stays."""

    title, parameter_name = _("durée"), "duree"

    def lookups(self, request, model_admin):
        return [
            ("valide", _("Valides")),
            ("bientot", _("Finissent dans 60 jours")),
            ("finie", _("Finies")),
        ]

    def queryset(self, request, queryset):
        today = timezone.localdate()
        ends = {
            "valide": Q(expires_on__gte=today),
            "bientot": Q(expires_on__range=(today, today + RENEWAL)),
            "finie": Q(expires_on__lt=today),
        }
        return queryset.filter(ends.get(self.value(), Q()))


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
