"""Who may open what: every address of the site × every kind of person × reading and writing.

The tables below are reviewed as code is: an address that none of them names fails.
"""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import NoReverseMatch, URLResolver, get_resolver, reverse

from directory.models import Enterprise, Listing
from tests.client import StrictClient
from tests.factories import (
    CertificationFactory,
    ContactFactory,
    EnterpriseBenefitFactory,
    EnterpriseFactory,
    ErrorReportFactory,
    OfferingFactory,
    PermitFactory,
    RecognitionFactory,
    ReferenceFactory,
    SuggestionFactory,
)

ROLES = ["anonymous", "member", "staff", "superuser"]

# Address: what a GET gets, then what a POST gets, for each of the roles in this order.
# 302 is the way to the sign-in page, or from an action back to its list.
EVERYONE_READS = ("200 200 200 200", "405 405 405 405")
# A form without an account; empty, and so not of ours, it is shown again with what is missing.
EVERYONE_WRITES = ("200 200 200 200", "403 403 403 403")
PAGES = {
    "directory:home": EVERYONE_READS,
    "directory:list": EVERYONE_READS,
    "directory:list_json": EVERYONE_READS,
    "directory:map": EVERYONE_READS,
    "directory:map_cells": EVERYONE_READS,
    "directory:list_csv": EVERYONE_READS,
    "directory:list_xlsx": EVERYONE_READS,
    "directory:list_geojson": EVERYONE_READS,
    "directory:open_data": EVERYONE_READS,
    "directory:download": EVERYONE_READS,
    "directory:changes": EVERYONE_READS,
    "directory:schema": EVERYONE_READS,
    "directory:suggestions": EVERYONE_READS,
    "directory:suggest": EVERYONE_WRITES,
    "directory:detail": EVERYONE_READS,
    "directory:vcard": EVERYONE_READS,
    "directory:report": EVERYONE_WRITES,
    "directory:thanks": EVERYONE_READS,
    "directory:logo": EVERYONE_READS,
    "directory:sector": EVERYONE_READS,
    "directory:city": EVERYONE_READS,
    "directory:regions": EVERYONE_READS,
    "directory:region": EVERYONE_READS,
    "directory:news": EVERYONE_READS,
    "directory:atom": EVERYONE_READS,
    "directory:about": EVERYONE_READS,
    "directory:accessibility": EVERYONE_READS,
    "directory:privacy": EVERYONE_READS,
    "directory:sitemap": EVERYONE_READS,
    "directory:sitemap_section": EVERYONE_READS,
    "directory:robots": EVERYONE_READS,
    "directory:opensearch": EVERYONE_READS,
    "directory:opensearch_suggestions": EVERYONE_READS,
    "directory:security": EVERYONE_READS,
    "health:alive": EVERYONE_READS,
    "health:ready": EVERYONE_READS,
    "admin:index": ("302 302 200 200", "302 302 200 200"),
    "admin:app_list": ("302 302 404 200", "302 302 404 200"),
    "admin:login": ("200 200 302 302", "200 200 200 200"),
    "admin:logout": ("302 302 405 405", "302 302 200 200"),
    "admin:password_change": ("302 302 200 200", "302 302 200 200"),
    "admin:password_change_done": ("302 302 200 200", "302 302 405 405"),
    "admin:autocomplete": ("302 302 403 200", "302 302 405 405"),
    "admin:jsi18n": ("302 302 200 200", "302 302 405 405"),
    "admin:view_on_site": ("302 302 302 302", "302 302 302 302"),
    "admin:anything": ("302 302 404 404", "302 302 404 404"),
}

# Tables of the admin; staff have no permission here, so nothing but the superuser's column opens.
SHUT = "302 302 403"
TABLE = {
    "changelist": (f"{SHUT} 200", f"{SHUT} 200"),
    "add": (f"{SHUT} 200", f"{SHUT} 200"),
    "change": (f"{SHUT} 200", f"{SHUT} 200"),
    "delete": (f"{SHUT} 200", f"{SHUT} 200"),
    "history": (f"{SHUT} 200", f"{SHUT} 200"),
    "object": ("302 302 302 302", "302 302 302 302"),  # the way to its change form
}
NO_ADDING = {"add": (f"{SHUT} 403", f"{SHUT} 403")}
NO_CHANGING = NO_ADDING | {"change": (f"{SHUT} 200", f"{SHUT} 403")}
LOOKED_AT = NO_CHANGING | {"delete": (f"{SHUT} 403", f"{SHUT} 403")}
TABLES = {
    "auth_group": {},
    "directory_benefit": {},
    "directory_borough": {},
    "directory_certification": {},
    "directory_city": {},
    "directory_contact": {},
    "directory_enterprise": {},
    "directory_enterprisebenefit": {},
    "directory_errorreport": NO_ADDING,
    "directory_listing": LOOKED_AT,
    "directory_offering": {},
    "directory_permit": {},
    "directory_postalarea": {},
    "directory_purchasingcategory": {},
    "directory_recognition": {},
    "directory_reference": {},
    "directory_region": {},
    "directory_regionalcounty": {},
    "directory_sector": {},
    "directory_seededkey": NO_CHANGING,
    "directory_status": {},
    "directory_suggestion": NO_ADDING,
    "directory_synonym": {},
    "directory_synonymgroup": {},
    "directory_user": {},
}

EXPECTED = PAGES | {
    f"admin:{table}_{action}": rows
    for table, exceptions in TABLES.items()
    for action, rows in (TABLE | exceptions).items()
}


def addresses(resolver=None, namespace="", prefix=""):
    """Every address of the resolver: its name, and its pattern from the root."""
    for entry in (resolver or get_resolver()).url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from addresses(entry, inner, route)
        elif entry.name:
            yield namespace + entry.name, route
        elif route.endswith("<path:object_id>/"):  # admin/directory/city/<path:object_id>/
            app, model = route.split("/")[1:3]
            yield f"{namespace}{app}_{model}_object", route
        else:
            yield f"{namespace}anything", route


NAMES = [name for name, _ in addresses()]


def test_every_address_has_its_row_and_every_row_its_address():
    assert sorted(NAMES) == sorted(EXPECTED)


@pytest.fixture
def site(reference, db):
    """One row in every table, and how to write the address of each page."""
    from django.contrib.auth.models import Group
    from django.contrib.contenttypes.models import ContentType

    logo = default_storage.save("acces.png", ContentFile(b"\x89PNG\r\n\x1a\n"))
    enterprise = EnterpriseFactory(slug="acces", published=True, logo=logo)
    for factory in (
        OfferingFactory,
        ContactFactory,
        CertificationFactory,
        EnterpriseBenefitFactory,
        PermitFactory,
        ReferenceFactory,
        RecognitionFactory,
        ErrorReportFactory,
    ):
        factory(enterprise=enterprise)
    Group.objects.create(name="Bénévoles")
    known = {
        "directory:detail": ["acces"],
        "directory:vcard": ["acces"],
        "directory:report": ["acces"],
        "directory:thanks": [SuggestionFactory().reference],
        "directory:logo": [logo],
        "directory:sector": ["alimentation"],
        "directory:city": ["longueuil"],
        "directory:region": ["monteregie"],
        "directory:sitemap_section": ["villes"],
        "admin:app_list": ["directory"],
        "admin:view_on_site": [ContentType.objects.get_for_model(Enterprise).pk, enterprise.pk],
    }

    def address(name):
        if name == "admin:anything":
            return "/admin/nulle-part/"
        if name in known:
            return reverse(name, args=known[name])
        if name == "admin:autocomplete":
            field = "app_label=directory&model_name=enterprise&field_name=city"
            return f"{reverse(name)}?{field}&term=long"
        try:
            return reverse(name)
        except NoReverseMatch:
            table, action = name.removeprefix("admin:").rsplit("_", 1)
            return row_address(table, action)

    def row_address(table, action):
        model = ContentType.objects.get_by_natural_key(*table.split("_")).model_class()
        key = model._default_manager.order_by("pk").values_list("pk", flat=True).first()
        path = reverse(f"admin:{table}_change", args=[key])
        return {
            "change": path,
            "delete": path.replace("/change/", "/delete/"),
            "history": path.replace("/change/", "/history/"),
            "object": path.replace("/change/", "/"),
        }[action]

    yield address
    default_storage.delete(logo)


@pytest.mark.parametrize("role", ROLES)
def test_each_person_opens_what_the_table_says_and_nothing_else(role, site, request):
    person = StrictClient() if role == "anonymous" else request.getfixturevalue(role)
    wrong = []
    for name in NAMES:
        for method, row in zip(("GET", "POST"), EXPECTED[name], strict=True):
            expected = int(row.split()[ROLES.index(role)])
            response = person.generic(method, site(name))
            if response.streaming:
                response.getvalue()  # a file is closed once read
            if response.status_code != expected:
                wrong.append(f"{method} {name}: {response.status_code} instead of {expected}")
            if name in {"admin:logout", "admin:login"} and role != "anonymous":
                person.force_login(person.user)
    assert not wrong, "\n" + "\n".join(wrong)


def test_nobody_is_sent_to_sign_in_from_a_public_page(client, site):
    for name, rows in PAGES.items():
        if rows in (EVERYONE_READS, EVERYONE_WRITES):
            response = client.get(site(name))
            assert not response.cookies, name
            assert response.getvalue()


def test_the_way_to_sign_in_remembers_where_one_was_going(client):
    address = reverse("admin:directory_city_changelist")
    response = client.get(address)
    assert response.headers["Location"] == f"{reverse('admin:login')}?next={address}"


@pytest.mark.usefixtures("site")
def test_a_deactivated_person_is_refused_at_the_next_request(superuser):
    address = reverse("admin:directory_city_changelist")
    assert superuser.get(address).status_code == 200
    superuser.user.is_active = False
    superuser.user.save()
    assert superuser.get(address).status_code == 302


def test_drafts_and_archived_enterprises_are_not_shown_to_anyone(client, superuser, reference):
    draft = EnterpriseFactory(name="Brouillon canari")
    archived = EnterpriseFactory(name="Archivée canari", archived=True)
    assert not Listing.objects.exists()
    for person in (client, superuser):
        assert person.get(reverse("directory:detail", args=[draft.slug])).status_code == 404
        assert person.get(reverse("directory:detail", args=[archived.slug])).status_code == 410
        for name in ("directory:home", "directory:list", "directory:list_json"):
            assert "canari" not in person.get(reverse(name)).content.decode()
        for name in ("list_csv", "list_geojson", "open_data", "changes"):
            body = person.get(reverse(f"directory:{name}")).getvalue().decode()
            assert "canari" not in body, name
