"""Fictional enterprises put in the database: the demonstration, and any volume for tests."""

import hashlib
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, connections, models
from django.utils import timezone
from django.utils.translation import gettext as _

from directory import fictional
from directory.histories import MADE, Trace
from directory.logos import draw
from directory.models import (
    Benefit,
    Borough,
    Certification,
    City,
    Contact,
    Enterprise,
    EnterpriseBenefit,
    Offering,
    Permit,
    PostalArea,
    PurchasingCategory,
    Recognition,
    Reference,
    Region,
    RegionalCounty,
    Sector,
    SeededKey,
    Status,
)
from directory.search import fold
from directory.slugs import Slugs
from directory.timeline import PARTS
from directory.transactions import long_transaction

DEMO_SIZE = 420
DEMO_SEED = "démonstration"
BATCH = 1_000  # enterprises per transaction
#: Batches written at once: the database works on one while Python prepares the next.
WRITERS = 2
KEYS = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)"

LANGUAGES = {
    "fr": "français",
    "en": "anglais",
    "es": "espagnol",
    "ar": "arabe",
    "zh": "chinois",
    "ht": "créole haïtien",
    "pt": "portugais",
    "vi": "vietnamien",
    "ro": "roumain",
}

# A postal area is that of a city no farther than this, in kilometres.
FARTHEST = 40

Row = dict[str, Any]


class NotEmpty(Exception):
    """The database has enterprises that are not those of the demonstration."""


def load() -> int:
    """Write the demonstration's enterprises, with logos, in the cities of the site.

    Gives how many were written: none when they are already there. Raises NotEmpty rather than
    mix fictional enterprises with real ones.
    """
    with long_transaction():
        marks = SeededKey.objects.filter(vocabulary="demo", key="enterprises")
        if Enterprise.objects.exists():
            if marks.exists():
                return 0
            raise NotEmpty
        rows = fictional.enterprises(
            DEMO_SIZE,
            seed=DEMO_SEED,
            today=timezone.localdate(),
            cities=cities(settings.SITE_CITIES),
        )
        written = write(rows, with_logos=True)
        remember()
        SeededKey.objects.get_or_create(vocabulary="demo", key="enterprises")
        return written


def remember() -> None:
    """Have history begin with what was just written, so that there is something to go back to."""
    trace = Trace(reason=_("Démonstration"))
    for model in (Enterprise, *PARTS):
        keys = model._default_manager.values_list("pk", flat=True)
        trace.keep(model, list(keys), MADE)


def generate(count: int, *, seed: str, progress: Callable[[int], None]) -> int:
    """Add `count` enterprises over all Québec, without logos; gives how many were written.

    `progress` is told the number written so far, after each batch, which is then committed.
    """
    rows = fictional.enterprises(count, seed=seed, today=timezone.localdate(), cities=cities([]))
    return write(rows, progress=progress)


# --- What the generator asks of the territory


def cities(codes: Sequence[str]) -> list[Row]:
    """The cities as `fictional.enterprises` wants them: those of these codes, or all."""
    every = list(City.objects.select_related("county__region").order_by("code"))
    areas = postal_areas_by_city(every)
    boroughs: dict[int, list[str]] = {}
    for borough in Borough.objects.all():
        boroughs.setdefault(borough.city_id, []).append(borough.name)
    return [
        {
            "code": city.code,
            "name": city.name,
            "population": city.population,
            "lat": city.latitude,
            "lng": city.longitude,
            "county_code": city.county.code,
            "region_code": city.county.region.code,
            "fsas": areas.get(city.pk, []),
            "boroughs": boroughs.get(city.pk, []),
        }
        for city in every
        if not codes or city.code in codes
    ]


def postal_areas_by_city(every: Sequence[City]) -> dict[int, list[Row]]:
    """Urban postal areas, each given to the city it is named after, else to the one that weighs
    most there. Rural ones (a zero in the second place) cover dozens of municipalities."""
    names = {city.pk: [fold(city.name)] for city in every}
    for borough in Borough.objects.all():
        names[borough.city_id].append(fold(borough.name))
    by_city: dict[int, list[Row]] = {}
    for area in PostalArea.objects.exclude(code__regex="^.0"):
        near = [(distance(area, city), city) for city in every]
        near = [(kilometres, city) for kilometres, city in near if kilometres <= FARTHEST]
        if not near:
            continue
        called = fold(area.name)
        named = [
            (len(name), -kilometres, city)
            for kilometres, city in near
            for name in names[city.pk]
            if called.startswith(name)
        ]
        if named:
            owner = max(named, key=lambda found: found[:2])[2]
        else:
            owner = max(near, key=lambda found: found[1].population / max(found[0], 1) ** 2)[1]
        by_city.setdefault(owner.pk, []).append(
            {"code": area.code, "lat": area.latitude, "lng": area.longitude}
        )
    return by_city


def distance(area: PostalArea, city: City) -> float:
    """Kilometres, as the crow flies over a flat Québec: to choose between neighbours."""
    north = (area.latitude - city.latitude) * 111.2
    east = (area.longitude - city.longitude) * 111.2 * math.cos(math.radians(city.latitude))
    return math.hypot(north, east)


# --- From dicts to rows


def write(
    enterprises: Iterable[Row],
    *,
    with_logos: bool = False,
    progress: Callable[[int], None] = lambda written: None,
) -> int:
    """Write enterprises given as `fictional.enterprises` yields them; gives how many.

    A name already taken gets another address, a NEQ already taken is left out, a word that the
    vocabularies no longer have is passed over. One transaction a batch, several at once, unless
    a transaction is open: then all is written in that one.
    """
    writer = Writer(with_logos)
    rows = iter(enterprises)
    batches = iter(lambda: list(islice(rows, BATCH)), [])
    if connection.in_atomic_block:
        for batch in batches:
            with long_transaction():
                writer.write(writer.drafts(batch))
            progress(len(writer.keys))
        return len(writer.keys)
    with ThreadPoolExecutor(WRITERS) as pool:
        pending: deque[Future] = deque()
        for batch in batches:
            before = pending[-1] if pending else None
            pending.append(pool.submit(writer.write_apart, writer.drafts(batch), before))
            if len(pending) > WRITERS:
                pending.popleft().result()
                progress(len(writer.keys) - len(pending) * BATCH)
        for written in pending:
            written.result()
        progress(len(writer.keys))
    return len(writer.keys)


Pairs = list[tuple[Enterprise, Row]]


class Writer:
    """What is known from one batch to the next: keys of places and words, what is taken."""

    def __init__(self, with_logos: bool):
        self.with_logos = with_logos
        self.keys: list[int] = []  # of the enterprises drafted, in the order of their ranks
        self.cities = {city.code: city for city in City.objects.all()}
        self.counties = dict(RegionalCounty.objects.values_list("code", "pk"))
        self.regions = dict(Region.objects.values_list("code", "pk"))
        self.boroughs = {
            (city, name): key
            for city, name, key in Borough.objects.values_list("city__code", "name", "pk")
        }
        self.sectors = dict(Sector.objects.values_list("slug", "pk"))
        self.statuses = dict(Status.objects.values_list("slug", "pk"))
        self.benefits = dict(Benefit.objects.values_list("slug", "pk"))
        self.categories = dict(PurchasingCategory.objects.values_list("code", "pk"))
        self.slugs = Slugs.of_the_site()
        self.neqs = set(Enterprise.objects.values_list("neq", flat=True))

    def drafts(self, batch: Sequence[Row]) -> Pairs:
        """Enterprises still to be written, each with the row it comes from. Their keys are drawn
        here, so that a row can name one of another batch, whichever is written first."""
        keys = new_keys(Enterprise, len(batch))
        self.keys += keys
        return [(self.draft(key, row), row) for key, row in zip(keys, batch, strict=True)]

    def write_apart(self, pairs: Pairs, before: Future | None) -> None:
        """In a thread of its own, with its own connection; the batch of before ends first."""
        try:
            with long_transaction():
                self.write(pairs, before)
        finally:
            connection.close()

    def write(self, pairs: Pairs, before: Future | None = None) -> None:
        """Write what enterprises consist of while they are drafts, and publish them last: what
        the database keeps for searching is then computed once."""
        create(draft for draft, _ in pairs)
        self.link(Enterprise.sectors.through, "sector_id", self.sectors, pairs, "sectors")
        self.territories(Enterprise, [(draft, row["territory"]) for draft, row in pairs])
        for make in (certifications, benefits, permits, contacts, references, recognitions):
            create(made for draft, row in pairs for made in make(self, draft, row))
        self.offerings(pairs)
        published = [draft.pk for draft, row in pairs if row["state"] == Enterprise.State.PUBLISHED]
        Enterprise.objects.filter(pk__in=published).update(state=Enterprise.State.PUBLISHED)
        if before:
            before.result()
        self.archive(pairs)

    def draft(self, key: int, row: Row) -> Enterprise:
        city = self.cities[row["city_code"]]
        plain = {name: row[name] for name in PLAIN}
        return Enterprise(
            pk=key,
            **plain,
            slug=self.slugs.new(row["name"], city.slug),
            neq=self.neq(row["neq"]),
            city=city,
            borough_id=self.boroughs.get((city.code, row["borough"])),
            languages=[LANGUAGES[code] for code in row["languages"]],
            serves_province=row["territory"]["province"],
            confirmed_by=self.confirmed_by(row),
            logo=self.logo(row),
        )

    def neq(self, neq: str) -> str | None:
        if not neq or neq in self.neqs:
            return None
        self.neqs.add(neq)
        return neq

    def confirmed_by(self, row: Row) -> str:
        if not row["confirmed_on"]:
            return ""
        owned = row["confirmed_on"].toordinal() % 3
        return Enterprise.Source.OWNER if owned else Enterprise.Source.STAFF

    def logo(self, row: Row) -> str:
        """The file of a logo drawn for this name, which says nothing of it."""
        if not (self.with_logos and row["logo"]["wanted"]):
            return ""
        image = draw(row["name"], row["logo"]["seed"])
        name = f"{hashlib.sha256(image).hexdigest()[:32]}.webp"
        if not default_storage.exists(name):
            default_storage.save(name, ContentFile(image))
        return name

    def territories(
        self, model: type[models.Model], owners: Sequence[tuple[models.Model, Row | None]]
    ) -> None:
        cities = {code: city.pk for code, city in self.cities.items()}
        for field, column, keys, name in (
            ("served_regions", "region_id", self.regions, "regions"),
            ("served_counties", "regionalcounty_id", self.counties, "counties"),
            ("served_cities", "city_id", cities, "cities"),
        ):
            through = getattr(model, field).through
            given = [(owner, territory) for owner, territory in owners if territory]
            self.link(through, column, keys, given, name)

    def link(
        self,
        through: Any,
        column: str,
        keys: dict[str, int],
        pairs: Sequence[tuple[models.Model, Row]],
        name: str,
    ) -> None:
        if not pairs:
            return
        owner = f"{pairs[0][0]._meta.model_name}_id"
        copy(
            through,
            [owner, column],
            (
                (instance.pk, keys[code])
                for instance, row in pairs
                for code in dict.fromkeys(row[name])
                if code in keys
            ),
        )

    def offerings(self, pairs: Pairs) -> None:
        made = [
            (
                Offering(
                    enterprise=enterprise,
                    kind=row["kind"],
                    name=row["name"],
                    description=row["description"],
                    category_id=self.categories.get(row["category"]),
                    unspsc=row["unspsc"],
                    position=position,
                    serves_province=bool(row["territory"] and row["territory"]["province"]),
                ),
                row["territory"],
            )
            for enterprise, enterprise_row in pairs
            for position, row in enumerate(enterprise_row["offerings"], start=1)
        ]
        for key, (offering, _territory) in zip(new_keys(Offering, len(made)), made, strict=True):
            offering.pk = key
        create(offering for offering, _territory in made)
        self.territories(Offering, made)

    def archive(self, pairs: Pairs) -> None:
        archived = []
        for enterprise, row in pairs:
            if row["state"] == Enterprise.State.ARCHIVED:
                enterprise.state = Enterprise.State.ARCHIVED
                enterprise.closing = row["closing"]
                enterprise.archive_reason = row["archive_reason"]
                if row["replaced_by"] is not None:
                    enterprise.replaced_by_id = self.keys[row["replaced_by"]]
                archived.append(enterprise)
        fields = ["state", "closing", "archive_reason", "replaced_by"]
        Enterprise.objects.bulk_update(archived, fields)


# Fields that a dict and an enterprise name and hold alike.
PLAIN = [
    "name",
    "other_names",
    "legal_form",
    "founded_year",
    "mission",
    "description",
    "size",
    "external_ids",
    "address",
    "postal_code",
    "latitude",
    "longitude",
    "geo_precision",
    "phone",
    "phone_extension",
    "email",
    "website",
    "insured_amount",
    "smallest_order",
    "largest_order",
    "lead_time_days",
    "busy_until",
    "accepts_cobidding",
    "on_seao",
    "published_on",
    "confirmed_on",
]


def new_keys(model: type[models.Model], number: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(KEYS, [model._meta.db_table, number])
        return [key for (key,) in cursor.fetchall()]


def create(instances: Iterable[models.Model]) -> None:
    """Write instances of one model, none of which is there yet: what `bulk_create` does, by COPY,
    which costs Python a third of it."""
    rows = list(instances)
    if not rows:
        return
    fields = [
        field
        for field in rows[0]._meta.concrete_fields
        if not field.generated and (rows[0].pk or not field.primary_key)
    ]
    # `connection` looks for the thread's own at each use.
    database = connections[connection.alias]
    copy(
        type(rows[0]),
        [field.column for field in fields],
        (
            [field.get_db_prep_save(field.pre_save(row, True), database) for field in fields]
            for row in rows
        ),
    )


def copy(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows of these columns, as the database wants them."""
    names = ", ".join(map(connection.ops.quote_name, columns))
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def certifications(writer: Writer, enterprise: Enterprise, row: Row) -> Iterator[Certification]:
    for certification in row["statuses"]:
        facts = {name: value for name, value in certification.items() if name != "status"}
        if key := writer.statuses.get(certification["status"]):
            yield Certification(enterprise=enterprise, status_id=key, **facts)


def benefits(writer: Writer, enterprise: Enterprise, row: Row) -> Iterator[EnterpriseBenefit]:
    for benefit in row["benefits"]:
        if key := writer.benefits.get(benefit["benefit"]):
            yield EnterpriseBenefit(
                enterprise=enterprise, benefit_id=key, evidence=benefit["evidence"]
            )


def permits(writer: Writer, enterprise: Enterprise, row: Row) -> Iterator[Permit]:
    for permit in row["permits"]:
        yield Permit(enterprise=enterprise, **permit)


def contacts(writer: Writer, enterprise: Enterprise, row: Row) -> Iterator[Contact]:
    for position, contact in enumerate(row["contacts"], start=1):
        facts = {name: value for name, value in contact.items() if name != "extension"}
        yield Contact(
            enterprise=enterprise,
            phone_extension=contact["extension"],
            position=position,
            **facts,
        )


def references(writer: Writer, enterprise: Enterprise, row: Row) -> Iterator[Reference]:
    for reference in row["references"]:
        yield Reference(enterprise=enterprise, **reference)


def recognitions(writer: Writer, enterprise: Enterprise, row: Row) -> Iterator[Recognition]:
    if recognition := row["recognition"]:
        yield Recognition(
            enterprise=enterprise,
            criteria=Recognition.Criterion.values,
            evidence="Statuts et états financiers (fictifs)",
            recognised_on=recognition["recognised_on"],
            expires_on=recognition["expires_on"],
        )
