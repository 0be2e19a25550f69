"""Listings that may be one enterprise: staff say which, merge them, and take it back."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from directory import duplicates, merge_copies, merging, roles, state, wording
from directory.facets import Dimension
from directory.likeness import Reason
from directory.models import DuplicatePair, Enterprise, Merge
from directory.side_by_side import ONE, OTHER, Comparison
from directory.views.caching import kept_by_nobody_else
from directory.views.guards import for_staff, shown_or_sent

State = DuplicatePair.State
A_PAGE = 25


# --- The queue


def in_order(pairs):
    """The likeliest first."""
    return pairs.order_by("-reasons__len", "pk")


def to_look_at():
    """Pairs that wait for a person; a listing archived meanwhile waits for nobody."""
    archived = Enterprise.State.ARCHIVED
    pairs = DuplicatePair.objects.filter(state=State.OPEN)
    return pairs.exclude(Q(first__state=archived) | Q(second__state=archived))


@require_safe
@for_staff("change_duplicatepair")
@kept_by_nobody_else
def duplicate_list(request):
    labels = state.current().labels
    chosen = request.GET.get("etat", "")
    chosen = chosen if chosen in State.values else State.OPEN
    reason = request.GET.get("raison", "")
    city = labels.by_key[Dimension.CITY].get(request.GET.get("ville", ""))
    pairs = to_look_at() if chosen == State.OPEN else DuplicatePair.objects.filter(state=chosen)
    cities = sorted(
        {
            labels.city(pk).key
            for row in pairs.values_list("first__city", "second__city")
            for pk in row
        }
    )
    if reason in Reason.values:
        pairs = pairs.filter(reasons__contains=[reason])
    if city:
        slug = {"first__city__slug": city.key}, {"second__city__slug": city.key}
        pairs = pairs.filter(Q(**slug[0]) | Q(**slug[1]))
    rows = in_order(pairs) if chosen == State.OPEN else pairs.order_by("-decided_at", "-pk")
    page = Paginator(rows.select_related("first", "second", "decided_by"), A_PAGE).get_page(
        request.GET.get("page")
    )
    kept = request.GET.copy()
    kept.pop("page", None)

    def url(number):
        kept["page"] = number
        return f"?{kept.urlencode()}"

    merges = merges_of(page) if chosen == State.MERGED else {}
    context = {
        "pairs": [item(pair, labels, merges) for pair in page],
        "total": page.paginator.count,
        "open": to_look_at().count(),
        "searched": searched(),
        "apart": just_told_apart(request.user),
        "filtered": bool(city or reason in Reason.values or chosen != State.OPEN),
        "states": options(State.choices, chosen),
        "reasons": options(Reason.choices, reason),
        "cities": options(
            [(key, labels.by_key[Dimension.CITY][key].full_name) for key in cities],
            city.key if city else "",
        ),
        "pages": {
            "number": page.number,
            "count": page.paginator.num_pages,
            "previous_url": page.has_previous() and url(page.number - 1),
            "next_url": page.has_next() and url(page.number + 1),
        },
    }
    return render(request, "directory/duplicates.html", context)


def searched():
    """When the whole directory was last looked through, in words; "" where it never was."""
    at = duplicates.last_search()
    return at and date_format(timezone.localtime(at), _("j\xa0F\xa0Y à G\xa0\\h\xa0i"))


def just_told_apart(user):
    """The pair that this person just said to be two enterprises, to be taken back."""
    pair = duplicates.just_told_apart(user)
    return pair and {"pk": pair.pk, "one": pair.first.name, "other": pair.second.name}


def options(choices, chosen):
    return [{"value": value, "label": label, "chosen": value == chosen} for value, label in choices]


def said(reasons):
    """Why, in words; a code that is no longer given is passed over."""
    return [str(Reason(code).label) for code in reasons if code in Reason.values]


def item(pair, labels, merges):
    decided = pair.decided_at and wording.day(timezone.localdate(pair.decided_at))
    return {
        "pk": pair.pk,
        "listings": [
            {
                "name": side.name,
                "city": labels.city(side.city_id).full_name,
                "state": side.get_state_display(),
            }
            for side in (pair.first, pair.second)
        ],
        "reasons": said(pair.reasons),
        "distinct": pair.state == State.DISTINCT,
        "decided": decided,
        "by": pair.decided_by,
        "merge": merges.get((pair.first_id, pair.second_id)),
    }


def following(pair):
    """The next pair of the queue, and after the last the first."""
    pairs = in_order(to_look_at())
    if pair is None:
        return pairs.first()
    count = len(pair.reasons)
    after = Q(reasons__len__lt=count) | Q(reasons__len=count, pk__gt=pair.pk)
    others = pairs.exclude(pk=pair.pk)
    return others.filter(after).first() or others.first()


def merges_of(pairs):
    """The merges of these pairs that stand, by pair: its keys in order."""
    sides = {key for pair in pairs for key in (pair.first_id, pair.second_id)}
    merges = Merge.objects.filter(kept__in=sides, gone__in=sides, undone_at=None)
    merges = merges.order_by("at", "pk")
    return {tuple(sorted((merge.kept_id, merge.gone_id))): merge for merge in merges}


def merge_of(one, other):
    """The merge of these two that stands, whichever was kept: none once staff reopened the one
    that went."""
    both = Q(kept=one, gone=other) | Q(kept=other, gone=one)
    archived = Enterprise.State.ARCHIVED
    return Merge.objects.filter(both, undone_at=None, gone__state=archived).first()


# --- Two listings


@shown_or_sent
@for_staff("change_duplicatepair")
@kept_by_nobody_else
def duplicate(request, pk):
    pairs = DuplicatePair.objects.select_related("first", "second")
    pair = get_object_or_404(pairs, pk=pk)
    return compare(request, pair.first, pair.second, pair)


@shown_or_sent
@for_staff("change_duplicatepair")
@kept_by_nobody_else
def compare_any(request):
    """Any two listings, whether or not they look alike: `a` and `b` are their addresses."""
    one, other = (
        get_object_or_404(Enterprise, slug=request.GET.get(name, "")) for name in ("a", "b")
    )
    pair = DuplicatePair.objects.filter(duplicates.between(one, other)).first()
    if pair and request.method != "POST":
        return redirect("directory:duplicate", pair.pk)
    return compare(request, one, other, pair)


def compare(request, one, other, pair):
    if merge := merge_of(one, other):
        return redirect("directory:merge", merge.pk)
    if request.method == "POST":
        if one == other:
            return comparison_page(request, one, other, pair, status=409)
        if act := ACTS.get(request.POST.get("action", "")):
            return act(request, one, other, pair)
    return comparison_page(request, one, other, pair)


def comparison_page(request, one, other, pair, *, form=None, seen=None, notice="", status=200):
    labels = state.current().labels
    comparison = form.comparison if form else Comparison(one, other, labels, seen or {})
    form = form or comparison.form()
    archived = [side.name for side in (one, other) if side.state == Enterprise.State.ARCHIVED]
    blocked = ""
    if one == other:
        blocked = _("C’est deux fois la même fiche\xa0: choisissez-en une autre.")
    elif archived:
        blocked = _("La fiche «\xa0%(name)s\xa0» est archivée\xa0: il n’y a rien à fusionner.") % {
            "name": archived[0]
        }
    following_pair = following(pair)
    kept = str(form["kept"].value())
    context = {
        "undoable_days": merge_copies.UNDOABLE_FOR.days,
        "sides": [
            side_of(enterprise, value, kept, labels)
            for enterprise, value in ((one, ONE), (other, OTHER))
        ],
        "form": form,
        "rows": comparison.rows(form),
        "same": comparison.same(),
        "together": comparison.together(),
        "reasons": said(pair.reasons) if pair else [],
        "decided": pair and pair.state == State.DISTINCT,
        "may_merge": roles.may(request.user, "add_merge"),
        "blocked": blocked,
        "neqs_differ": bool(one.neq and other.neq and one.neq != other.neq),
        "notice": notice,
        "errors": len(form.errors),
        "apart": just_told_apart(request.user),
        "next_url": following_pair and reverse("directory:duplicate", args=[following_pair.pk]),
    }
    return render(request, "directory/duplicate.html", context, status=status)


def side_of(enterprise, value, kept, labels):
    owners = [str(row.user) for row in enterprise.representatives.select_related("user")]
    created = wording.day(timezone.localdate(enterprise.created_at))
    public = enterprise.state == Enterprise.State.PUBLISHED
    admin = reverse("admin:directory_enterprise_change", args=[enterprise.pk])
    return {
        "value": value,
        "name": enterprise.name,
        "slug": enterprise.slug,
        "url": enterprise.get_absolute_url() if public else admin,
        "city": labels.city(enterprise.city_id).full_name,
        "state": enterprise.get_state_display(),
        "created": created,
        "updated": wording.day(timezone.localdate(enterprise.updated_at)),
        "people": wording.enumeration(owners, most=2),
        "checked": kept == value,
    }


# --- What is said of them


def tell_apart(request, one, other, pair):
    try:
        pair = duplicates.tell_apart(one=one, other=other, by=request.user)
    except duplicates.Settled:
        return changed(request, one, other)
    return onwards(pair)


def ask_again(request, one, other, pair):
    if pair is None:
        raise Http404
    try:
        duplicates.ask_again(pair=pair, by=request.user)
    except duplicates.Settled:
        return changed(request, one, other)
    return redirect("directory:duplicate", pair.pk)


def merge(request, one, other, pair):
    if not roles.may(request.user, "add_merge"):
        raise Http404
    comparison = Comparison(one, other, state.current().labels)
    form = comparison.form(request.POST)
    if not form.is_valid():
        # What is asked may have changed since: choices that there are not any more are no mistake.
        if form.seen() != {one.pk: one.version, other.pk: other.version}:
            return stale(request, one, other, form)
        return comparison_page(request, one, other, pair, form=form)
    kept, gone, choices = form.answers()
    try:
        done = merging.merge(kept=kept, gone=gone, choices=choices, by=request.user)
    except merging.Conflict:
        return stale(request, one, other, form)
    except merging.Impossible as refusal:
        return changed(request, one, other, str(refusal))
    return redirect("directory:merge", done.pk)


def stale(request, one, other, form):
    """The page again as things are, with the choices made; what changed since is shown."""
    seen = form.seen()
    fresh = Enterprise.objects.in_bulk([one.pk, other.pk])
    one, other = fresh[one.pk], fresh[other.pk]
    pair = DuplicatePair.objects.filter(duplicates.between(one, other)).first()
    comparison = Comparison(one, other, state.current().labels, seen)
    names = [side.name for side in (one, other) if side.version != seen[side.pk]]
    notice = _(
        "Rien n’a été fusionné\xa0: %(names)s a changé depuis que vous avez ouvert cette page. "
        "Voici ce qu’il en est maintenant\xa0; vos choix sont gardés. Vérifiez-les et recommencez."
    ) % {"names": wording.enumeration([f"«\xa0{name}\xa0»" for name in names])}
    again = comparison.form(form.data).restated()
    return comparison_page(request, one, other, pair, form=again, notice=notice, status=409)


def changed(request, one, other, reason=""):
    """Somebody else settled it meanwhile: their merge, or the two listings as they are."""
    if merge := merge_of(one, other):
        messages.info(request, _("Ces deux fiches venaient d’être fusionnées."))
        return redirect("directory:merge", merge.pk)
    fresh = Enterprise.objects.in_bulk([one.pk, other.pk])
    if len(fresh) < 2:
        raise Http404
    one, other = fresh[one.pk], fresh[other.pk]
    pair = DuplicatePair.objects.filter(duplicates.between(one, other)).first()
    notice = reason or _("Quelqu’un d’autre a déjà tranché.")
    return comparison_page(request, one, other, pair, notice=notice, status=409)


ACTS = {"merge": merge, "distinct": tell_apart, "ask": ask_again}


def onwards(pair):
    next_pair = following(pair)
    if next_pair:
        return redirect("directory:duplicate", next_pair.pk)
    return redirect("directory:duplicates")


# --- Merges


@require_safe
@for_staff("view_merge")
@kept_by_nobody_else
def merge_list(request):
    rows = Merge.objects.select_related("kept", "gone", "by", "undone_by")
    page = Paginator(rows, A_PAGE).get_page(request.GET.get("page"))
    context = {
        "merges": [merge_said(row) for row in page],
        "total": page.paginator.count,
        "pages": {
            "number": page.number,
            "count": page.paginator.num_pages,
            "previous_url": page.has_previous() and f"?page={page.number - 1}",
            "next_url": page.has_next() and f"?page={page.number + 1}",
        },
    }
    return render(request, "directory/merges.html", context)


@shown_or_sent
@for_staff("view_merge")
@kept_by_nobody_else
def merge_detail(request, pk):
    rows = Merge.objects.select_related("kept", "gone", "by", "undone_by")
    merge = get_object_or_404(rows, pk=pk)
    status, refusal = 200, ""
    if request.method == "POST":
        if not roles.may(request.user, "change_merge"):
            raise Http404
        try:
            merging.undo(merge=merge, by=request.user)
        except merging.Impossible as impossible:
            merge.refresh_from_db()
            # Asked twice, it is undone once: the second sees that it is.
            status, refusal = (200, "") if merge.undone_at else (409, str(impossible))
        else:
            return redirect("directory:merge", merge.pk)
    following_pair = following(None)
    context = {
        "merge": merge_said(merge),
        "obstacle": refusal or merging.obstacle(merge),
        "may_undo": roles.may(request.user, "change_merge"),
        "next_url": following_pair and reverse("directory:duplicate", args=[following_pair.pk]),
    }
    return render(request, "directory/merge.html", context, status=status)


def merge_said(merge):
    until = merge_copies.until(merge)
    undone = merge.undone_at and wording.day(timezone.localdate(merge.undone_at))
    kept = merge.kept
    return {
        "url": reverse("directory:merge", args=[merge.pk]),
        "kept": kept.name,
        "kept_url": kept.get_absolute_url()
        if kept.state == Enterprise.State.PUBLISHED
        else reverse("admin:directory_enterprise_change", args=[kept.pk]),
        "gone": merge.gone.name,
        "gone_path": merge.gone.get_absolute_url(),
        "kept_path": kept.get_absolute_url(),
        "public": kept.state == Enterprise.State.PUBLISHED,
        "day": wording.day(timezone.localdate(merge.at)),
        "by": merge.by,
        "until": wording.day(timezone.localdate(until)) if until > timezone.now() else "",
        "undone": undone,
        "undone_by": merge.undone_by,
        "compare_url": f"{reverse('directory:compare')}?a={kept.slug}&b={merge.gone.slug}",
    }
