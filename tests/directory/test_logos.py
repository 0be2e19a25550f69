import io
import re

import pytest
from PIL import Image

from directory import logos

NAMES = [
    f"{kind} {word}" for kind in ("Atelier", "Coop", "Les Amis du") for word in "ABCDEFGHIJKLM"
]


@pytest.fixture(scope="module")
def drawn():
    return [logos.draw(name, rank) for rank, name in enumerate(NAMES)]


def opened(image: bytes) -> Image.Image:
    return Image.open(io.BytesIO(image))


def test_same_name_and_seed_give_same_logo(drawn):
    assert logos.draw(NAMES[7], 7) == drawn[7]


def test_logos_differ_from_one_enterprise_to_the_next(drawn):
    assert len(set(drawn)) > 0.9 * len(drawn)


def test_logo_changes_with_its_seed():
    assert len({logos.draw("Friperie Le Bouton", seed) for seed in range(6)}) > 3


def test_logos_are_light_webp_squares(drawn):
    for image in drawn:
        with opened(image) as logo:
            logo.load()
            assert (logo.format, logo.size) == ("WEBP", (320, 320))
        assert len(image) <= 12_000


@pytest.mark.parametrize("style", dict.fromkeys(logos.STYLES), ids=lambda style: style.__name__)
def test_every_style_draws_within_its_margins(style, monkeypatch):
    monkeypatch.setattr(logos, "STYLES", [style])
    image = logos.draw("Coop Les Grands Wagons Mauves", "marges")
    with opened(image) as logo:
        sides = logo.convert("RGB")
    assert len(image) <= 12_000
    assert len(sides.getcolors(320 * 320)) > 3
    for edge in ((0, 0, 320, 3), (0, 317, 320, 320), (0, 0, 3, 320), (317, 0, 320, 320)):
        assert all(low > 235 for low, _ in sides.crop(edge).getextrema())


@pytest.mark.parametrize("palette", logos.PALETTES)
def test_white_initials_are_readable_on_the_darker_colours(palette):
    def luminance(colour):
        shares = [value / 255 for value in colour]
        linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for ground in (palette.deep, palette.main):
        assert 1.05 / (luminance(ground) + 0.05) >= 4.5


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Coop de solidarité Le Tilleul", "T"),
        ("Écomusée de l’œil d’Été", "EOE"),
        ("Les Ateliers du Grand Pré, secteur des Érables", "AGP"),
        ("La Coop", "LC"),
        ("Petite Danse", "P"),
        ("日本", ""),
        ("", ""),
    ],
)
def test_initials_are_those_of_the_words_that_tell(name, expected):
    assert logos.initials(name) == expected
    assert re.match(rb"RIFF....WEBP", logos.draw(name, 1), re.DOTALL)
