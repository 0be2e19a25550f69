"""Where to go from a search that finds nothing."""

from dataclasses import dataclass, field, replace

from directory import search
from directory.conditions import (
    ask,
    asked_words,
    conditions_of,
    every,
    in_town,
    saying,
    serving,
    within,
)
from directory.criteria import Criteria, wider
from directory.facets import STEP, Dimension
from directory.search import Statement
from directory.state import State, keep_words, words

#: In a large directory, what would be found otherwise is counted up to so many.
MANY = 1_000


@dataclass
class Help:
    """What may be said where nothing was found."""

    #: Criterion (a dimension, "q", "dessert", "pres", "boite") → listings found without it.
    without: dict[object, int] = field(default_factory=dict)
    #: Listings found within the next radius, or that serve the city they are not in.
    wider: int = 0
    serving: int = 0
    #: Place of a group of the query → listings found without it; "town", without the city named.
    without_words: dict[object, int] = field(default_factory=dict)
    #: Groups of the query that no listing matches, by their place.
    unknown: list[int] = field(default_factory=list)
    #: The listing that was asked for by its name or NEQ and that results do not show, archived or
    #: out of them since nobody answers.
    archived: dict | None = None
    #: Folded word → word as the directory writes it.
    words: dict[str, str] = field(default_factory=dict)


def help_for(criteria: Criteria, state: State) -> Help:
    """Where to go from criteria that nothing matches; one statement."""
    conditions = conditions_of(criteria, state)
    counts: dict[str, Statement] = {}
    criteria_names = (*conditions.fixed, *conditions.facets)
    if len(criteria_names) > 1:
        counts |= {f"without {name}": conditions.all_but(name) for name in criteria_names}
    if criteria.near and (radius := wider(criteria.radius)):
        further = within(criteria.near, radius)
        counts["wider"] = every([further, conditions.all_but("pres")])
    cities = criteria.facets.get(Dimension.CITY, frozenset())
    if len(cities) == 1 and not criteria.served:
        there = serving(state.labels.city(next(iter(cities)) % STEP))
        counts["serving"] = every([there, conditions.all_but(Dimension.CITY)])

    shorter = _shorter(criteria.query)
    for name, query in shorter.items():
        counts[f"shorter {name}"] = every(
            [saying(query), *in_town(query.town), conditions.all_but("q")]
        )

    pairs = [
        Statement(
            f"'{name}', (SELECT count(*) FROM ("
            f"SELECT FROM directory_listing l WHERE {where.sql} LIMIT %s) counted)",
            [*where.params, MANY + 1 if state.large else None],
        )
        for name, where in counts.items()
    ]
    asked = asked_words(criteria.query)
    groups = range(0 if criteria.query.neq else len(criteria.query.groups))
    for number in groups:
        group = saying(search.Query(groups=(criteria.query.groups[number],)))
        unknown = f"NOT EXISTS (SELECT FROM directory_listing l WHERE {group.sql})"
        pairs.append(Statement(f"'unknown {number}', {unknown}", group.params))
    if criteria.query:
        pairs.append(_archived(criteria.query))
    if groups:
        pairs.append(_words(state))
    answer = ask(
        Statement(
            f"WITH {asked.sql} nothing AS (SELECT) SELECT json_build_object("
            + ", ".join(pair.sql for pair in pairs)
            + ")",
            [*asked.params, *(p for pair in pairs for p in pair.params)],
        ),
        state,
    )
    known_words = answer.get("words")
    return Help(
        without={name: answer[f"without {name}"] for name in criteria_names}
        if len(criteria_names) > 1
        else {},
        without_words={name: answer[f"shorter {name}"] for name in shorter},
        wider=answer.get("wider", 0),
        serving=answer.get("serving", 0),
        unknown=[number for number in groups if answer[f"unknown {number}"]],
        archived=answer.get("archived"),
        words=keep_words(state.version, known_words)
        if known_words is not None
        else words(state) or {},
    )


def _shorter(query: search.Query) -> dict[object, search.Query]:
    """The query without one of its groups, by their place, and without the city that it names."""
    if query.neq:
        return {}
    groups = query.groups
    shorter: dict[object, search.Query] = {}
    if len(groups) > 1:
        for place in range(len(groups)):
            shorter[place] = replace(query, groups=groups[:place] + groups[place + 1 :])
    if query.town:
        shorter["town"] = replace(query, town=None)
    return shorter


def _archived(query: search.Query) -> Statement:
    return Statement(
        """'archived', (SELECT json_build_object('slug', e.slug, 'name', e.name, 'state', e.state,
                'closing', e.closing, 'successor', r.name, 'successor_slug', r.slug)
            FROM directory_enterprise e
            LEFT JOIN directory_enterprise r ON r.id = e.replaced_by_id AND r.state = 'published'
            WHERE (public.fold(e.name) = %s AND e.state = 'archived'
                    OR public.fold(e.name) = %s AND e.unreachable_since IS NOT NULL
                    OR e.neq = %s)
                AND (e.state = 'archived' OR e.state = 'published' AND NOT public.directory_listed(
                    e.state, e.unreachable_since, e.confirmed_on)) LIMIT 1)""",
        [search.fold(query.text), search.fold(query.text), query.neq or None],
    )


def _words(state: State) -> Statement:
    if words(state) is not None:
        return Statement("'words', NULL")
    if state.words_version == state.version or state.large:
        return Statement("'words', (SELECT words FROM directory_snapshot)")
    return Statement("'words', public.directory_take_words()")
