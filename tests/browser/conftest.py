"""The whole site in a real browser: demo data, style files as in production, one server a run.

The server of pytest-django would empty the database after each test and serve style files by
itself, uncompressed and without headers. This one keeps its data while the tests of this folder
run, as they only read, and answers as production does.
"""

import threading
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.db import connection
from django.test import Client, override_settings
from django.urls import reverse

from directory import freshness, merging, outbox, state
from directory.models import DuplicatePair, Enterprise, Merge
from tests import demonstration, signing_in, starting_point
from tests.factories import (
    CertificationFactory,
    ContactFactory,
    EnterpriseBenefitFactory,
    EnterpriseFactory,
    OfferingFactory,
    PermitFactory,
    RecognitionFactory,
    ReferenceFactory,
    SectorFactory,
    SuggestionFactory,
    UserFactory,
)

PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}

# Said for any answer that is not a success, also for a page of error that was asked for.
EXPECTED_ERROR = "Failed to load resource: the server responded with a status of 4"

WITH_LOGOS = 3
LONG_NAME = (
    "Coopérative de solidarité en récupération, valorisation et redistribution de matériaux "
    "de l’agglomération de Longueuil-Saint-Bruno-de-Montarville"
)
UNBROKEN = "Anticonstitutionnellement" * 3

# What a reader may ask for, one of each kind.
PUBLIC = {
    "home": "/",
    "results": "/entreprises/",
    "results of a word": "/entreprises/?q=traiteur&ville=longueuil",
    "results filtered": "/entreprises/?secteur=alimentation&ville=longueuil&reconnue=1",
    "results near": "/entreprises/?pres=J4K+2T1&rayon=10&tri=nom",
    "results widened": "/entreprises/?q=conciergerie",
    "results corrected": "/entreprises/?q=traitteur",
    "results in a city named": "/entreprises/?q=traiteur+pour+50+personnes+longueuil",
    "results refused": "/entreprises/?ville=nulle-part&pres=zzz&inconnu=1",
    "map": "/entreprises/carte/",
    "map near": "/entreprises/carte/?pres=J4K+2T1&rayon=5&secteur=alimentation",
    "map, no result": "/entreprises/carte/?q=traiteur+quantique&ville=longueuil",
    "last page": "/entreprises/?page=50",
    "no result": "/entreprises/?q=traiteur+quantique&ville=longueuil",
    "no result, words to drop": "/entreprises/?q=traiteur+quantique+longueuil",
    "no result for a name": "/entreprises/?q=Archivée",
    "profile, rich": "/entreprises/riche/",
    "profile, minimal": "/entreprises/minimale/",
    "profile, long": "/entreprises/longue/",
    "suggestion": "/entreprises/suggerer/",
    "error report": "/entreprises/riche/signaler/",
    "thanks": "/merci/S-2222-2222/",
    "archived": "/entreprises/archivee/",
    "sector": "/secteurs/alimentation/",
    "city": "/villes/longueuil/",
    "city without enterprises": "/villes/chibougamau/",
    "regions": "/regions/",
    "region": "/regions/monteregie/",
    "region without enterprises": "/regions/nord-du-quebec/",
    "news": "/nouveautes/",
    "news, last page": "/nouveautes/?page=50",
    "about": "/a-propos/",
    "accessibility": "/accessibilite/",
    "privacy": "/confidentialite/",
    "open data": "/donnees/",
    "download": "/donnees/telecharger/",
    "download chosen": "/donnees/telecharger/?q=traiteur&ville=longueuil&colonnes=registre,rien",
    "error 404": "/nulle-part/",
    "error 400": "/entreprises/?q=%00",
    "sign-up": "/compte/inscription/",
    "sign-in": "/compte/connexion/",
}
STATUS = {"archived": 410, "error 404": 404, "error 400": 400}


# --- The site


class Handler(WSGIRequestHandler):
    def log_message(self, *_arguments):
        pass


@pytest.fixture(scope="package")
def site(chromium, django_db_setup, django_db_blocker, tmp_path_factory):
    """The address of a running site with its data, `enterprise` by slug, and a staff session."""
    production = override_settings(
        DEMO=True,
        STATIC_ROOT=tmp_path_factory.mktemp("static"),
        STORAGES=settings.STORAGES
        | {"staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}},
        WHITENOISE_USE_FINDERS=False,
        WHITENOISE_AUTOREFRESH=False,
    )
    # All of it is emptied in the end: not a database that somebody uses.
    assert settings.DATABASES["default"]["NAME"].startswith("test_")
    with production, django_db_blocker.unblock():
        call_command("collectstatic", interactive=False, verbosity=0)
        populate()
        session = sign_in()
        server = ThreadedWSGIServer(("127.0.0.1", 0), Handler)
        server.set_app(WSGIHandler())
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield SimpleNamespace(url=f"http://127.0.0.1:{server.server_port}", session=session)
        server.shutdown()
        server.server_close()
        thread.join()
        starting_point.put_back()
        state.forget()
        connection.close()


def populate():
    demonstration.write(logos=WITH_LOGOS)
    logo = Enterprise.objects.exclude(logo="").values_list("logo", flat=True).first()
    rich("Riche en tout, coopérative de solidarité", "riche", logo)
    rich(LONG_NAME, "longue", logo, word=UNBROKEN)
    EnterpriseFactory(name="Minimale", slug="minimale", published=True)
    successor = Enterprise.objects.get(slug="riche")
    EnterpriseFactory(
        name="Archivée",
        slug="archivee",
        archived=True,
        closing=Enterprise.Closing.REPLACED,
        replaced_by=successor,
    )
    SuggestionFactory(reference="S-2222-2222")
    twins()
    freshness.remind()  # the longest overdue are to be called


def twins():
    """Two drafts that look the same, to be told apart, and two that were merged."""
    one, other, kept, gone = (
        EnterpriseFactory(name=f"Jumelle {name}", slug=f"jumelle-{name}", phone="+14505550166")
        for name in ("une", "deux", "trois", "quatre")
    )
    ContactFactory(enterprise=one)
    OfferingFactory(enterprise=other)
    other.sectors.set([SectorFactory()])
    DuplicatePair.objects.create(first=one, second=other, reasons=["close_name", "phone"])
    merging.merge(kept=kept, gone=gone, choices={}, by=None)


def rich(name, slug, logo, word=""):
    """An enterprise that fills each part of its profile; `word` is one that cannot be broken."""
    enterprise = EnterpriseFactory(
        name=name,
        slug=slug,
        published=True,
        logo=logo,
        other_names=[f"Autre nom {word}".strip(), "Encore un autre"],
        mission=f"Nourrir, former et rassembler. {word}",
        description=f"Premier paragraphe.\n\nDeuxième paragraphe, avec {word or 'un mot'}.",
        address="1000, boulevard Jacques-Cartier Ouest, bureau 200",
        postal_code="J4K 4W9",
        website=f"https://www.{(word or 'riche').lower()[:60]}.example/fr/accueil",
        phone="+14505550100",
        email=f"{(word or 'riche').lower()[:60]}@riche.example",
        founded_year=1987,
        smallest_order=500,
        largest_order=250_000,
        lead_time_days=10,
        insured_amount=2_000_000,
        accepts_cobidding=True,
        sectors=["alimentation", "arts-culture-medias"],
    )
    for number in range(4):
        OfferingFactory(
            enterprise=enterprise,
            name=f"Service {number} {word}".strip(),
            description="Livré froid ou chaud, selon le nombre de convives et le lieu.",
        )
        OfferingFactory(enterprise=enterprise, name=f"Produit {number}", kind="product")
        ReferenceFactory(enterprise=enterprise, amount=12_500 * (number + 1), work=f"Repas {word}")
    ContactFactory(enterprise=enterprise, name_visibility="public", phone_visibility="public")
    ContactFactory(enterprise=enterprise, name="Béatrice Réservée")
    CertificationFactory(enterprise=enterprise)
    EnterpriseBenefitFactory(enterprise=enterprise)
    PermitFactory(enterprise=enterprise)
    RecognitionFactory(enterprise=enterprise)
    return enterprise


def sign_in():
    client = Client()
    signing_in.sign_in(client, UserFactory(name="Racine", is_staff=True, is_superuser=True))
    return client.cookies[settings.SESSION_COOKIE_NAME].value


@pytest.fixture(scope="package")
def addresses(site):
    """Every page, by what it is: those of everyone, then some of the administration."""
    pk = Enterprise.objects.get(slug="minimale").pk
    pair = DuplicatePair.objects.get(first__slug="jumelle-une", second__slug="jumelle-deux")
    merge = Merge.objects.get(kept__slug="jumelle-trois")
    return PUBLIC | {
        "duplicates": reverse("directory:duplicates"),
        "duplicate": reverse("directory:duplicate", args=[pair.pk]),
        "merges": reverse("directory:merges"),
        "merge": reverse("directory:merge", args=[merge.pk]),
        "admin": reverse("admin:index"),
        "admin, list": reverse("admin:directory_enterprise_changelist") + "?q=minimale",
        "admin, enterprise": reverse("admin:directory_enterprise_change", args=[pk]),
        "admin, renewal": reverse(
            "admin:directory_recognition_renew",
            args=[Enterprise.objects.get(slug="riche").pk],
        ),
    }


@pytest.fixture(scope="package")
def mailed(site):
    """What mails link to, and where staff call from."""
    enterprise = Enterprise.objects.with_due_on().get(slug="riche")
    link = freshness.confirmation_link(enterprise, enterprise.due_on)
    stop = outbox.unsubscription_link("info@riche.example", "reminder")
    return {
        "confirm": urlsplit(link).path,
        "unsubscribe": urlsplit(stop).path,
        "broken link": "/confirmer/x/",
        "phone list": reverse("directory:phone_list"),
        "phone call": reverse("directory:phone_call", args=["riche"]),
        "phone call, long": reverse("directory:phone_call", args=["longue"]),
        "outbox": reverse("admin:directory_mail_changelist"),
        "previews": reverse("admin:directory_mail_previews"),
        "preview": reverse("admin:directory_mail_preview", args=["reminder"]),
    }


# --- Windows on it


@pytest.fixture(scope="package")
def contexts(site, chromium):
    """Opens a context, which is a browser with its own cookies and cache; kept, unless `fresh`."""
    kept, opened = {}, []

    def context(scripted=True, signed_in=False, fresh=False):
        kind = (scripted, signed_in)
        if kind in kept and not fresh:
            return kept[kind]
        new = chromium.new_context(
            base_url=site.url, locale="fr-CA", java_script_enabled=scripted, viewport=DESKTOP
        )
        new.set_default_timeout(10_000)
        if signed_in:
            name = settings.SESSION_COOKIE_NAME
            new.add_cookies([{"name": name, "value": site.session, "url": site.url}])
        opened.append(new)
        if not fresh:
            kept[kind] = new
        return new

    yield context
    for one in opened:
        one.close()


@pytest.fixture
def window(contexts):
    """Opens windows. What the browser refused or a script got wrong fails the test in the end."""
    pages, complaints = [], []

    def opened(size=DESKTOP, colours="light", motion="reduce", **context):
        page = contexts(**context).new_page()
        pages.append(page)
        listen(page, complaints)
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=colours, reduced_motion=motion)
        return page

    opened.complaints = complaints
    yield opened
    for page in pages:
        page.close()
    assert complaints == []


def listen(page, complaints):
    page.requested = []
    page.on("request", lambda request: page.requested.append(request))
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))

    def said(message):
        loud = message.type in {"error", "warning"}
        if loud and not message.text.startswith(EXPECTED_ERROR):
            complaints.append(f"{page.url}: {message.text}")

    page.on("console", said)
