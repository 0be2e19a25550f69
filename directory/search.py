"""The query language: what a person typed, read into groups of terms, and said again in SQL.

Nothing here imports a model. Two rules are written twice, in Python for the words typed and in
SQL for the words stored (`sql/text.sql`): `fold` and `normalise`. A test holds them equal.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

LONGEST_TEXT = 200  # characters
MOST_TERMS = 10


def _folding() -> dict[int, str | None]:
    """What becomes of a character once accents are apart from letters (NFD)."""
    table: dict[int, str | None] = {code: chr(code + 32) for code in range(ord("A"), ord("Z") + 1)}
    table |= dict.fromkeys(range(0x300, 0x370))  # accents
    table |= dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))  # invisible
    table |= dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])  # direction marks
    table |= dict.fromkeys(map(ord, "\u00a0\u2007\u2009\u202f"), " ")
    table |= dict.fromkeys(map(ord, "’‘ʼ′`´"), "'")
    table |= dict.fromkeys(map(ord, "‐‑‒–—"), "-")
    table |= {ord("œ"): "oe", ord("Œ"): "oe", ord("æ"): "ae", ord("Æ"): "ae", ord("ß"): "ss"}
    table |= {ord("ø"): "o", ord("Ø"): "o", ord("ł"): "l", ord("Ł"): "l", ord("đ"): "d"}
    table |= {ord("Đ"): "d", ord("ı"): "i"}
    return table


FOLDING = _folding()

# What a word is made of, once folded; the rest separates words.
SEPARATORS = re.compile("[\x00-/:-`{-\u00bf×÷\u2000-\u206f\u2190-\u2bff\u3000-\u303f]+")

# Endings made alike before stemming, in this order (the stemmer expects accents, and misses
# travail/travaux, ménager/ménagère, vélo/vélos once folded).
ENDINGS = [
    (re.compile(r"(?<=[a-z]{2})eaux(?= |$)"), "eau"),
    (re.compile(r"(?<=[a-z]{2})yaux(?= |$)"), "yau"),
    (re.compile(r"(?<=[a-z]{3})aux(?= |$)"), "al"),
    (re.compile(r"(?<=[a-z]{3})[sx](?= |$)"), ""),
    (re.compile(r"(?<=[a-z]{3})ail(?= |$)"), "al"),
    (re.compile(r"(?<=[a-z]{3})i(?:el|au)(?= |$)"), "ial"),
    (re.compile(r"(?<=[a-z]{3})ere(?= |$)"), "er"),
    (re.compile(r"(?<=[a-z]{3})ee(?= |$)"), "e"),
]

# Folded words that say nothing by themselves; kept in phrases.
STOP_WORDS = frozenset(
    """
    a afin ai au aucun aussi aux avec avoir c ce ces cet cette chez comme d dans de des donc
    du elle elles en entre est et etc etre eux il ils j je l la le les leur leurs lui m ma
    mais me mes mon n ne ni nos notre nous on ont ou par pas plus pour qu quand que quel
    quelle quelles quels qui s sa sans se ses si son sont sous sur t ta te tes toi ton tous
    tout toute toutes tres tu un une vers vos votre vous y
    """.split()  # noqa: SIM905 a list of words, not of strings
)

# Folded words of whoever asks, which no offering holds: « je cherche », « compagnie de ».
ASKING_WORDS = frozenset(
    """
    besoin besoins cherche chercher cherchons compagnie compagnies desire desirons faire faut
    fournisseur fournisseurs peut peuvent pouvant pourrait quelqu trouver veux voudrais voulons
    """.split()  # noqa: SIM905 a list of words, not of strings
)
# After a number, what is counted: « pour 50 personnes » says how many, not what.
UNITS = frozenset(
    """
    convive convives copie copies exemplaire exemplaires invite invitee invitees invites
    participant participante participantes participants personne personnes place places
    """.split()  # noqa: SIM905
)
# « près de moi », « près d’ici »: what follows « près » where no place is said.
HERE = frozenset(["moi", "nous", "ici"])


def fold(text: str) -> str:
    """`text` in lower case without accents, ligatures, typographic marks or invisible signs.

    The same as the SQL function `public.fold`."""
    return unicodedata.normalize("NFD", text).translate(FOLDING)


def normalise(text: str) -> str:
    """`text` folded, its words apart by one space, plural and feminine endings made alike.

    The same as the SQL function `public.normalise`, which both the stored words and the words
    searched for go through."""
    words = SEPARATORS.sub(" ", fold(text)).strip()
    for ending, replacement in ENDINGS:
        words = ending.sub(replacement, words)
    return words


def synonym_key(text: str) -> str:
    """What two spellings of one term share: its words normalised, without stop words."""
    words = SEPARATORS.sub(" ", fold(text)).split()
    return normalise(" ".join(word for word in words if word not in STOP_WORDS) or text)


@dataclass(frozen=True)
class Term:
    """A word, or words of which all must match; in a phrase, side by side and in order."""

    text: str
    phrase: bool = False

    @property
    def key(self) -> str:
        return synonym_key(self.text)

    @property
    def searched(self) -> str:
        """Stop words are looked for in phrases, and where there is nothing else."""
        return normalise(self.text) if self.phrase else self.key


@dataclass(frozen=True)
class Group:
    """Terms of which one must match; `widened` are synonyms that were not typed."""

    terms: tuple[Term, ...]
    widened: tuple[Term, ...] = ()


@dataclass(frozen=True)
class Town:
    """A city named among the words. A listing matches that says its name, is there or serves it."""

    words: str  # as typed
    name: str
    key: str  # what stands for it in an address
    code: int
    #: The territories that it is part of, the whole province and itself included.
    territories: tuple[int, ...]


@dataclass(frozen=True)
class Query:
    """What was typed, understood: every group must match, and no excluded term."""

    text: str = ""
    groups: tuple[Group, ...] = ()
    excluded: tuple[Term, ...] = ()
    # Why part of what was typed does not count: "long", "terms", "negative".
    ignored: tuple[str, ...] = ()
    #: Words of the person asking, which nothing need hold: « je cherche », « 50 personnes ».
    aside: tuple[str, ...] = ()
    town: Town | None = None

    @property
    def neq(self) -> str:
        """The NEQ that was typed, spaces apart, or ""; ten other digits are a telephone number."""
        digits = re.sub(r"[\s.-]", "", self.text)
        known = self.groups and re.fullmatch(r"(?:11|22|33|88)[0-9]{8}", digits)
        return digits if known else ""

    def __bool__(self) -> bool:
        return bool(self.groups)


TOKEN = re.compile(r'(?P<minus>-?)(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')
OPENING_QUOTES = str.maketrans("«»“”„‟", '""""""', "")


def parse(text: str) -> Query:
    """Read `text` as typed: words (all must match), `"exact phrase"`, `-without`, `this ou that`.

    Never fails: what goes beyond 200 characters or 10 terms is left out, and said in
    `Query.ignored`; so is a query that only excludes."""
    text = " ".join(text.translate(OPENING_QUOTES).split())
    ignored = []
    if len(text) > LONGEST_TEXT:
        text = text[:LONGEST_TEXT].rsplit(" ", 1)[0]
        ignored.append("long")

    groups: list[list[Term]] = []
    excluded: list[Term] = []
    alternative = False
    for token in TOKEN.finditer(text):
        phrase = token["phrase"] is not None
        words = (token["phrase"] if phrase else token["word"]).strip()
        if not phrase and not token["minus"] and fold(words) == "ou":
            alternative = True
            continue
        term = Term(words, phrase)
        if not normalise(words):
            continue
        if len(groups) + len(excluded) + sum(len(group) - 1 for group in groups) >= MOST_TERMS:
            ignored.append("terms")
            break
        if token["minus"]:
            excluded.append(term)
        elif alternative and groups:
            groups[-1].append(term)
        else:
            groups.append([term])
        alternative = False

    groups, aside = _apart(groups)
    groups = _without_stop_words(groups)
    excluded = [term for term in excluded if says_something(term)]
    if excluded and not groups:
        ignored.append("negative")
        excluded = []
    return Query(
        text,
        tuple(Group(tuple(group)) for group in groups),
        tuple(excluded),
        tuple(ignored),
        tuple(aside),
    )


def says_something(term: Term) -> bool:
    """Not a stop word, nor a quantity: « 2000 dépliants » looks for dépliants."""
    words = SEPARATORS.sub(" ", fold(term.text)).split()
    return term.phrase or any(word not in STOP_WORDS and not word.isdigit() for word in words)


def _apart(groups: list[list[Term]]) -> tuple[list[list[Term]], list[str]]:
    """The groups that say what is looked for, and the words that say how, as typed; all of them
    kept where nothing else would be left."""
    plain = [
        " ".join(SEPARATORS.sub(" ", fold(group[0].text)).split())
        if len(group) == 1 and not group[0].phrase
        else ""
        for group in groups
    ]
    kept: list[list[Term]] = []
    aside: list[str] = []
    place = 0
    while place < len(groups):
        taken = _aside(plain, place)
        if taken:
            aside.append(" ".join(group[0].text for group in groups[place : place + taken]))
        else:
            kept.append(groups[place])
        place += taken or 1
    if not any(says_something(term) for group in kept for term in group):
        return groups, []
    return kept, aside


def _aside(words: list[str], place: int) -> int:
    """How many words from this place on say how many, where or that one is looking."""
    word, *after = words[place : place + 3]
    if word in ASKING_WORDS:
        return 1
    if word.isdigit() and after and after[0] in UNITS:
        return 2
    if word == "pres":
        # « près de moi », « près d’ici »; « près de », whose city was taken from there.
        for size, other in enumerate(after, start=2):
            if not HERE.isdisjoint(other.split()):
                return size
        if all(other in STOP_WORDS for other in after):
            return 1 + len(after)
    return 0


def locate(query: Query, find: Callable[[str, str], Town | None]) -> Query:
    """`query` with the city that it names at its end or beginning apart from its other words.

    `find` gives the city that words name, told the word before them ("" for none). Quoted words
    name no city, nor do words beside which nothing is looked for."""
    words = query.text.split()
    for start, end in _edges(len(words)):
        named = words[start:end]
        before = words[start - 1] if start else ""
        after = words[end] if end < len(words) else ""
        if any('"' in word or word.startswith("-") for word in named):
            continue
        if "ou" in (fold(before), fold(after)):
            continue
        if town := find(" ".join(named), fold(before)):
            rest = parse(" ".join(words[:start] + words[end:]))
            if any(says_something(term) for group in rest.groups for term in group.terms):
                return replace(rest, text=query.text, ignored=query.ignored, town=town)
    return query


#: Words of the longest names of cities, and more.
LONGEST_NAME = 7


def _edges(count: int) -> Iterator[tuple[int, int]]:
    """Runs of words at the end, then at the beginning, the longest first; never all of them."""
    longest = min(LONGEST_NAME, count - 1)
    yield from ((count - size, count) for size in range(longest, 0, -1))
    yield from ((0, size) for size in range(longest, 0, -1))


def written(query: Query, *, without: int | None = None, town: bool = True) -> str:
    """The words of `query` as they may be typed again, one group or the city left out."""
    groups = [group for place, group in enumerate(query.groups) if place != without]
    parts = [written_group(group) for group in groups]
    if town and query.town:
        parts.append(query.town.words)
    return " ".join(parts + [f"-{_written(term)}" for term in query.excluded])


def written_group(group: Group) -> str:
    """A group as it may be typed again, without its synonyms."""
    return " ou ".join(map(_written, group.terms))


def _written(term: Term) -> str:
    return f'"{term.text}"' if term.phrase else term.text


def _without_stop_words(groups: list[list[Term]]) -> list[list[Term]]:
    """Unless nothing else was typed: « nous autres » may be a name."""

    kept = [[term for term in group if says_something(term)] for group in groups]
    return [group for group in kept if group] or groups


def widen(query: Query, synonyms: Mapping[str, Iterable[str]]) -> Query:
    """Add to each group the synonyms of what was typed, the longest run of words first.

    `synonyms` gives, for the `synonym_key` of a term, the other terms of its groups as staff wrote
    them. Phrases and exclusions are left as they are: whoever quotes wants just that."""
    longest = max((key.count(" ") + 1 for key in synonyms), default=0)
    groups: list[Group] = []
    start = 0
    while start < len(query.groups):
        end = min(len(query.groups), start + longest)
        while end > start + 1 and not _others(query.groups[start:end], synonyms):
            end -= 1
        run = query.groups[start : max(end, start + 1)]
        others = _others(run, synonyms)
        terms = run[0].terms
        if len(run) > 1:
            terms = (Term(" ".join(group.terms[0].text for group in run)),)
        groups.append(Group(terms, tuple(Term(other, phrase=True) for other in others)))
        start += len(run)
    return replace(query, groups=tuple(groups))


def as_typed(query: Query) -> Query:
    """`query` without the synonyms that `widen` added."""
    return replace(query, groups=tuple(Group(group.terms) for group in query.groups))


def _others(run: tuple[Group, ...], synonyms: Mapping[str, Iterable[str]]) -> list[str]:
    """The synonyms of these groups read together, or of each alternative of a single one."""
    if len(run) == 1:
        keys = [term.key for term in run[0].terms if not term.phrase]
    elif any(len(group.terms) > 1 or group.terms[0].phrase for group in run):
        return []
    else:
        keys = [synonym_key(" ".join(group.terms[0].text for group in run))]
    return list(dict.fromkeys(other for key in keys for other in synonyms.get(key, ())))


CONFIGURATION = "'public.directory_french'::regconfig"


@dataclass
class Statement:
    """A piece of SQL and its parameters, in order."""

    sql: str
    params: list[Any] = field(default_factory=list)


def tsquery(query: Query) -> Statement:
    """`query` as a tsquery expression: `(groups AND-ed) && !!(each exclusion)`.

    Text goes in as parameters of `plainto_tsquery` and `phraseto_tsquery`, which have no syntax
    of their own, so no text can break it."""
    params: list[Any] = []

    def one(term: Term) -> str:
        function = "phraseto_tsquery" if term.phrase else "plainto_tsquery"
        # Normalised here rather than by its twin in the database: there it would be planned anew
        # for each term of each search, which takes longer than the search.
        params.append(term.searched)
        return f"{function}({CONFIGURATION}, %s)"

    parts = [
        "(" + " || ".join(one(term) for term in (*group.terms, *group.widened)) + ")"
        for group in query.groups
    ]
    parts += [f"!!{one(term)}" for term in query.excluded]
    return Statement(" && ".join(parts), params)
