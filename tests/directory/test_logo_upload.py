"""Logos as people send them, some of them meaning harm."""

import errno
import io
import os
import re
import struct
import subprocess
import sys
import zlib
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from directory import moderation, uploads
from directory.models import Enterprise, Revision, User
from tests.forms import filled

pytestmark = pytest.mark.usefixtures("reference")
PATH = "/mon-entreprise/ateliers-alice/logo/"
SCRIPT = b"<script>alert(1)</script>"


def encoded(image, kind="PNG", **options):
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def picture(size=(300, 200), mode="RGB", colour=None):
    return Image.new(mode, size, colour or "teal")


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def huge_png(side):
    """A PNG of side × side pixels in a few kilobytes, one bit each."""
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    packer = zlib.compressobj(9)
    line = bytes(1 + -(-side // 8))
    data = b"".join(packer.compress(line) for _line in range(side)) + packer.flush()
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", data), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def no_pixel():
    """A PNG that says it is nothing wide and nothing high."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 0, 0, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def icc_bomb():
    """A PNG whose colour profile unpacks to 200 MB."""
    plain = encoded(picture())
    profile = chunk(b"iCCP", b"bombe\0\0" + zlib.compress(bytes(200_000_000), 9))
    return plain[:33] + profile + plain[33:]


def animated(kind, frames):
    images = [picture((20, 20), colour=(n * 50 % 256, 0, 0)) for n in range(frames)]
    return encoded(images[0], kind, save_all=True, append_images=images[1:])


def located():
    exif = Image.Exif()
    exif[0x010F] = "Appareil canari"
    exif.get_ifd(0x8825)[2] = (45.0, 30.0, 0.0)
    return encoded(picture(), "JPEG", exif=exif)


@pytest.fixture
def send(alice):
    def sent(content, name="logo.png", kind="image/png", **more):
        form = filled(alice.get(PATH), "logo-forme")
        file = SimpleUploadedFile(name, content, kind)
        return alice.post(PATH, form | {"fichier": file} | more)

    return sent


def logo(enterprise):
    return Enterprise.objects.get(pk=enterprise.pk).logo


GOOD = {
    "PNG": lambda: encoded(picture()),
    "JPEG": lambda: encoded(picture(), "JPEG"),
    "WebP": lambda: encoded(picture(), "WEBP"),
    "transparent": lambda: encoded(picture(mode="RGBA", colour=(0, 0, 0, 0))),
    "palette": lambda: encoded(picture(mode="P", colour=3)),
    "16 bits": lambda: encoded(Image.new("I;16", (300, 200), 40_000)),
    "black and white": lambda: encoded(picture(mode="1", colour=1)),
    "CMYK": lambda: encoded(picture(mode="CMYK", colour=(9, 9, 9, 9)), "JPEG"),
    "progressive": lambda: encoded(picture((2000, 1500)), "JPEG", progressive=True),
    "with a place": located,
    "GIFAR": lambda: encoded(picture()) + b"PK\x03\x04" + SCRIPT,
    "with a script in its text": lambda: encoded(picture()) + SCRIPT,
    "24 megapixels": lambda: huge_png(4_900),
    "named as it is not": lambda: encoded(picture(), "JPEG"),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_an_image_is_drawn_anew_and_holds_nothing_else(name, send, enterprise):
    content = GOOD[name]()
    assert send(content).status_code == 302
    kept = logo(enterprise)
    assert kept.name.endswith(".webp")
    assert "logo" not in kept.name
    with kept.open() as file:
        data = file.read()
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "WEBP"
        assert max(image.size) <= 400
        assert not image.getexif()
        assert not {"icc_profile", "exif", "xmp"} & image.info.keys()
    for mark in (SCRIPT, b"PK\x03\x04", b"canari"):
        assert mark not in data
    assert len(data) < 40_000
    default_storage.delete(kept.name)


BAD = {
    "169 megapixels": (lambda: huge_png(13_000), "trop de pixels"),
    "26 megapixels": (lambda: huge_png(5_100), "trop de pixels"),
    "16 megapixels of WebP": (
        lambda: encoded(picture((4_000, 4_000)), "WEBP"),
        "trop de pixels",
    ),
    "truncated": (lambda: encoded(Image.effect_noise((300, 200), 90))[:9_000], "lisible"),
    "truncated JPEG": (
        lambda: encoded(Image.effect_noise((300, 200), 90), "JPEG")[:5_000],
        "lisible",
    ),
    "SVG": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg">' + SCRIPT + b"</svg>", "lisible"),
    "HTML": (lambda: b"<!DOCTYPE html>" + SCRIPT, "lisible"),
    "GIF with a script": (lambda: b"GIF89a/*" + SCRIPT, "lisible"),
    "GIF": (lambda: encoded(picture(), "GIF"), "lisible"),
    "TIFF": (lambda: encoded(picture(), "TIFF"), "lisible"),
    "a PDF that is a page": (lambda: b"%PDF-1.7\n<html>" + SCRIPT, "lisible"),
    "a program": (lambda: b"<?php system($_GET['x']); ?>", "lisible"),
    "an archive": (lambda: b"PK\x03\x04" + SCRIPT, "lisible"),
    "no pixel": (lambda: no_pixel(), "lisible"),
    "APNG of 500 images": (lambda: animated("PNG", 500), "animée"),
    "animated WebP": (lambda: animated("WEBP", 5), "animée"),
    "bomb in the colour profile": (icc_bomb, "lisible"),
    "nothing": (lambda: b"", "lisible"),
    "zeros": (lambda: bytes(50_000), "lisible"),
    "6 megabytes": (lambda: encoded(picture()) + bytes(6_000_000), "5 Mo"),
    "a pixel": (lambda: encoded(picture((1, 1))), "trop petite"),
    "a thread": (lambda: encoded(picture((4_000, 16))), "trop étroite"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_none_is_refused_and_says_why(name, send, enterprise):
    content, reason = BAD[name][0](), BAD[name][1]
    response = send(content)
    assert response.status_code == 200
    assert reason in response.content.decode()
    assert not logo(enterprise)
    assert not Revision.objects.exists()


@pytest.mark.parametrize(
    "name",
    ["x" * 300 + ".png", "../../../etc/passwd", "CON", "a\r\nb.png", "\u202egnp.exe"]
    + ["logo.php.jpg", "logo.png.svg", "logo.html", '"><script>.png', ".htaccess"],
)
def test_the_name_that_a_file_bears_is_not_kept(name, send, enterprise):
    assert send(encoded(picture()), name).status_code == 302
    kept = logo(enterprise).name
    assert re.fullmatch(r"[0-9a-f]{32}\.webp", kept)
    default_storage.delete(kept)


def test_a_photograph_taken_sideways_stands_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    sideways = picture((300, 200))
    sideways.paste("white", (0, 0, 150, 200))
    drawn = uploads.redrawn(io.BytesIO(encoded(sideways, "JPEG", exif=exif)))
    with Image.open(io.BytesIO(drawn)) as image:
        assert image.size == (200, 300)
        assert min(image.convert("L").getpixel((100, 20)), 250) == 250  # white above
        assert image.convert("L").getpixel((100, 280)) < 200


LARGEST = {
    "PNG": lambda: encoded(picture((5_000, 5_000), "RGBA", (1, 2, 3, 4)), compress_level=1),
    "JPEG": lambda: encoded(picture((5_000, 5_000)), "JPEG", progressive=True, subsampling=0),
    "WebP": lambda: encoded(picture((3_160, 3_160)), "WEBP", method=0),
}
# In a process of its own: how much more memory it came to hold, in kilobytes, and for how long.
DRAW = """
import resource, sys, time, django
django.setup()
from directory import uploads
def most(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before, began = most(), time.process_time()
uploads.redrawn(open(sys.argv[1], "rb"))
print(most() - before, time.process_time() - began)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere memory is counted otherwise")
@pytest.mark.parametrize("kind", LARGEST)
def test_the_largest_images_take_little_memory_and_time(kind, tmp_path):
    path = tmp_path / "image"
    path.write_bytes(LARGEST[kind]())
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-c", DRAW, str(path)]
    done = subprocess.run(
        command, env=environment, cwd=settings.BASE_DIR, capture_output=True, text=True, check=True
    )
    kilobytes, seconds = map(float, done.stdout.split())
    assert kilobytes < 200_000
    assert seconds < 2


def test_the_old_file_goes_once_somebody_has_looked_at_the_new_one(
    send, enterprise, moderator, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        send(encoded(picture()))
    first = logo(enterprise).name
    with django_capture_on_commit_callbacks(execute=True):
        send(encoded(picture(colour="red")))
    second = logo(enterprise).name
    assert first != second
    uploads.discard(first)
    assert default_storage.exists(first), "it comes back if the new one is refused"
    moderation.accept_all(revisions=Revision.objects.all(), by=moderator.user)
    uploads.discard(first)
    assert not default_storage.exists(first)
    assert default_storage.exists(second)
    default_storage.delete(second)


def test_a_logo_can_be_taken_away_more_than_once(
    alice, send, enterprise, django_capture_on_commit_callbacks
):
    for _time in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            send(encoded(picture()))
            name = logo(enterprise).name
        form = filled(alice.get(PATH), "logo-forme")
        with django_capture_on_commit_callbacks(execute=True):
            alice.post(PATH, form | {"retirer": "1"})
        assert not logo(enterprise)
        assert default_storage.exists(name), "it comes back if the removal is refused"
        default_storage.delete(name)


def test_the_same_form_sent_twice_leaves_one_file(alice, enterprise):
    form = filled(alice.get(PATH), "logo-forme")
    _folders, before = default_storage.listdir("")
    for _time in range(2):
        file = SimpleUploadedFile("logo.png", encoded(picture()), "image/png")
        assert alice.post(PATH, form | {"fichier": file}).status_code == 302
    _folders, after = default_storage.listdir("")
    assert set(after) - set(before) == {logo(enterprise).name}
    assert Revision.objects.count() == 1
    default_storage.delete(logo(enterprise).name)


def test_a_full_disk_is_said_and_changes_nothing(send, enterprise, monkeypatch):
    def full(*_arguments, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(type(default_storage), "save", full, raising=False)
    monkeypatch.setattr(default_storage, "save", full)
    response = send(encoded(picture()))
    assert response.status_code == 200
    assert "n’a pas pu être enregistré" in response.content.decode()
    assert not logo(enterprise)
    assert Enterprise.objects.get(pk=enterprise.pk).version == 1


def test_the_twenty_first_logo_of_a_day_is_refused(send, enterprise, monkeypatch):
    monkeypatch.setattr(uploads, "keep_logo", lambda _upload: "")
    for _time in range(20):
        send(encoded(picture()))
    assert "beaucoup de logos" in send(encoded(picture())).content.decode()


def test_files_that_no_enterprise_bears_are_purged_in_time(send, enterprise, monkeypatch):
    send(encoded(picture()))
    kept = logo(enterprise).name
    orphan = uploads.keep_logo(SimpleUploadedFile("x.png", encoded(picture())))
    assert uploads.discard_orphans() == 0  # its form may be under way
    monkeypatch.setattr(uploads, "ORPHAN_AFTER", timedelta(seconds=-5))
    assert uploads.discard_orphans() >= 1
    assert default_storage.exists(kept)
    assert not default_storage.exists(orphan)
    default_storage.delete(kept)


def test_a_logo_is_served_as_an_image_and_as_nothing_else(send, client, enterprise):
    send(encoded(picture()))
    path = reverse("directory:logo", args=[logo(enterprise).name])
    response = client.get(path)
    assert response.getvalue()
    assert response.headers["Content-Type"] == "image/webp"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    default_storage.delete(logo(enterprise).name)


def test_the_logo_of_a_draft_is_its_owner_s_to_see(send, alice, client, bob, enterprise):
    send(encoded(picture()))
    Enterprise.objects.filter(pk=enterprise.pk).update(state="draft", published_on=None)
    path = reverse("directory:logo", args=[logo(enterprise).name])
    assert client.get(path).status_code == bob.get(path).status_code == 404
    response = alice.get(path)
    assert response.getvalue()
    assert "private" in response.headers["Cache-Control"]
    default_storage.delete(logo(enterprise).name)


@pytest.mark.parametrize("gone", [False, True])
def test_a_logo_that_replaced_another_can_be_refused(send, enterprise, superuser, gone):
    staff = User.objects.get(is_superuser=True)
    send(encoded(picture()))
    former = logo(enterprise).name
    send(encoded(picture(colour="red")))
    latest = logo(enterprise).name
    uploads.discard(former)
    assert default_storage.exists(former)
    if gone:
        default_storage.delete(former)
    revision = Revision.objects.latest("pk")
    moderation.decide(
        revision=revision,
        decisions={"logo": False},
        seen=moderation.seen(revision),
        reason="Ce n’est pas le vôtre.",
        by=staff,
    )
    assert logo(enterprise).name == ("" if gone else former)
    uploads.discard(latest)
    assert not default_storage.exists(latest)
    default_storage.delete(former)
