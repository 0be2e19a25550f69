"""Leaflet's own files out of the django-leaflet wheel, which also brings plugins, an editor and
forms that need GDAL: the application is not installed, and nothing of it is imported."""

from importlib.util import find_spec
from pathlib import Path

from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

FILES = (
    "leaflet/leaflet.js",
    "leaflet/leaflet.js.map",  # named by the script
    "leaflet/leaflet.css",
    # Named by the style sheet.
    "leaflet/images/layers.png",
    "leaflet/images/layers-2x.png",
    "leaflet/images/marker-icon.png",
)


class LeafletFinder(BaseFinder):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.storage = FileSystemStorage(Path(find_spec("leaflet").origin).parent / "static")

    def check(self, **kwargs):
        return []

    def find(self, path, find_all=False):
        if path not in FILES:
            return []  # what Django takes for nothing found, asked for all or not
        found = self.storage.path(path)
        return [found] if find_all else found

    def list(self, ignore_patterns):
        for path in FILES:
            yield path, self.storage
