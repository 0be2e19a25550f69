"""Two listings of one enterprise made one, and that undone.

The listing that goes is archived, its address leads to the other for good, and all that named it
names the other: its parts and its people (belongings.py), other listings, and what other apps
register in `extensions.merge_handlers`. The `Merge` keeps both listings as they were and which rows
changed hands, for a time (merge_copies.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from simple_history.models import HistoricalChanges

from directory import audit, belongings, duplicates, merge_copies, wording
from directory.belongings import REASON, REASON_UNDONE, is_empty, values_of
from directory.extensions import MergeHandler, merge_handlers
from directory.gazetteer import key
from directory.models import DuplicatePair, Enterprise, Merge, User
from directory.provenance import CHILDREN, said_with

Source = Enterprise.Source
State = Enterprise.State
Values = dict[str, Any]
KEPT, GONE, BOTH = "kept", "gone", "both"


class Conflict(Exception):
    """A listing is no longer what the person saw; its `names` are those that changed."""

    def __init__(self, names: list[str]):
        super().__init__(names)
        self.names = names


class Impossible(Exception):
    """These two cannot be merged, or this merge cannot be undone; says why, and what to do."""


# --- What is chosen from one listing or the other


@dataclass(frozen=True)
class Part:
    """Columns that say one thing: chosen together. Lists of things may also be put `together`."""

    name: str
    label: Any
    columns: tuple[str, ...]
    together: bool = False
    #: The columns by which one sees whether anything is said, where not all tell it.
    telling: tuple[str, ...] = ()

    def of(self, values: Values) -> Values:
        return {column: values[column] for column in self.columns}

    def is_empty(self, values: Values) -> bool:
        return all(is_empty(values[column]) for column in self.telling or self.columns)

    def same(self, one: Values, other: Values) -> bool:
        return all(
            _comparable(one, column) == _comparable(other, column) for column in self.columns
        )


def _comparable(values: Values, column: str) -> Any:
    """A position that was not given is that of the postal code, or of the city: it says nothing."""
    if column in ("latitude", "longitude") and values["geo_precision"] != "exact":
        return None
    value = values[column]
    return sorted(value) if isinstance(value, list) else value


def part(name: str, label: Any, *columns: str, **options: Any) -> Part:
    return Part(name, label, columns or (name,), **options)


PARTS = [
    part("name", gettext_lazy("Nom")),
    part("neq", gettext_lazy("NEQ")),
    part("legal_form", gettext_lazy("Forme juridique")),
    part("founded_year", gettext_lazy("Année de fondation")),
    part("mission", gettext_lazy("Mission")),
    part("description", gettext_lazy("Description")),
    part("sectors", gettext_lazy("Secteurs d’activité"), together=True),
    part("size", gettext_lazy("Taille")),
    part("languages", gettext_lazy("Langues"), together=True),
    part("logo", gettext_lazy("Logo")),
    part(
        *("place", gettext_lazy("Adresse"), "address", "borough_id", "city_id", "postal_code"),
        *("latitude", "longitude", "geo_precision"),
        telling=("address", "postal_code"),
    ),
    part("phone", gettext_lazy("Téléphone"), "phone", "phone_extension", telling=("phone",)),
    part("email", gettext_lazy("Courriel")),
    part("website", gettext_lazy("Site web")),
    part(
        *("territory", gettext_lazy("Territoire servi"), "serves_province", "served_regions"),
        *("served_counties", "served_cities"),
        together=True,
    ),
    part("insured_amount", gettext_lazy("Montant assuré")),
    part("orders", gettext_lazy("Commandes acceptées"), "smallest_order", "largest_order"),
    part("lead_time_days", gettext_lazy("Délai habituel")),
    part("busy_until", gettext_lazy("Complet jusqu’au")),
    part("accepts_cobidding", gettext_lazy("Soumission à plusieurs")),
    part("on_seao", gettext_lazy("Inscription au SEAO")),
    part("external_ids", gettext_lazy("Identifiants ailleurs"), together=True),
]
LINKED = ("sectors", "served_regions", "served_counties", "served_cities")
#: How one is reached: what a confirmation confirms.
REACHED = {"place", "phone", "email", "website"}


def differing(one: Values, other: Values) -> list[Part]:
    """The parts that the two do not say alike."""
    return [part for part in PARTS if not part.same(part.of(one), part.of(other))]


def said_by(part: Part, values: Values) -> str:
    """Who said it, the surest of those who said some of it; "" where that is not known."""
    telling = [column for column in part.columns if not is_empty(values[column])]
    names = {said_with(column.removesuffix("_id")) for column in telling or part.columns}
    sources = {values["provenance"].get(name, "") for name in names}
    return min(sources, key=SUREST.index)


#: Whose word prevails: the enterprise's, the Pôle's, somebody's, a file's.
SUREST = [Source.OWNER, Source.STAFF, "", Source.IMPORT]


def proposed(part: Part, one: Values, other: Values) -> str:
    """Which is proposed, "one", "other" or "both": what is said rather than nothing; then what the
    enterprise said, then the Pôle, then a file; then both where they can be put together, else
    what buyers read already, and of two drafts the one that was written last."""
    empty = part.is_empty(one), part.is_empty(other)
    if empty[0] != empty[1]:
        return "other" if empty[0] else "one"
    ranks = [SUREST.index(said_by(part, side)) for side in (one, other)]
    if ranks[0] != ranks[1]:
        return "one" if ranks[0] < ranks[1] else "other"
    if part.together:
        return "both"
    public = [side["state"] == State.PUBLISHED for side in (one, other)]
    if public[0] != public[1]:
        return "one" if public[0] else "other"
    return "one" if one["updated_at"] >= other["updated_at"] else "other"


def better_kept(one: Enterprise, other: Enterprise) -> Enterprise:
    """The listing proposed to be kept: published, then with somebody responsible, then the older,
    whose address is the better known."""

    def merit(enterprise: Enterprise) -> tuple:
        published = enterprise.state == State.PUBLISHED
        owned = enterprise.representatives.answering().exists()
        return not published, not owned, enterprise.created_at, enterprise.pk

    return min(one, other, key=merit)


# --- Merging


@transaction.atomic
def merge(
    *, kept: Enterprise, gone: Enterprise, choices: Mapping[str, str], by: User | None
) -> Merge:
    """Merge `gone` into `kept`. Both bear the version that the person saw.

    `choices` says, for each part of `PARTS` that differs, "kept", "gone" or, where things can be
    put together, "both"; without one, `kept` has its own, or where it has nothing, the other's.
    Raises Conflict where a listing changed since it was seen, Impossible where one is archived
    already or the two are one, ValueError for a choice that there is not."""
    if kept.pk == gone.pk:
        raise Impossible(_("C’est deux fois la même fiche\xa0: choisissez-en une autre."))
    pointing = Enterprise.objects.filter(replaced_by=gone.pk).values_list("pk", flat=True)
    Enterprise.objects.lock([kept.pk, gone.pk, *pointing])
    seen = {kept.pk: kept.version, gone.pk: gone.version}
    rows = Enterprise.objects.in_bulk([kept.pk, gone.pk])
    if len(rows) < 2:
        raise Impossible(_("Une des deux fiches n’existe plus\xa0: rien n’a été fait."))
    kept, gone = rows[kept.pk], rows[gone.pk]
    for one in (kept, gone):
        if one.state == State.ARCHIVED:
            raise Impossible(
                _("La fiche «\xa0%(name)s\xa0» est archivée\xa0: rien n’a été fait.")
                % {"name": one.name}
            )
    if stale := [one.name for one in (kept, gone) if one.version != seen[one.pk]]:
        raise Conflict(stale)

    # One that was merged before, and is open again: that merge is over.
    Merge.objects.filter(gone__in=[kept, gone], undone_at=None).update(
        undone_at=timezone.now(), undone_by=by, before={}
    )
    before = {KEPT: values_of(kept), GONE: values_of(gone)}
    chosen = {part.name: _chosen(part, choices, before) for part in PARTS}
    _archive(gone, kept, by=by, neq_taken=chosen["neq"] == GONE)
    _complete(kept, chosen, before, by=by)
    moved = {name: handler.move(kept.pk, gone.pk) for name, handler in handlers().items()}
    done = Merge.objects.create(
        kept=kept,
        gone=gone,
        by=by,
        before=before
        | {
            "after": {KEPT: values_of(kept), GONE: values_of(gone)},
            "versions": {str(kept.pk): kept.version, str(gone.pk): gone.version},
            "moved": moved,
        },
    )
    DuplicatePair.objects.filter(duplicates.between(kept, gone)).update(
        state=DuplicatePair.State.MERGED, decided_by=by, decided_at=timezone.now()
    )
    audit.record(act="enterprise.merged", by=by, subject=kept, gone=gone.pk, slug=gone.slug)
    return done


def _chosen(part: Part, choices: Mapping[str, str], before: Mapping[str, Values]) -> str:
    empty = part.is_empty(before[KEPT]) and not part.is_empty(before[GONE])
    choice = choices.get(part.name) or (GONE if empty else KEPT)
    if choice not in ({KEPT, GONE, BOTH} if part.together else {KEPT, GONE}):
        raise ValueError(f"{part.name}: {choice}")
    return choice


def _archive(gone: Enterprise, kept: Enterprise, *, by: User | None, neq_taken: bool) -> None:
    gone.state, gone.closing, gone.replaced_by = State.ARCHIVED, "replaced", kept
    gone.archive_reason = _("Fusionnée avec «\xa0%(name)s\xa0».") % {"name": kept.name}
    if neq_taken:
        gone.neq = None
    _save(gone, {}, REASON, by)


def _complete(
    kept: Enterprise, chosen: Mapping[str, str], before: Mapping[str, Values], *, by: User | None
) -> None:
    """Give the listing that stays what was chosen of the other."""
    own, other = before[KEPT], before[GONE]
    values: Values = {}
    for part in PARTS:
        choice = chosen[part.name]
        if choice == KEPT:
            continue
        for column in part.columns:
            both = _together(own[column], other[column]) if choice == BOTH else other[column]
            values[column] = both
            from_both = choice == BOTH and not is_empty(own[column])
            _credit(kept, column, own, other, BOTH if from_both else GONE)
    for model, name in CHILDREN.items():
        rows = model._default_manager.filter(enterprise__in=[own["id"], other["id"]])
        sides = set(rows.order_by().values_list("enterprise", flat=True))
        if other["id"] in sides:
            _credit(kept, name, own, other, BOTH if own["id"] in sides else GONE)
    taken = chosen["name"] == GONE
    lost, name = (own["name"], other["name"]) if taken else (other["name"], own["name"])
    names: dict[str, str] = {}
    for one in [*own["other_names"], *other["other_names"], lost]:
        names.setdefault(key(one), one)
    names.pop(key(name), None)
    values["other_names"] = list(names.values())
    values |= _confirmation(chosen, own, other)
    if own["state"] == State.DRAFT and other["state"] == State.PUBLISHED:
        values |= {"state": State.PUBLISHED, "published_on": other["published_on"]}
    _save(kept, values, REASON, by)


def _together(own: Any, other: Any) -> Any:
    if isinstance(own, dict):
        return other | own
    if isinstance(own, list):
        return list(dict.fromkeys([*own, *other]))
    return own or other


def _credit(kept: Enterprise, name: str, own: Values, other: Values, choice: str) -> None:
    """Note who said what the listing now says: of what comes from both, the surest of the two where
    it is a person, and where it is not, somebody, unless both came from a file."""
    said = said_with(name.removesuffix("_id"))
    mine, source = own["provenance"].get(said), other["provenance"].get(said)
    if choice == BOTH and mine != source:
        people = [one for one in (Source.OWNER, Source.STAFF) if one in (mine, source)]
        source = people[0] if people else None
    if source:
        kept.provenance[said] = source
    else:
        kept.provenance.pop(said, None)


def _confirmation(chosen: Mapping[str, str], own: Values, other: Values) -> Values:
    """Of the ways to reach the enterprise that come from both, the day of the older confirmation:
    a listing is not said to be confirmed later than what it says was."""
    sides = {chosen[part.name] for part in differing(own, other) if part.name in REACHED}
    confirmed = [own] * (GONE not in sides or KEPT in sides) + [other] * (GONE in sides)
    oldest = min(confirmed, key=lambda side: side["confirmed_on"] or "")
    return {name: oldest[name] for name in ("confirmed_on", "confirmed_by")}


def _save(enterprise: Enterprise, values: Values, reason: str, by: User | None) -> None:
    """Write these columns and links, as `values_of` has them, with a row of history."""
    enterprise._change_reason = reason  # type: ignore[attr-defined]
    enterprise._history_user = by  # type: ignore[attr-defined]
    for name, value in values.items():
        if name in LINKED:
            getattr(enterprise, name).set(value)
        else:
            setattr(enterprise, name, belongings.read_back(Enterprise, name, value))
    enterprise.version += 1
    enterprise.save()


# --- Everything that names a listing


def _point_elsewhere(kept: int, gone: int) -> list[int]:
    """Listings that `gone` replaced are replaced by what replaces it: one step leads there."""
    rows = list(Enterprise.objects.filter(replaced_by=gone).order_by("pk"))
    for row in rows:
        belongings.write(row, {"replaced_by_id": kept}, REASON)
    return [row.pk for row in rows]


def _point_back(kept: int, gone: int, moved: list[int]) -> None:
    for row in Enterprise.objects.filter(pk__in=moved, replaced_by=kept).order_by("pk"):
        belongings.write(row, {"replaced_by_id": gone}, REASON_UNDONE)


def _move_pairs(kept: int, gone: int) -> belongings.Memory:
    """What looked like the listing that goes is to be compared with the one that stays, unless it
    has been already."""
    ledger = belongings.Ledger(kept, gone)
    named = (Q(first=gone) | Q(second=gone)) & ~Q(state=DuplicatePair.State.MERGED)
    for pair in DuplicatePair.objects.filter(named).order_by("pk").select_for_update():
        other = pair.second_id if pair.first_id == gone else pair.first_id
        if other == kept:
            continue
        first, second = sorted((kept, other))
        if DuplicatePair.objects.filter(first=first, second=second).exists():
            ledger.remove(pair)
        else:
            ledger.change(pair, {"first_id": first, "second_id": second})
    return ledger.memory()


OWN = {
    "parts and people": MergeHandler(
        tuple(f"{table.label}.enterprise" for table in belongings.TABLES),
        "",
        belongings.move_all,
        belongings.put_back,
    ),
    "listings replaced": MergeHandler(
        ("directory.enterprise.replaced_by",), "", _point_elsewhere, _point_back
    ),
    "pairs": MergeHandler(
        ("directory.duplicatepair.first", "directory.duplicatepair.second"),
        "",
        _move_pairs,
        belongings.put_back,
    ),
}
#: Rows that keep naming the listing that went, and why.
LEFT = {
    "directory.listing.enterprise": "kept by the database itself",
    "directory.merge.kept": "what was done, and to which",
    "directory.merge.gone": "what was done, and to which",
    "directory.callunderway.enterprise": "over with the call, within minutes",
    "directory.importrow.enterprise": "undoing the import must not undo another listing",
}


def handlers() -> dict[str, MergeHandler]:
    return OWN | merge_handlers.entries


def unhandled() -> list[str]:
    """Foreign keys to an enterprise for which nothing says what a merge makes of them."""
    answered = {name for handler in handlers().values() for name in handler.relations}
    found = []
    for relation in Enterprise._meta.get_fields(include_hidden=True):
        model: Any = relation.related_model
        if not relation.auto_created or relation.concrete or model._meta.auto_created:
            continue
        # Rows of history say what was: they stay with what they speak of.
        if issubclass(model, HistoricalChanges):
            continue
        found.append(f"{model._meta.label_lower}.{relation.field.name}")  # type: ignore[union-attr]
    return sorted(set(found) - answered - LEFT.keys())


# --- Undoing


def obstacle(merge: Merge) -> str:
    """What keeps a merge from being undone, and what to do; "" where nothing does."""
    if merge.undone_at:
        return _("Cette fusion est déjà défaite.")
    if not merge.before or merge_copies.until(merge) <= timezone.now():
        return _(
            "Elle pouvait l’être jusqu’au %(day)s\xa0: les copies qu’il y fallait sont effacées. "
            "Rouvrez l’autre fiche dans l’administration et corrigez les deux."
        ) % {"day": wording.day(timezone.localdate(merge_copies.until(merge)))}
    kept, gone = merge.kept, merge.gone
    later = Merge.objects.filter(gone=kept, undone_at=None).select_related("kept").first()
    if later:
        return _(
            "«\xa0%(name)s\xa0» a été fusionnée à son tour avec «\xa0%(other)s\xa0»\xa0: "
            "défaites d’abord cette fusion-là."
        ) % {"name": kept.name, "other": later.kept.name}
    for one in (kept, gone):
        if one.version != merge.before["versions"].get(str(one.pk)):
            return _(
                "«\xa0%(name)s\xa0» a été modifiée depuis la fusion\xa0: la défaire effacerait ce "
                "qui a été écrit. Rouvrez l’autre fiche dans l’administration et corrigez les deux."
            ) % {"name": one.name}
    return ""


@transaction.atomic
def undo(*, merge: Merge, by: User | None) -> Merge:
    """Put both listings back as they were, and what changed hands. Rows that were added since stay
    with the listing that was kept; those that somebody changed since stay as they are. Raises
    Impossible, saying what prevents it, where either listing was written since."""
    moved = merge.before.get("moved", {}).get("listings replaced", [])
    Enterprise.objects.lock([merge.kept_id, merge.gone_id, *moved])
    held = Merge.objects.select_for_update(of=("self",)).select_related("kept", "gone")
    merge = held.get(pk=merge.pk)
    if reason := obstacle(merge):
        raise Impossible(reason)
    kept, gone, before = merge.kept, merge.gone, merge.before
    known = handlers()
    for name, memory in reversed(before["moved"].items()):
        if name in known:
            known[name].put_back(kept.pk, gone.pk, memory)
    # The listing that was kept first: it may hold the NEQ of the other.
    for side, one in ((KEPT, kept), (GONE, gone)):
        was, became = before[side], before["after"][side]
        changed = [name for name in was if was[name] != became[name]]
        values = {name: was[name] for name in changed if name not in ("version", "updated_at")}
        _save(one, values, REASON_UNDONE, by)
    _carry_on(merge)
    merge.undone_at, merge.undone_by = timezone.now(), by
    merge.before = {}  # it has served: nothing else is done with it
    merge.save()
    DuplicatePair.objects.filter(duplicates.between(kept, gone)).update(
        state=DuplicatePair.State.OPEN, decided_by=None, decided_at=None
    )
    audit.record(act="enterprise.merge_undone", by=by, subject=kept, gone=gone.pk, slug=gone.slug)
    return merge


def _carry_on(merge: Merge) -> None:
    """The two are as they were before this merge, but for their version: merges before it can be
    undone as they could."""
    for side, one in ((KEPT, merge.kept), (GONE, merge.gone)):
        version, name = merge.before[side]["version"], str(one.pk)
        others = merge_copies.held().filter(Q(kept=one) | Q(gone=one), undone_at=None)
        for other in others.exclude(pk=merge.pk).order_by("pk"):
            if other.before["versions"].get(name) == version:
                other.before["versions"][name] = one.version
                other.save()


def successor(enterprise: Enterprise) -> Enterprise | None:
    """Where the address of a listing that was merged leads; None where it was archived otherwise,
    or where what it was merged into is no longer published."""
    to = enterprise.replaced_by
    if to is None or to.state != State.PUBLISHED:
        return None
    return to if enterprise.merged_in.filter(undone_at=None).exists() else None
