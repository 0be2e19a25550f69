"""A page of results in words, whichever page shows them: the list, the map, the files."""

import re
from collections import defaultdict
from dataclasses import replace
from functools import lru_cache
from heapq import nsmallest
from urllib.parse import quote, urlencode

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from directory import cards, search, wording
from directory.correction import answer, last_page
from directory.criteria import RADII, RADIUS, wider
from directory.facets import CONFIRMED, RECOGNISED, STEP, Dimension
from directory.filters import EnterpriseFilter, FacetFilter, given
from directory.help import MANY, Help
from directory.models import Enterprise

#: A facet of so many values is shown whole; of a longer one, so many, and those selected.
SHORT_FACET = 12
MOST_OPTIONS = 8
#: Why listings come in such an order.
ORDER_NOTES = {
    "rotation": gettext_lazy(
        "L’ordre est tiré au hasard et change de point de départ chaque jour\xa0; il est le "
        "même pour tout le monde. Personne ne peut payer pour être mieux placé."
    ),
    "pertinence": gettext_lazy(
        "Les entreprises dont le nom contient vos mots viennent d’abord, puis celles dont "
        "un produit ou un service les contient, puis les autres. À égalité, l’ordre du "
        "jour décide. Personne ne peut payer pour être mieux placé."
    ),
    "nom": gettext_lazy("Les entreprises sont en ordre alphabétique."),
    "proximite": gettext_lazy("Les entreprises les plus proches à vol d’oiseau viennent d’abord."),
    "recent": gettext_lazy("Les entreprises publiées le plus récemment viennent d’abord."),
}


def found_at(path, parameters, current):
    """The results that the parameters of an address ask for, as the page that shows them there."""
    filters = EnterpriseFilter(parameters, current.labels)
    found, help_, correction = answer(filters, current)
    return Page(path, parameters, filters, found, help_, correction, current)


class Page:
    """A results page in words: what was asked, what was found, where one can go from there."""

    def __init__(self, path, parameters, filters, found, help_, correction, current):
        self.path = path
        self.parameters = {name: given(parameters, name) for name in filters.filters}
        self.filters = filters
        self.criteria = filters.criteria
        self.found = found
        self.help_ = help_
        self.correction = correction
        self.current = current
        self.labels = current.labels

    def url(self, **changes):
        """This search with some parameters changed; None takes one away."""
        return self.at(self.path, **changes)

    def at(self, path, **changes):
        """The same at another address."""
        parameters = {
            name: changes.get(name, values)
            for name, values in self.parameters.items()
            if changes.get(name, values)
        } | {name: value for name, value in changes.items() if value}
        query = urlencode(parameters, doseq=True)
        return f"{path}?{query}" if query else path

    def context(self):
        criteria, found = self.criteria, self.found
        return {
            "path": self.path,
            "looks": self.looks(),
            "box": self.first("boite") if criteria.box else "",
            "q": criteria.query.text,
            "total": found.total,
            "total_label": wording.enterprises(found.total, found.exact),
            "heading": self.heading(),
            "notices": [{"text": text} for text in self.filters.notices],
            "widened": [
                {
                    "term": group.terms[0].text,
                    "others": ", ".join(other.text for other in group.widened),
                    "alone_url": self.alone_url(group.terms[0].text),
                }
                for group in criteria.query.groups
                if group.widened
            ],
            "town": self.town(),
            "aside": ", ".join(
                f"«{wording.NBSP}{words}{wording.NBSP}»" for words in criteria.query.aside
            ),
            "correction": self.corrected(),
            "elsewhere": self.elsewhere(),
            "chips": self.chips(),
            "clear_url": self.path,
            "facets": self.facets() if criteria.narrowed else [],
            "drawn_facets": "" if criteria.narrowed else self.drawn_facets(),
            "flags": self.flags(),
            "near": {
                "value": self.first("pres"),
                "error": _("Cette ville ou ce code postal est inconnu.")
                if self.first("pres") and not criteria.near
                else "",
            },
            "radii": [
                {
                    # The default is left out of the address.
                    "value": "" if radius == RADIUS else radius,
                    "label": f"{radius}{wording.NBSP}km",
                    "selected": radius == criteria.radius,
                }
                for radius in RADII
            ],
            "serves": {"value": self.first("dessert")},
            "sorts": self.sorts(),
            "order_note": self.order_note(),
            "cards": cards.cards(found.rows, criteria.query, self.current),
            "pages": self.pages(),
            "download_url": self.at(reverse("directory:download"), page=None, tout=None),
            "help": self.help() if not found.total else None,
        }

    def first(self, name):
        return next(iter(self.parameters.get(name, ())), "")

    def alone_url(self, term):
        """This search with a term in quotes, which nothing widens."""
        word = re.compile(rf"(?<![\w\"]){re.escape(term)}(?![\w\"])")
        quoted = word.sub(lambda found: f'"{found[0]}"', self.criteria.query.text)
        return self.url(q=[quoted], page=None)

    def count(self, value):
        return wording.count(value, self.found.exact_counts)

    def looks(self):
        """The two ways of looking at these results."""
        return [
            {
                "label": label,
                "url": self.at(path, page=None),
                "current": path == self.path,
            }
            for label, path in (
                (_("Liste"), reverse("directory:list")),
                (_("Carte"), reverse("directory:map")),
            )
        ]

    def corrected(self):
        return self.correction and {
            "shown": self.correction.text,
            "instead": self.first("q"),
            "instead_url": self.url(q=self.correction.quoted, page=None),
        }

    def heading(self):
        criteria = self.criteria
        if not self.found.total:
            return _("Aucune entreprise trouvée")
        if criteria.query:
            return _("%(count)s pour « %(text)s »") % {
                "count": wording.enterprises(self.found.total, self.found.exact),
                "text": criteria.query.text,
            }
        return wording.enterprises(self.found.total, self.found.exact)

    def elsewhere(self):
        """To those who work in a city, for whoever asked for those who are in it."""
        codes = self.criteria.facets.get(Dimension.CITY, ())
        if len(codes) != 1 or self.criteria.served or not self.found.total:
            return None
        (code,) = codes
        city = self.labels.by_code[code]
        return {
            "label": _("Voir plutôt celles qui desservent %(city)s, où qu’elles soient établies")
            % {"city": city.full_name},
            "url": self.url(ville=None, dessert=[city.key], page=None),
        }

    def town(self):
        """The city that was read among the words, and the two other ways of reading them."""
        query = self.criteria.query
        if not query.town:
            return None
        rest = search.written(query, town=False)
        return {
            "words": query.town.words,
            "name": ""
            if search.fold(query.town.name) == search.fold(query.town.words)
            else query.town.name,
            "as_words_url": self.url(q=[f'{rest} "{query.town.words}"'], page=None),
            "there_url": self.url(q=[rest], ville=[query.town.key], page=None)
            if self.found.total
            else "",
        }

    def chips(self):
        chips = []
        for name, filter_ in self.filters.filters.items():
            dimension = getattr(filter_, "dimension", None)
            if dimension not in self.criteria.facets:
                continue
            if not self.criteria.facets[dimension]:
                chips.append(self.chip(name, filter_.label, None))
                continue
            known = self.labels.by_key[dimension]
            values = self.parameters[name]
            # Two values may mean one: a word, and another that was merged into it.
            asked = dict.fromkeys(known[value] for value in values if value in known)
            for label in asked:
                others = [other for other in values if known.get(other) is not label]
                chips.append(self.chip(name, label_name(label), others))
        if self.criteria.served:
            label = _("Dessert %(city)s") % {"city": self.criteria.served.full_name}
            chips.append(self.chip("dessert", label, None))
        if self.criteria.near:
            label = _("À moins de %(radius)d km de %(place)s") % {
                "radius": self.criteria.radius,
                "place": self.criteria.near.name,
            }
            chips.append(self.chip("pres", label, None))
        if self.criteria.box:
            chips.append(self.chip("boite", self.filters.filters["boite"].label, None))
        return chips

    def chip(self, name, label, others):
        return {
            "label": label,
            "dimension": name,
            "remove_url": self.url(**{name: others}, page=None),
        }

    def facets(self):
        by_dimension = defaultdict(dict)
        for code, count in self.found.counts.items():
            by_dimension[code // STEP][code] = count
        facets = [
            self.facet(name, filter_, by_dimension[filter_.dimension])
            for name, filter_ in self.filters.filters.items()
            if type(filter_) is FacetFilter
        ]
        return [facet for facet in facets if self.divides(facet)]

    def drawn_facets(self):
        """The facets of the whole directory, drawn once for all who come while it stays as it is:
        at Québec's scale their eighty boxes are half of the work of the page."""
        whole = self.current.whole
        key = (whole.version, whole.day, self.criteria.whole, get_language(), self.path)
        if key not in self.current.drawn:
            self.current.drawn[key] = render_to_string(
                "directory/_facets.html", {"facets": self.facets(), "path": self.path}
            )
        return self.current.drawn[key]

    def divides(self, facet):
        """Whether choosing in it would change anything."""
        first, *others = facet["options"] or [None]
        if first is None:
            return False
        everything = first["number"] == self.found.total
        return bool(others) or first["selected"] or not everything

    def facet(self, name, filter_, counts):
        selected = self.criteria.facets.get(filter_.dimension, frozenset())
        offered = [
            label
            for code in counts
            if code in self.labels.by_code
            and (not (label := self.labels.by_code[code]).retired or code in selected)
        ]
        whole = name in self.criteria.whole
        short = whole or len(offered) <= SHORT_FACET
        most = len(offered) if short else MOST_OPTIONS
        kept = nsmallest(most, offered, key=lambda label: (-counts[label.code], label.name))
        shown = {label.code for label in kept}
        kept += [label for label in offered if label.code in selected - shown]
        # Zeros are hidden, but what was selected can always be taken away.
        kept += [self.labels.by_code[code] for code in sorted(selected) if code not in counts]
        return {
            "name": name,
            "label": filter_.label,
            "options": [
                {
                    "value": label.key,
                    "label": label_name(label),
                    "number": counts.get(label.code, 0),
                    "count": self.count(counts.get(label.code, 0)),
                    "selected": label.code in selected,
                    "attributes": checkbox(name, label.key, label.code in selected),
                }
                for label in kept
            ],
            "more": max(0, len(offered) - len(kept)),
            "whole": whole,
            "open": whole or bool(selected) or name in ("secteur", "ville"),
        }

    def flags(self):
        return [
            {
                "name": name,
                "label": self.filters.filters[name].label,
                "count": self.count(self.found.counts.get(code, 0)),
                "selected": dimension in self.criteria.facets,
            }
            for name, dimension, code in (
                ("reconnue", Dimension.RECOGNISED, RECOGNISED),
                ("confirmee", Dimension.CONFIRMED, CONFIRMED),
            )
        ]

    def sorts(self):
        sorts = {
            "pertinence": _("Pertinence"),
            "proximite": _("Distance"),
            "rotation": _("Ordre du jour"),
            "nom": _("Nom"),
            "recent": _("Plus récentes au répertoire"),
        }
        if not self.criteria.query:
            del sorts["pertinence"]
        if not self.criteria.near:
            del sorts["proximite"]
        usual = replace(self.criteria, sort="").order
        return [
            {
                # The default is left out of the address: what is asked next may have another.
                "value": "" if value == usual else value,
                "label": label,
                "selected": value == self.criteria.order,
            }
            for value, label in sorts.items()
        ]

    def order_note(self):
        text = str(ORDER_NOTES[self.criteria.order])
        if self.criteria.order == "pertinence" and self.criteria.query.town:
            text += " " + _("Porter le nom de la ville demandée, ou y être, compte double.")
        return {"label": _("Pourquoi cet ordre?"), "text": text}

    def pages(self):
        criteria, total = self.criteria, self.found.total
        first = (criteria.page - 1) * criteria.size + 1
        count = last_page(total, criteria)
        return {
            "first": wording.number(first),
            "last": wording.number(min(total, criteria.reach, first + criteria.size - 1)),
            "number": criteria.page,
            "count": count,
            "previous_url": self.url(page=[criteria.page - 1]) if criteria.page > 1 else "",
            "next_url": self.url(page=[criteria.page + 1]) if criteria.page < count else "",
            "capped": criteria.page == count and total > criteria.reach,
        }

    def help(self):
        """Where to go from a page without results."""
        help_ = self.help_ or Help()
        relaxations = [
            {
                "label": _("Sans le critère « %(label)s »") % {"label": filter_.label},
                "total_label": otherwise(count, self.current),
                "url": self.url(**{name: None}, page=None),
                "count": count,
            }
            for name, filter_ in self.filters.filters.items()
            if (count := help_.without.get(getattr(filter_, "dimension", name)))
        ]
        relaxations += self.shorter(help_)
        relaxations.sort(key=lambda step: -step["count"])
        subject = {"subject": _("Recherche d’une entreprise")}
        return {
            "relaxations": relaxations,
            "words": self.words(help_),
            "wider": self.wider(help_),
            "unlisted": unlisted(help_.archived),
            "pole_mail_url": f"mailto:{settings.POLE_EMAIL}?{urlencode(subject, quote_via=quote)}",
        }

    def shorter(self, help_):
        """The words of which one may be dropped."""
        query = self.criteria.query
        return [
            {
                "label": _("Sans « %(words)s »")
                % {
                    "words": query.town.words
                    if place == "town"
                    else search.written_group(query.groups[place])
                },
                "total_label": otherwise(count, self.current),
                "url": self.url(
                    q=[search.written(query, without=place, town=place != "town")], page=None
                ),
                "count": count,
            }
            for place, count in help_.without_words.items()
            if count
        ]

    def words(self, help_):
        """Each word alone, where dropping a single one helps little or not, and nothing but words
        was asked for."""
        query = self.criteria.query
        helped = any(help_.without_words.values()) and len(query.groups) < 3
        if helped or len(query.groups) < 2 or self.chips():
            return []
        return [
            {"label": search.written_group(group), "url": self.url(q=[search.written_group(group)])}
            for place, group in enumerate(query.groups)
            if place not in help_.unknown
        ]

    def wider(self, help_):
        if help_.wider:
            radius = wider(self.criteria.radius)
            return {
                "label": _("À moins de %(radius)d km") % {"radius": radius},
                "total_label": otherwise(help_.wider, self.current),
                "url": self.url(rayon=[radius], page=None),
            }
        if help_.serving:
            (code,) = self.criteria.facets[Dimension.CITY]
            city = self.labels.by_code[code]
            return {
                "label": _("Établies ailleurs, mais qui desservent %(city)s")
                % {"city": city.full_name},
                "total_label": otherwise(help_.serving, self.current),
                "url": self.url(ville=None, dessert=[city.key], page=None),
            }
        return None


@lru_cache(maxsize=8192)
def checkbox(name, value, checked):
    """The attributes of a filter's box: the same on every page, and eighty of them on each."""
    return format_html(
        'id="f-{0}-{1}" name="{0}" value="{1}"{2}', name, value, " checked" if checked else ""
    )


def otherwise(count, current):
    """How many would be found otherwise; a large directory does not count on."""
    if current.large and count > MANY:
        return _("plus de %(n)s entreprises") % {"n": wording.number(MANY)}
    return wording.enterprises(count)


def label_name(label):
    return getattr(label, "full_name", label.name)


def unlisted(archived):
    """What the public is told of a listing that was asked for by its name or NEQ, and is gone, or
    is left out of results."""
    if not archived:
        return None
    successor, url = archived["successor"], ""
    if archived["state"] == Enterprise.State.PUBLISHED:
        reason = _(
            "Personne n’y répond aux appels du Pôle\xa0: elle ne paraît plus dans les résultats."
        )
        url = reverse("directory:detail", args=[archived["slug"]])
    elif archived["closing"] == "closed":
        reason = _("Cette entreprise est fermée.")
    elif successor:
        reason = _("Cette fiche est remplacée par %(name)s.") % {"name": successor}
        url = reverse("directory:detail", args=[archived["successor_slug"]])
    else:
        reason = _("Cette fiche n’est pas publiée ; écrivez au Pôle.")
    return {"name": archived["name"], "reason": reason, "url": url}
