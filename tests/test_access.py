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

# Whose answer each role inherits where a row does not name it.
AS = {
    "deactivated": "anonymous",  # a superuser yesterday, signed in still
    "member": "anonymous",
    "stranger": "member",  # the owner of another enterprise
    "editor": "member",
    "owner": "member",
    "staff": "member",  # of the Pôle, in no group
    "facilitator": "staff",
    "moderator": "staff",
    "curator": "staff",
    "superuser": "staff",
}
ROLES = ["anonymous", *AS]

# Address: what a GET gets, then what a POST gets: first for the anonymous, then for the roles that
# get something else. 302 is the way to the sign-in page, or from an action back to its list.
EVERYONE_READS = ("200", "405")
# A form without an account; empty, and so not of ours, it is shown again with what is missing.
EVERYONE_WRITES = ("200", "403")
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
    "admin:index": ("302 staff=200", "302 staff=200"),
    "admin:app_list": (
        "302 staff=404 facilitator=200 moderator=200 curator=200 superuser=200",
        "302 staff=404 facilitator=200 moderator=200 curator=200 superuser=200",
    ),
    "admin:login": ("200 staff=302", "200"),
    "admin:logout": ("302 staff=405", "302 staff=200"),
    "admin:password_change": ("302 staff=200", "302 staff=200"),
    "admin:password_change_done": ("302 staff=200", "302 staff=405"),
    "admin:autocomplete": (
        "302 staff=403 facilitator=200 moderator=200 curator=200 superuser=200",
        "302 staff=405",
    ),
    "admin:jsi18n": ("302 staff=200", "302 staff=405"),
    "admin:view_on_site": ("302", "302"),
    "admin:anything": ("302 staff=404", "302 staff=404"),
}


def may(view="", add="", change="", delete="", nobody=""):
    """Who, beside the superuser, does what to a table of the admin; `nobody` not even they."""
    groups = {"view": view, "add": add, "change": change, "delete": delete}
    return {
        act: set(names.split())
        | ({"superuser"} - ({"superuser"} if act in nobody.split() else set()))
        for act, names in groups.items()
    }


ALL = "curator moderator facilitator"
PART = may(view="curator", add="curator", change="curator", delete="curator")
LOOKED_AT = may(nobody="add change delete")
TABLES = {
    "auth_group": may(),
    "directory_benefit": may(view="curator moderator", add="curator", change="curator"),
    "directory_borough": may(view="curator"),
    "directory_certification": PART,
    "directory_city": may(view=ALL),
    "directory_contact": PART | {"view": {"curator", "facilitator", "superuser"}},
    "directory_enterprise": may(view=ALL, add="curator", change="curator"),
    "directory_enterprisebenefit": PART,
    "directory_errorreport": may(view="curator moderator", change="moderator", nobody="add"),
    "directory_listing": LOOKED_AT,
    "directory_offering": PART,
    "directory_permit": PART,
    "directory_postalarea": may(),
    "directory_purchasingcategory": may(view="curator", change="curator"),
    "directory_recognition": may(view="curator", add="curator", change="curator"),
    "directory_reference": PART,
    "directory_region": may(view="curator"),
    "directory_regionalcounty": may(view="curator"),
    "directory_sector": may(view=ALL, add="curator", change="curator"),
    "directory_seededkey": may(nobody="add change"),
    "directory_status": may(view="curator moderator", add="curator", change="curator"),
    "directory_suggestion": may(view="curator moderator", change="moderator", nobody="add"),
    "directory_synonym": PART,
    "directory_synonymgroup": PART,
    "directory_user": may(),
}


def spec(allowed, otherwise="403"):
    """What those get who may, and the rest of the staff."""
    return " ".join(["302", f"staff={otherwise}", *(f"{role}=200" for role in sorted(allowed)),
                     *([] if "superuser" in allowed else [f"superuser={otherwise}"])])  # fmt: skip


def table(rights):
    view, change = spec(rights["view"]), spec(rights["change"])
    add, delete = spec(rights["add"]), spec(rights["delete"])
    return {
        "changelist": (view, view),
        "add": (add, add),
        "change": (view, change),
        "delete": (delete, delete),
        "history": (view, view),
        "object": ("302", "302"),  # the way to its change form
    }


EXPECTED = PAGES | {
    f"admin:{name}_{action}": rows
    for name, rights in TABLES.items()
    for action, rows in table(rights).items()
}


def expected(row, role):
    """The status that `role` gets, named in the row or inherited."""
    first, *exceptions = row.split()
    named = dict(exception.split("=") for exception in exceptions) | {"anonymous": first}
    while role not in named:
        role = AS[role]
    return int(named[role])


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
def site(reference, enterprise):
    """One row in every table, and how to write the address of each page."""
    from django.contrib.auth.models import Group
    from django.contrib.contenttypes.models import ContentType

    logo = default_storage.save("acces.png", ContentFile(b"\x89PNG\r\n\x1a\n"))
    Enterprise.objects.filter(pk=enterprise.pk).update(logo=logo)
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
        "directory:detail": [enterprise.slug],
        "directory:vcard": [enterprise.slug],
        "directory:report": [enterprise.slug],
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


# The fixture that makes each of them.
PEOPLE = {"stranger": "bob", "editor": "colleague", "owner": "alice"}


@pytest.mark.parametrize("role", ROLES)
def test_each_person_opens_what_the_table_says_and_nothing_else(role, site, request):
    person = StrictClient()
    if role != "anonymous":
        person = request.getfixturevalue(PEOPLE.get(role, role))
    wrong = []
    for name in NAMES:
        for method, row in zip(("GET", "POST"), EXPECTED[name], strict=True):
            wanted = expected(row, role)
            response = person.generic(method, site(name))
            if response.streaming:
                response.getvalue()  # a file is closed once read
            if response.status_code != wanted:
                wrong.append(f"{method} {name}: {response.status_code} instead of {wanted}")
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
