"""Files that people give to the site: for now, logos."""

from django.core.files.storage import default_storage

from directory.models import Enterprise


def discard(name: str) -> None:
    """Delete the file of a logo, unless an enterprise still bears it."""
    if name and not Enterprise.objects.filter(logo=name).exists():
        default_storage.delete(name)
