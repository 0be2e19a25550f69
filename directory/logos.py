"""Logos for fictional enterprises: plain shapes and initials, drawn from the name and a seed."""

import io
import math
import re
import unicodedata
from collections.abc import Callable, Iterable
from random import Random
from typing import NamedTuple

from PIL import Image, ImageChops, ImageDraw, ImageFont

SIDE = 320
# Shapes are drawn larger, then reduced: their edges come out smooth.
SCALE = 4

# Words that say what an enterprise is, not what it is called.
PLAIN_WORDS = frozenset(
    re.findall(
        r"\w+",
        """a au aux d de des du en et l la le les sa sur un une
        consommateurs coop cooperative cooperatives producteurs secteur solidaire solidarite travail
        """,
    )
)

# Initials that a logo would rather not show.
UNFORTUNATE = frozenset(["CON", "CUL", "FDP", "KKK", "PD", "PET", "PIS", "PQ", "SS", "WC"])

Colour = tuple[int, int, int]
Point = tuple[float, float]


class Palette(NamedTuple):
    """Colours that go together: white is readable on the first two."""

    deep: Colour
    main: Colour
    accent: Colour
    pale: Colour


def _colours(*codes: str) -> Palette:
    return Palette(*((int(c[:2], 16), int(c[2:4], 16), int(c[4:], 16)) for c in codes))


WHITE: Colour = (255, 255, 255)
PALETTES = [
    _colours("12355b", "1f6f8b", "f2a65a", "e8f1f5"),
    _colours("1b4332", "2d6a4f", "e9c46a", "eaf4ec"),
    _colours("5f0f40", "9a2a5b", "fb8b24", "fbeef3"),
    _colours("3d2c5e", "6a4c93", "ffca3a", "f2eef8"),
    _colours("7f1d1d", "b23a48", "f4b6a6", "fdf0ed"),
    _colours("0b4f4a", "11756b", "f6c28b", "e6f4f1"),
    _colours("3b3a36", "7a5c3e", "d9a441", "f6f0e6"),
    _colours("1d3557", "3a5a98", "e76f51", "ebeff8"),
    _colours("4a2c17", "a4491f", "88b04b", "fbf0e8"),
    _colours("14213d", "2f4b7c", "7fd1ae", "ebf0f7"),
    _colours("2f3e46", "52796f", "e0a458", "eef3f0"),
    _colours("612940", "a23b72", "5fb49c", "f9edf4"),
    _colours("0d3b66", "2a628f", "ee964b", "fbf5e6"),
    _colours("283618", "606c38", "dda15e", "fefae0"),
]


class Sheet:
    """A square of side 1, its middle at (0, 0), y going down."""

    def __init__(self, ground: Colour):
        self.image = Image.new("RGB", (SIDE * SCALE, SIDE * SCALE), ground)
        self.pen = ImageDraw.Draw(self.image)

    @staticmethod
    def place(x: float, y: float) -> Point:
        return (x + 0.5) * SIDE * SCALE, (y + 0.5) * SIDE * SCALE

    def shape(self, points: Iterable[Point], colour: Colour) -> None:
        self.pen.polygon([self.place(x, y) for x, y in points], fill=colour)

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        box = [self.place(x - radius, y - radius), self.place(x + radius, y + radius)]
        self.pen.ellipse(box, fill=colour)

    def bar(
        self, left: float, top: float, right: float, bottom: float, colour: Colour, *, round_: float
    ) -> None:
        box = [self.place(left, top), self.place(right, bottom)]
        self.pen.rounded_rectangle(box, radius=round_ * SIDE * SCALE, fill=colour)

    def slice(
        self, x: float, y: float, radius: float, start: float, end: float, colour: Colour
    ) -> None:
        box = [self.place(x - radius, y - radius), self.place(x + radius, y + radius)]
        self.pen.pieslice(box, start, end, fill=colour)

    def letters(
        self, text: str, x: float, y: float, colour: Colour, *, height: float, width: float
    ) -> None:
        """Capitals that fill this height or width, thickened, centred on what shows of them."""
        if not text:
            return
        trial = self.pen.textbbox((0, 0), text, ImageFont.load_default(100), stroke_width=3)
        scale = min(width / (trial[2] - trial[0]), height / (trial[3] - trial[1]))
        size = 100 * scale * SIDE * SCALE
        font, weight = ImageFont.load_default(size), round(size * 0.03)
        left, top, right, bottom = self.pen.textbbox((0, 0), text, font, stroke_width=weight)
        middle_x, middle_y = self.place(x, y)
        corner = (middle_x - (left + right) / 2, middle_y - (top + bottom) / 2)
        self.pen.text(corner, text, colour, font, stroke_width=weight, stroke_fill=colour)


# --- Shapes


def ring(number: int, radius: float, turn: float = 0.0, x: float = 0, y: float = 0) -> list[Point]:
    """The corners of a regular polygon."""
    angles = [turn + math.tau * rank / number for rank in range(number)]
    return [(x + radius * math.cos(a), y + radius * math.sin(a)) for a in angles]


def petal(length: float, width: float, angle: float, start: float = 0.0) -> list[Point]:
    """A leaf from the middle, pointed at both ends."""
    steps = [step / 30 for step in range(31)]
    half = [(start + length * s, width * math.sin(math.pi * s) / 2) for s in steps]
    outline = half + [(x, -y) for x, y in reversed(half)]
    cos, sin = math.cos(angle), math.sin(angle)
    return [(x * cos - y * sin, x * sin + y * cos) for x, y in outline]


def between(one: Point, other: Point, share: float) -> Point:
    return one[0] + (other[0] - one[0]) * share, one[1] + (other[1] - one[1]) * share


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


# --- Styles


def seal(sheet: Sheet, text: str, colours: Palette, random: Random) -> None:
    sheet.disc(0, 0, 0.44, colours.main)
    sheet.disc(0, 0, 0.4, colours.pale)
    sheet.disc(0, 0, 0.375, colours.deep)
    sheet.letters(text, 0, 0, WHITE, height=0.28, width=0.54)


def tile(sheet: Sheet, text: str, colours: Palette, random: Random) -> None:
    """A rounded square, one corner of another colour."""
    sheet.bar(-0.42, -0.42, 0.42, 0.42, colours.main, round_=0.12)
    corner = random.choice([(-0.42, -0.42), (0.42, -0.42), (0.42, 0.42), (-0.42, 0.42)])
    wedge = Image.new("L", sheet.image.size, 0)
    full = [Sheet.place(-0.42, -0.42), Sheet.place(0.42, 0.42)]
    ImageDraw.Draw(wedge).rounded_rectangle(full, radius=0.12 * SIDE * SCALE, fill=255)
    layer = Sheet(colours.main)
    layer.disc(*corner, random.choice([0.34, 0.42]), colours.accent)
    sheet.image.paste(layer.image, mask=wedge)
    sheet.letters(text, -corner[0] * 0.2, -corner[1] * 0.24, WHITE, height=0.3, width=0.56)


def honeycomb(sheet: Sheet, text: str, colours: Palette, random: Random) -> None:
    turn = random.choice([0, math.pi / 6])
    sheet.shape(ring(6, 0.47, turn), colours.accent)
    sheet.shape(ring(6, 0.42, turn), colours.deep)
    sheet.letters(text, 0, 0, WHITE, height=0.27, width=0.5)


def flower(sheet: Sheet, text: str, colours: Palette, random: Random) -> None:
    number = random.choice([5, 6, 8])
    tints = [colours.main, colours.accent] if number % 2 == 0 else [colours.main]
    for rank in range(number):
        angle = -math.pi / 2 + math.tau * rank / number
        sheet.shape(petal(0.42, 1.15 / number + 0.03, angle, 0.03), tints[rank % len(tints)])
    sheet.disc(0, 0, 0.085, colours.deep)


def sprout(sheet: Sheet, text: str, colours: Palette, random: Random) -> None:
    """Two or three leaves over a line."""
    sheet.disc(0, 0, 0.45, colours.pale)
    angles = [-2.3, -0.84] if random.random() < 0.5 else [-2.5, -math.pi / 2, -0.64]
    for rank, angle in enumerate(angles):
        tint = colours.accent if rank == 1 else colours.main
        leaf = [(x, y + 0.2) for x, y in petal(0.44, 0.2, angle)]
        sheet.shape(leaf, tint)
    sheet.bar(-0.02, 0.16, 0.02, 0.3, colours.deep, round_=0.02)
    sheet.bar(-0.22, 0.27, 0.22, 0.31, colours.deep, round_=0.02)


def gathering(sheet: Sheet, text: str, colours: Palette, random: Random) -> None:
    """Overlapping discs, where each overlap is a colour of its own."""
    number = random.choice([3, 4])
    radius, away = (0.25, 0.19) if number == 3 else (0.22, 0.2)
    centres = ring(number, away, -math.pi / 2 if number == 3 else math.pi / 4)
    tints = [mixed(colours.main, WHITE, 0.3), colours.accent, mixed(colours.deep, WHITE, 0.35)]
    tints.append(mixed(colours.accent, WHITE, 0.4))
    image = Image.new("RGB", sheet.image.size, WHITE)
    for (x, y), tint in zip(centres, tints, strict=False):
        layer = Sheet(WHITE)
        layer.disc(x, y, radius, tint)
        image = ImageChops.multiply(image, layer.image)
    shown = Image.new("L", sheet.image.size, 0)
    for x, y in centres:
        box = [Sheet.place(x - radius, y - radius), Sheet.place(x + radius, y + radius)]
        ImageDraw.Draw(shown).ellipse(box, fill=255)
    sheet.image.paste(image, mask=shown)


def mosaic(sheet: Sheet, text: str, colours: Palette, random: Random) -> None:
    """Nine squares holding quarters of discs."""
    step = 0.28
    tints = [colours.main, colours.deep, colours.accent, mixed(colours.main, WHITE, 0.55)]
    for rank in range(9):
        left, top = (rank % 3 - 1.5) * step, (rank // 3 - 1.5) * step
        one, other = random.sample(tints, 2)
        sheet.bar(left, top, left + step, top + step, one, round_=0)
        kind = random.randrange(3)
        if kind == 0:
            sheet.disc(left + step / 2, top + step / 2, step * 0.36, other)
        elif kind == 1:
            corner = random.randrange(4)
            x, y = left + step * (corner in (1, 2)), top + step * (corner in (2, 3))
            sheet.slice(x, y, step, 90 * corner, 90 * corner + 90, other)


def river(sheet: Sheet, text: str, colours: Palette, random: Random) -> None:
    """A sun over waves, inside a disc."""
    layer = Sheet(colours.pale)
    layer.disc(random.choice([-0.14, 0.0, 0.14]), -0.1, 0.16, colours.accent)
    bend = random.uniform(0, math.tau)
    for rank, tint in enumerate([mixed(colours.main, WHITE, 0.4), colours.main, colours.deep]):
        crest = 0.04 + rank * 0.14
        wave = [
            (x / 60, crest + 0.035 * math.sin(x / 60 * 9 + bend + rank * 1.7))
            for x in range(-30, 31)
        ]
        layer.shape([*wave, (0.5, 0.5), (-0.5, 0.5)], tint)
    round_ = Image.new("L", sheet.image.size, 0)
    box = [Sheet.place(-0.44, -0.44), Sheet.place(0.44, 0.44)]
    ImageDraw.Draw(round_).ellipse(box, fill=255)
    sheet.image.paste(layer.image, mask=round_)


def peaks(sheet: Sheet, text: str, colours: Palette, random: Random) -> None:
    shift = random.uniform(-0.04, 0.04)
    sheet.disc(0.2 + shift, -0.24, 0.1, colours.accent)
    sheet.shape([(-0.08, 0.3), (0.2 + shift, -0.12), (0.46, 0.3)], colours.main)
    top, left, right = (-0.13 + shift, -0.32), (-0.46, 0.3), (0.22, 0.3)
    sheet.shape([left, top, right], colours.deep)
    snow = [between(top, left, 0.27), top, between(top, right, 0.27)]
    sheet.shape([*snow, (top[0] + 0.03, -0.2), (top[0] - 0.02, -0.12)], colours.pale)
    sheet.bar(-0.46, 0.33, 0.46, 0.37, colours.accent, round_=0.02)


def roofs(sheet: Sheet, text: str, colours: Palette, random: Random) -> None:
    """A row of gables, each with its door or window."""
    tints = [colours.main, colours.deep, colours.accent]
    random.shuffle(tints)
    for rank, tint in enumerate(tints):
        left = -0.43 + rank * 0.29
        height = random.choice([0.02, -0.08, -0.16])
        right, middle = left + 0.28, left + 0.14
        sheet.shape(
            [(left, 0.34), (left, height), (middle, height - 0.17), (right, height), (right, 0.34)],
            tint,
        )
        if rank == 1:
            sheet.bar(middle - 0.05, 0.16, middle + 0.05, 0.34, WHITE, round_=0)
        else:
            sheet.disc(middle, height + 0.08, 0.045, WHITE)


def rainbow(sheet: Sheet, text: str, colours: Palette, random: Random) -> None:
    """Arcs over the initials."""
    tints = [colours.deep, colours.main, colours.accent]
    if random.random() < 0.5:
        tints.reverse()
    for rank, tint in enumerate(tints):
        sheet.slice(0, 0.08, 0.44 - rank * 0.105, 180, 360, tint)
        sheet.slice(0, 0.08, 0.44 - rank * 0.105 - 0.075, 180, 360, WHITE)
    sheet.letters(text, 0, 0.27, colours.deep, height=0.2, width=0.6)


def monogram(sheet: Sheet, text: str, colours: Palette, random: Random) -> None:
    """Large initials, underlined."""
    sheet.letters(text, 0, -0.06, colours.deep, height=0.42, width=0.74)
    if random.random() < 0.5:
        sheet.bar(-0.3, 0.28, 0.3, 0.34, colours.accent, round_=0.03)
    else:
        for rank, tint in enumerate([colours.accent, colours.main, colours.accent]):
            sheet.disc(-0.14 + rank * 0.14, 0.31, 0.042, tint)


def sunburst(sheet: Sheet, text: str, colours: Palette, random: Random) -> None:
    number = random.choice([12, 16, 20])
    for rank in range(number):
        angle = 360 * rank / number
        tint = colours.accent if rank % 2 else mixed(colours.accent, WHITE, 0.5)
        sheet.slice(0, 0, 0.46, angle, angle + 360 / number, tint)
    sheet.disc(0, 0, 0.31, WHITE)
    sheet.disc(0, 0, 0.285, colours.main)
    sheet.letters(text, 0, 0, WHITE, height=0.21, width=0.4)


def weave(sheet: Sheet, text: str, colours: Palette, random: Random) -> None:
    """Bars across bars, over and under."""
    tints = [colours.accent, random.choice([colours.deep, colours.main])]
    random.shuffle(tints)
    places = [-0.26, 0.0, 0.26]
    for y in places:
        sheet.bar(-0.43, y - 0.09, 0.43, y + 0.09, tints[0], round_=0.05)
    for x in places:
        sheet.bar(x - 0.09, -0.43, x + 0.09, 0.43, tints[1], round_=0.05)
    for row, y in enumerate(places):
        for column, x in enumerate(places):
            if (row + column) % 2:
                sheet.bar(x - 0.115, y - 0.09, x + 0.115, y + 0.09, tints[0], round_=0)


def growth(sheet: Sheet, text: str, colours: Palette, random: Random) -> None:
    """Bars that rise, under a disc."""
    tints = [mixed(colours.main, WHITE, 0.45), colours.main, colours.deep]
    if random.random() < 0.3:
        tints.reverse()
    for rank, tint in enumerate(tints):
        left = -0.38 + rank * 0.27
        sheet.bar(left, 0.12 - rank * 0.15, left + 0.22, 0.38, tint, round_=0.05)
    sheet.disc(-0.23, -0.2, 0.14, colours.accent)


Style = Callable[[Sheet, str, Palette, Random], None]
STYLES: list[Style] = [
    seal,
    tile,
    tile,
    honeycomb,
    flower,
    sprout,
    gathering,
    mosaic,
    river,
    peaks,
    roofs,
    rainbow,
    monogram,
    monogram,
    sunburst,
    weave,
    growth,
]


# --- What is asked of this module


def initials(name: str) -> str:
    """One to three capitals without accents, of the words that tell this name from others."""
    plain = unicodedata.normalize("NFKD", name.replace("œ", "oe").replace("Œ", "OE"))
    plain = "".join(c for c in plain if not unicodedata.combining(c)).lower()
    words = re.findall(r"[a-z0-9]+", plain)
    telling = [word for word in words if word not in PLAIN_WORDS] or words
    letters = "".join(word[0] for word in telling[:3]).upper()
    return letters[:1] if letters in UNFORTUNATE else letters


def draw(name: str, seed: int | str) -> bytes:
    """A square WebP logo, always the same for the same name and seed."""
    random = Random(f"logo {seed} {name}")
    style, colours = random.choice(STYLES), random.choice(PALETTES)
    sheet = Sheet(WHITE)
    style(sheet, initials(name), colours, random)
    small = sheet.image.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    small.save(out, "WEBP", quality=86, method=6)
    return out.getvalue()
