"""Logos as people send them: read with suspicion, drawn anew, kept under a name of our own.

What is kept was encoded here from the pixels alone: whatever else the file held (a script, another
file glued to its end, where a photograph was taken) is left behind. Only the header is read before
the size is known to be bearable.
"""

import secrets
from datetime import timedelta
from io import BytesIO
from typing import IO, Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from django.utils.translation import gettext as _
from PIL import Image

from directory.models import Enterprise, Revision
from directory.throttling import Limit

LARGEST_FILE = 5 * 1024 * 1024  # bytes
#: Pixels that each format may hold; decoding WebP takes three times the memory of the others.
MOST_PIXELS = {"PNG": 25_000_000, "JPEG": 25_000_000, "WEBP": 10_000_000}
SIDE = 400  # pixels, of what is kept
STRIP = 256  # lines read at a time
ORIENTATION = 0x0112  # the EXIF tag
TURNED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
#: Logos that one enterprise may send.
LIMITS = [Limit(20, timedelta(days=1))]
#: A file that no enterprise bears is left alone so long: its form may be under way.
ORPHAN_AFTER = timedelta(days=1)


class Refused(Exception):
    """The file cannot be a logo; says why, and what to do."""


def keep_logo(upload: Any) -> str:
    """Draw the logo anew, at most 400 pixels wide or high, and keep it; its name in storage.

    `upload` is the file of a form. Raises Refused."""
    if upload.size > LARGEST_FILE:
        raise Refused(_("Ce fichier dépasse 5 Mo. Réduisez l’image, puis recommencez."))
    content = redrawn(upload.file)
    name = f"{secrets.token_hex(16)}.webp"
    try:
        return default_storage.save(name, ContentFile(content))
    except OSError as error:  # a full disk, most likely
        default_storage.delete(name)
        raise Refused(
            _("Le logo n’a pas pu être enregistré. Réessayez plus tard, ou écrivez-nous.")
        ) from error


def redrawn(file: IO[bytes]) -> bytes:
    """The image of a file, in WebP. Raises Refused."""
    try:
        with Image.open(file, formats=list(MOST_PIXELS)) as image:
            _refuse_unbearable(image)
            orientation = image.getexif().get(ORIENTATION)
            small = _small(image)
    except Refused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large() from error
    except Exception as error:  # Pillow tells of a bad file in a dozen ways
        raise Refused(
            _("Ce fichier n’est pas une image PNG, JPEG ou WebP lisible. Choisissez-en une autre.")
        ) from error
    if orientation in TURNED:
        small = small.transpose(TURNED[orientation])
    small.thumbnail((SIDE, SIDE))
    content = BytesIO()
    small.save(content, "WEBP", quality=88)
    return content.getvalue()


def _too_large() -> Refused:
    return Refused(
        _("Cette image a trop de pixels (25 millions au plus, 10 en WebP). Réduisez-la.")
    )


def _refuse_unbearable(image: Image.Image) -> None:
    width, height = image.size
    if not 0 < width * height <= MOST_PIXELS[str(image.format)]:
        raise _too_large()
    if min(width, height) < 16:
        raise Refused(_("Cette image est trop petite\xa0: 16 pixels de côté au moins."))
    if max(width, height) > 20 * min(width, height):
        raise Refused(_("Cette image est trop étroite pour un logo. Choisissez-en une autre."))
    if getattr(image, "n_frames", 1) > 1:
        raise Refused(_("Cette image est animée. Choisissez-en une qui ne bouge pas."))


def _small(image: Image.Image) -> Image.Image:
    """The image some few times the size of what is kept, a strip at a time: only one whole copy of
    it is ever in memory."""
    if image.format == "JPEG":
        image.draft("RGB", (2 * SIDE, 2 * SIDE))  # decodes an eighth, a quarter or a half of it
    image.load()
    width, height = image.size
    factor = max(1, max(width, height) // (2 * SIDE))
    if min(width, height) < factor:
        factor = 1
    small = Image.new("RGBA", (-(-width // factor), -(-height // factor)))
    lines = max(1, STRIP // factor) * factor
    for top in range(0, height, lines):
        strip = image.crop((0, top, width, min(top + lines, height))).convert("RGBA")
        small.paste(strip.reduce(factor), (0, top // factor))
    return small


def discard(name: str) -> None:
    """Delete the file of a logo, unless it is still of use."""
    if name and not borne([name]):
        default_storage.delete(name)


def borne(names: list[str]) -> set[str]:
    """Those of these files that an enterprise bears, or that it would have back if the Pôle refused
    the one that took its place."""
    unread = Revision.objects.filter(
        state=Revision.State.APPLIED, changes__logo__before__in=[*filter(None, names)]
    )
    return {
        *Enterprise.objects.filter(logo__in=names).values_list("logo", flat=True),
        *unread.values_list("changes__logo__before", flat=True),
    }


def discard_orphans() -> int:
    """Delete the files that are of no use, a day old at least; how many there were."""
    old = timezone.now() - ORPHAN_AFTER
    _folders, names = default_storage.listdir("")
    kept = borne(names)
    orphans = [
        name for name in names if name not in kept and default_storage.get_modified_time(name) < old
    ]
    for name in orphans:
        default_storage.delete(name)
    return len(orphans)
