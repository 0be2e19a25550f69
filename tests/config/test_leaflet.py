"""Leaflet out of its wheel: the files that the map needs, and they alone."""

from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.test import override_settings

from config.leaflet import FILES
from config.settings import tile_sources


def test_what_is_collected_is_what_the_map_needs(tmp_path):
    storage = {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    with override_settings(
        STATIC_ROOT=tmp_path, STORAGES=settings.STORAGES | {"staticfiles": storage}
    ):
        call_command("collectstatic", interactive=False, verbosity=0)
    plain = {str(path.relative_to(tmp_path)) for path in tmp_path.glob("leaflet/**/*")}
    assert set(FILES) <= plain
    # As they are, fingerprinted, compressed; and two folders.
    named = {Path(name).name.split(".")[0] for name in plain}
    assert named == {"images", "layers", "layers-2x", "leaflet", "marker-icon"}
    sizes = sum(path.stat().st_size for path in tmp_path.glob("leaflet/leaflet.*.js.gz"))
    assert 0 < sizes < 50_000


@pytest.mark.parametrize("path", ["leaflet/draw/leaflet.draw.js", "leaflet/../x", "nothing.js"])
def test_nothing_else_is_found(path):
    assert not finders.find(path)
    assert not finders.find(path, find_all=True)


def test_its_files_are_found():
    for name in FILES:
        assert Path(finders.find(name)).is_file()


def test_the_policy_lets_the_tiles_of_one_server_in_and_no_other():
    assert tile_sources("") == []
    assert tile_sources("https://tuiles.example/{z}/{x}/{y}.png") == [
        "https://tuiles.example",
        "data:",
    ]
    assert tile_sources("https://{s}.tuiles.example:8443/a/{z}/{x}/{y}@2x.png?cle=1")[0] == (
        "https://*.tuiles.example:8443"
    )


@pytest.mark.parametrize(
    "url",
    [
        "tuiles.example", "javascript:{z}{x}{y}", "https://tuiles.example/{z}/{x}.png",
        "https:///{z}/{x}/{y}.png", "https://a b/{z}/{x}/{y}", "https://a;script-src *//{z}{x}{y}",
    ],
)  # fmt: skip
def test_an_address_that_no_tile_has_is_refused_at_the_start(url):
    with pytest.raises(ImproperlyConfigured, match="MAP_TILE_URL"):
        tile_sources(url)
