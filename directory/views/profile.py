import mimetypes
from datetime import date

from django.contrib.auth.decorators import login_not_required
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from directory import cards, linked_data, vcards, wording
from directory.addresses import absolute
from directory.extensions import profile_panels
from directory.facets import Dimension, code
from directory.models import Enterprise, Offering
from directory.profile import profiles
from directory.similar import similar
from directory.views.caching import kept_while_unchanged
from directory.views.gone import gone, moved
from directory.visits import counted


@require_safe
@login_not_required
@counted
@kept_while_unchanged
def detail(request, slug, current):
    enterprise = profiles(request.user).filter(slug=slug).first()
    if enterprise is None:
        return moved(request, slug)
    if enterprise.state == Enterprise.State.ARCHIVED:
        return gone(request, enterprise)
    page = profile(enterprise, current)
    data = linked_data.organisation(
        enterprise,
        page=enterprise.get_absolute_url(),
        logo=page["logo_url"],
        city=current.labels.city(enterprise.city_id).name,
        territory=wording.places(page["serves"], current.labels) or [page["city"]],
    )
    context = {
        "e": page,
        "panels": profile_panels.rendered(request, enterprise),
        "similar": [cards.summary(card, current.labels) for card in similar(enterprise, current)],
        "linked_data": linked_data.script(data),
        "editable": request.user.is_authenticated
        and Enterprise.objects.editable_by(request.user).filter(pk=enterprise.pk).exists(),
        "address": absolute(request, enterprise.get_absolute_url()),
        "today": wording.day(current.today),
    }
    return render(request, "directory/detail.html", context)


@require_safe
@login_not_required
@kept_while_unchanged
def vcard(request, slug, current):
    """What everyone may see, whoever asks: a card travels further than a page."""
    enterprise = profiles().filter(slug=slug).first()
    if enterprise is None:
        return moved(request, slug)
    if enterprise.state == Enterprise.State.ARCHIVED:
        return gone(request, enterprise)
    labels = current.labels
    file = vcards.cards(
        enterprise,
        labels.city(enterprise.city_id).name,
        cards.names(Dimension.SECTOR, enterprise.sector_ids, labels),
        absolute(request, enterprise.get_absolute_url()),
    )
    response = HttpResponse(file, content_type="text/vcard; charset=utf-8")
    name = content_disposition_header(as_attachment=True, filename=f"{enterprise.slug}.vcf")
    response.headers["Content-Disposition"] = name
    return response


def profile(enterprise, current):
    """What the page prints, in words."""
    labels, today = current.labels, current.today
    city = labels.city(enterprise.city_id)
    confirmed, stale = wording.freshness(enterprise.confirmed_on, today)
    offerings = [_offering(row, labels) for row in enterprise.offering_list]
    updated = wording.day(timezone.localdate(enterprise.updated_at))
    place = {"city": enterprise.city_id, "borough": enterprise.borough_id}
    serves = [
        enterprise.serves_province,
        enterprise.regions,
        enterprise.counties,
        enterprise.cities,
    ]
    return {
        "slug": enterprise.slug,
        "name": enterprise.name,
        "other_names": wording.enumeration(enterprise.other_names),
        "form": enterprise.get_legal_form_display(),
        "founded": enterprise.founded_year,
        "neq": _spaced(enterprise.neq),
        "place": cards.place(place, labels),
        "address_lines": [
            line
            for line in (
                enterprise.address,
                f"{city.name} (Québec) {wording.NBSP}{enterprise.postal_code}".strip(),
            )
            if line
        ],
        "city": city.full_name,
        "city_url": reverse("directory:city", args=[city.key]),
        "region": labels.by_code[city.region].name,
        "sectors": [
            {"name": label.name, "url": reverse("directory:sector", args=[label.key])}
            for row_id in enterprise.sector_ids
            for label in [labels.by_code[code(Dimension.SECTOR, row_id)]]
        ],
        "mission": enterprise.mission,
        "description": [line for line in enterprise.description.splitlines() if line.strip()],
        "services": [row for row in offerings if row["kind"] == Offering.Kind.SERVICE],
        "products": [row for row in offerings if row["kind"] == Offering.Kind.PRODUCT],
        "serves": serves,
        "territory": wording.territory(serves, labels) or city.full_name,
        "languages": wording.enumeration(enterprise.languages),
        "size": enterprise.get_size_display(),
        **_website(enterprise.website),
        "phone": enterprise.phone and wording.phone(enterprise.phone, enterprise.phone_extension),
        "phone_href": wording.phone_href(enterprise.phone, enterprise.phone_extension),
        "email": enterprise.email,
        "contacts": [_contact(row) for row in enterprise.contact_list],
        "hidden_contacts": len(enterprise.hidden_contacts),
        "permits": [
            {"kind": row["kind"], "number": row["number"], **_expiry(row["until"], today)}
            for row in enterprise.permit_list
        ],
        "capacity": _capacity(enterprise),
        "busy": wording.busy(enterprise.busy_until, today),
        "statuses": [
            {
                "name": labels.name(Dimension.STATUS, row["status"]),
                "number": row["number"],
                "issuer": row["issuer"],
                **_expiry(row["until"], today),
            }
            for row in enterprise.certified
        ],
        "benefits": [
            {
                "name": labels.name(Dimension.BENEFIT, row["benefit"]),
                "evidence": row["evidence"],
            }
            for row in enterprise.benefit_list
        ],
        "references": [
            row
            | {
                "amount": wording.amount(row["amount"]) if row["amount"] else "",
                "url": _website(row["url"])["website"],
            }
            for row in enterprise.reference_list
        ],
        "recognised": _recognised(enterprise.recognition_list, today),
        "confirmed": confirmed,
        "stale": stale,
        "unreachable": enterprise.is_unreachable and wording.day(enterprise.unreachable_since),
        "logo_url": enterprise.logo and reverse("directory:logo", args=[enterprise.logo.name]),
        "updated": _("Fiche modifiée le %(day)s") % {"day": updated},
    }


def _spaced(neq):
    return f"{neq[:4]}{wording.NBSP}{neq[4:7]}{wording.NBSP}{neq[7:]}" if neq else ""


def _website(url):
    address, label = wording.website(url)
    return {"website": address, "website_label": label}


def _offering(row, labels):
    serves = [row["province"], row["regions"], row["counties"], row["cities"]]
    category = row["category"] and labels.by_code[code(Dimension.CATEGORY, row["category"])]
    territory = wording.territory(serves, labels)
    return {
        "kind": row["kind"],
        "name": row["name"],
        "description": row["description"],
        "category": f"{category.key} – {category.name}" if category else "",
        "territory": territory and _("Territoire : %(territory)s") % {"territory": territory},
    }


def _contact(row):
    return {
        "name": row["name"] or row["function"],
        "function": row["function"] if row["name"] else "",
        "email": row["email"],
        "phone": row["phone"] and wording.phone(row["phone"], row["extension"]),
        "phone_href": wording.phone_href(row["phone"], row["extension"]),
    }


def _expiry(until, today):
    if not until:
        return {"expires": "", "expired": False}
    until = date.fromisoformat(until)
    expired = until < today
    text = _("Expirée le %(day)s") if expired else _("Valide jusqu’au %(day)s")
    return {"expires": text % {"day": wording.day(until)}, "expired": expired}


def _recognised(rows, today):
    if not rows:
        return None
    given, until = (date.fromisoformat(rows[0][key]) for key in ("given", "until"))
    if not given <= today <= until:
        return None
    return {
        "text": _("Économie sociale reconnue par le Pôle le %(day)s") % {"day": wording.day(given)},
        "expires": _("Valide jusqu’au %(day)s") % {"day": wording.day(until)},
    }


def _capacity(enterprise):
    rows = [
        (_("Plus petite commande"), enterprise.smallest_order, wording.amount),
        (_("Plus grande commande"), enterprise.largest_order, wording.amount),
        (_("Délai habituel"), enterprise.lead_time_days, _days),
        (_("Montant assuré"), enterprise.insured_amount, wording.amount),
        (_("Soumission conjointe"), enterprise.accepts_cobidding, lambda _value: _("Acceptée")),
        (_("Fournisseur au SEAO"), enterprise.on_seao, _registered),
    ]
    return [{"label": label, "value": say(value)} for label, value, say in rows if value]


def _days(count):
    return ngettext("%(n)d jour", "%(n)d jours", count) % {"n": count}


def _registered(_on_seao):
    return _("Oui, inscrite au système électronique d’appel d’offres")


@require_safe
@login_not_required
def logo(request, name):
    """A logo, under the name that storage gave it; the name changes when the logo does."""
    borne = Enterprise.objects.filter(logo=name)
    public = borne.published().exists()
    seen = public or borne.editable_by(request.user).exists()
    if not name or not seen or not default_storage.exists(name):
        raise Http404
    response = FileResponse(default_storage.open(name), content_type=mimetypes.guess_type(name)[0])
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    kept_by = "public" if public else "private"
    response.headers["Cache-Control"] = f"{kept_by}, max-age=31536000, immutable"
    return response
