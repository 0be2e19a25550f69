"""Who may open what: every address of the site × every kind of person × reading and writing.

The tables below are reviewed as code is: an address that none of them names fails.
"""

import datetime
import uuid

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import NoReverseMatch, URLResolver, get_resolver, reverse

from directory import audit, bulk_invitations, freshness, merging, outbox, restoring
from directory.models import BulkAct, DuplicatePair, Enterprise, Listing, SavedMapping
from tests.client import StrictClient
from tests.factories import (
    CertificationFactory,
    ClaimFactory,
    ConsentBasisFactory,
    ContactFactory,
    EnterpriseBenefitFactory,
    EnterpriseFactory,
    ErrorReportFactory,
    ImportBatchFactory,
    IncidentFactory,
    InvitationFactory,
    MailFactory,
    OfferingFactory,
    PermitFactory,
    PhoneCallFactory,
    RecognitionFactory,
    ReferenceFactory,
    ReminderFactory,
    RepresentativeFactory,
    RevisionFactory,
    SuggestionFactory,
    UnsubscriptionFactory,
)
from tests.signing_in import sign_in

#: Twelve months after `enterprise` was confirmed (tests/factories.py).
DUE_ON = datetime.date(2027, 6, 15)

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
# The desk is for those who decide.
DESK = ("302 member=404 moderator=200 superuser=200",) * 2
MESSAGE = tuple(
    f"302 member=404 moderator={sent} curator={sent} superuser={sent}" for sent in (200, 400)
)
EVERYONE_READS = ("200", "405")
# A form without an account; empty, and so not of ours, it is shown again with what is missing.
EVERYONE_WRITES = ("200", "403")
# Pages of the Pôle's curators, outside the admin: for who has no right to them, there is none.
CURATORS_READ = ("302 member=404 curator=200 superuser=200", "302 member=405")
CURATORS_DECIDE = (CURATORS_READ[0], CURATORS_READ[0])
STAFF_IN_GROUPS = "facilitator=200 moderator=200 curator=200 superuser=200"
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
    "directory:duplicates": CURATORS_READ,
    "directory:duplicate": CURATORS_DECIDE,
    "directory:compare": CURATORS_DECIDE,
    "directory:merges": CURATORS_READ,
    "directory:merge": (CURATORS_READ[0], "302 member=404 curator=302 superuser=302"),
    # Whoever is signed in may claim a listing; an act that is none is refused.
    "directory:claim": ("302 member=200", "302 member=400"),
    "directory:invitation": ("200", "302 member=403"),
    "directory:invitations": (
        "302 member=404 facilitator=200 curator=200 superuser=200",
        "302 member=404 facilitator=400 curator=400 superuser=400",
    ),
    "directory:invitations_sent": (
        "302 member=404 facilitator=200 curator=200 superuser=200",
        "302 member=405",
    ),
    "directory:team": (
        f"302 member=404 editor=200 owner=200 {STAFF_IN_GROUPS}",
        "302 member=404 owner=200 facilitator=200 curator=200 superuser=200",
    ),
    "directory:colleague": (
        "302 member=404 owner=200 superuser=200",
        "302 member=404 owner=400 superuser=400",
    ),
    "directory:team_invitation": (
        "302 member=405",
        "302 member=404 owner=400 facilitator=400 curator=400 superuser=400",
    ),
    "directory:team_claim": (
        "302 member=404 owner=200 superuser=200",
        "302 member=404 owner=400 superuser=400",
    ),
    # Opened by whoever has the link; sent, it acts.
    # Those of the enterprise have just confirmed it from their own page.
    "directory:confirm": ("200", "302 editor=200 owner=200"),
    "directory:unsubscribe": ("200", "200"),
    "directory:phone_list": (
        "302 member=404 facilitator=200 curator=200 superuser=200",
        "302 member=405",
    ),
    "directory:phone_call": (
        "302 member=404 facilitator=200 curator=200 superuser=200",
        "302 member=404 facilitator=200 curator=200 superuser=200",
    ),
    "directory:phone_take": (
        "302 member=405",
        "302 member=404 facilitator=302 curator=302 superuser=302",
    ),
    # Nobody takes back another's call; an empty form is shown again.
    "directory:phone_take_back": ("302 member=405", "302 member=404"),
    "directory:phone_number": (
        "302 member=405",
        "302 member=404 facilitator=200 curator=200 superuser=200",
    ),
    "directory:phone_invite": (
        "302 member=405",
        "302 member=404 facilitator=200 curator=200 superuser=200",
    ),
    # Their own enterprise's, for its representatives alone.
    "directory:desk": ("302 member=404 moderator=200 curator=200 superuser=200", "302 member=405"),
    "directory:desk_accept": ("302 member=405", "302 member=404 moderator=302 superuser=302"),
    "directory:desk_revision": DESK,
    "directory:desk_claim": (DESK[0], "302 member=404 moderator=400 superuser=400"),
    "directory:desk_suggestion": MESSAGE,
    "directory:desk_report": MESSAGE,
    "directory:desk_history": (
        "302 member=404 facilitator=200 moderator=200 curator=200 superuser=200",
        "302 member=405",
    ),
    "directory:desk_restore": CURATORS_DECIDE,
    "directory:history": ("302 member=404 editor=200 owner=200", "302 member=405"),
    "directory:mine": ("302 member=200 stranger=302 editor=302 owner=302", "302 member=405"),
    "directory:mine_listing": ("302 member=404 editor=200 owner=200", "302 member=405"),
    "directory:mine_sheet": ("302 member=404 editor=200 owner=200", "302 member=405"),
    "directory:mine_confirm": ("302 member=405", "302 member=404 editor=302 owner=302"),
    "directory:mine_reminders": ("302 member=405", "302 member=404 editor=302 owner=302"),
    "directory:mine_withdraw": ("302 member=405", "302 member=404 editor=302 owner=302"),
    "directory:section": (
        "302 member=404 editor=200 owner=200",
        "302 member=404 editor=200 owner=200",
    ),
    "health:alive": EVERYONE_READS,
    "health:ready": EVERYONE_READS,
    "admin:directory_bulkact_undo": (
        "302 staff=403 curator=200 superuser=200",
        "302 staff=403 curator=302 superuser=302",
    ),
    "admin:directory_recognition_renew": (
        "302 staff=403 curator=200 superuser=200",
        "302 staff=403 curator=302 superuser=302",
    ),
    # /compte/: of these people, staff have given a second factor a moment ago, and have no passkey;
    # the others came in by other means, and are led to prove who they are before what is serious.
    "account_home": ("302 member=200", "302 member=200"),
    "account_login": ("200 member=302", "200 member=302"),
    "account_signup": ("200 member=302", "200 member=302"),
    "account_code": ("410", "410"),
    "mfa_authenticate": ("302", "302"),
    "mfa_login_webauthn": ("302", "200 member=302"),
    "account_inactive": ("403", "405"),
    "account_logout": ("302 member=200", "302"),
    "account_reauthenticate": ("302 member=200 staff=302", "302"),
    "mfa_reauthenticate": ("302 member=403 staff=200", "302 member=403 staff=200"),
    "mfa_reauthenticate_webauthn": ("302 member=403 staff=302", "302 member=403 staff=302"),
    "mfa_index": ("302 member=200", "302 member=405"),
    "mfa_activate_totp": ("302", "302"),
    "mfa_deactivate_totp": ("302 staff=200", "302"),
    "mfa_add_webauthn": ("302 staff=200", "302 staff=200"),
    "mfa_remove_webauthn": ("302 staff=404", "302 staff=404"),
    "mfa_view_recovery_codes": ("302 staff=404", "302 staff=405"),
    "mfa_generate_recovery_codes": ("302 staff=200", "302"),
    "usersessions_list": ("302 member=200", "302"),
    "account_email": ("302 staff=200", "302 staff=200"),
    "account_data": ("302 staff=200", "302 member=405"),
    "account_delete": ("302 staff=200", "302 staff=200"),
    "account_deleted": ("200", "405"),
    "admin:index": ("302 staff=200", "302 staff=200"),
    "admin:app_list": (
        "302 staff=404 facilitator=200 moderator=200 curator=200 superuser=200",
        "302 staff=404 facilitator=200 moderator=200 curator=200 superuser=200",
    ),
    "admin:login": ("302 member=403 staff=302", "302 member=403 staff=302"),
    "admin:logout": ("302 staff=405", "302"),
    "admin:autocomplete": (
        "302 staff=403 facilitator=200 moderator=200 curator=200 superuser=200",
        "302 staff=405",
    ),
    "admin:jsi18n": ("302 staff=200", "302 staff=405"),
    "admin:view_on_site": ("302", "302"),
    "admin:anything": ("302 staff=404", "302 staff=404"),
}
MAIL = "302 staff=403 curator=200 superuser=200"
PAGES |= {f"admin:directory_mail_{page}": (MAIL, MAIL) for page in ("previews", "preview")}
PAGES |= {f"admin:directory_mail_{page}": (MAIL, MAIL) for page in ("sample", "file")}
# The pages of an import; what acts leads back to what it shows.
READS, ACTS = (f"302 staff=403 curator={code} superuser={code}" for code in (200, 302))
PAGES |= {
    "admin:directory_importbatch_columns": (READS, READS),
    "admin:directory_importbatch_rows": (ACTS, ACTS),
    "admin:directory_importbatch_apply": (ACTS, ACTS),
    "admin:directory_importbatch_undo": (READS, ACTS),
    "admin:directory_importbatch_take_up": (ACTS, ACTS),
    "admin:directory_importbatch_leftovers": (READS, READS.replace("200", "405")),
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
    "directory_bulkact": may(view="curator", change="curator", nobody="add delete"),
    "directory_auditentry": LOOKED_AT,
    "directory_benefit": may(view="curator moderator", add="curator", change="curator"),
    "directory_borough": may(view="curator"),
    "directory_certification": PART,
    "directory_city": may(view=ALL),
    "directory_claim": LOOKED_AT | {"view": {"moderator", "superuser"}},
    "directory_consentbasis": may(
        view="curator facilitator", add="curator facilitator", change="curator", nobody="delete"
    ),
    "directory_contact": PART | {"view": {"curator", "facilitator", "superuser"}},
    "directory_enterprise": may(view=ALL, add="curator", change="curator"),
    "directory_enterprisebenefit": PART,
    "directory_errorreport": LOOKED_AT | {"view": {"curator", "moderator", "superuser"}},
    "directory_incident": may(nobody="delete"),
    "directory_invitation": LOOKED_AT | {"view": {"curator", "facilitator", "superuser"}},
    "directory_importbatch": PART,
    "directory_listing": LOOKED_AT,
    "directory_mail": LOOKED_AT | {"view": {"curator", "superuser"}},
    "directory_offering": PART,
    "directory_permit": PART,
    "directory_phonecall": LOOKED_AT | {"view": {"curator", "facilitator", "superuser"}},
    "directory_postalarea": may(),
    "directory_purchasingcategory": may(view="curator", change="curator"),
    "directory_recognition": may(view="curator", add="curator", change="curator"),
    "directory_reference": PART,
    "directory_region": may(view="curator"),
    "directory_regionalcounty": may(view="curator"),
    "directory_representative": LOOKED_AT | {"view": {*ALL.split(), "superuser"}},
    "directory_reminder": LOOKED_AT | {"view": {"curator", "superuser"}},
    "directory_savedmapping": may(view="curator", change="curator", delete="curator", nobody="add"),
    "directory_sector": may(view=ALL, add="curator", change="curator"),
    "directory_seededkey": may(nobody="add change"),
    "directory_status": may(view="curator moderator", add="curator", change="curator"),
    "directory_suggestion": LOOKED_AT | {"view": {"curator", "moderator", "superuser"}},
    "directory_synonym": PART,
    "directory_synonymgroup": PART,
    "directory_unsubscription": may(nobody="change"),
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

# Of an account nothing must be typed: its address is for its own person to change.
EXPECTED["admin:directory_user_change"] = (
    EXPECTED["admin:directory_user_change"][0],
    EXPECTED["admin:directory_user_change"][1].replace("superuser=200", "superuser=302"),
)
# Nothing of it is typed, so nothing of it can be wrong.
EXPECTED["admin:directory_bulkact_change"] = (
    spec(TABLES["directory_bulkact"]["view"]),
    "302 staff=403 curator=302 superuser=302",
)


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
        ConsentBasisFactory,
        PhoneCallFactory,
        ReminderFactory,
    ):
        factory(enterprise=enterprise)
    UnsubscriptionFactory()
    mail = MailFactory()
    Group.objects.create(name="Bénévoles")
    double = EnterpriseFactory(slug="double")
    pair = DuplicatePair.objects.create(first=enterprise, second=double, reasons=["name"])
    kept, gone = EnterpriseFactory(), EnterpriseFactory()
    merge = merging.merge(kept=kept, gone=gone, choices={}, by=None)
    audit.record(act="test", by=None)
    IncidentFactory()
    editor = RepresentativeFactory(enterprise=enterprise)
    claim = ClaimFactory(enterprise=enterprise)
    invitation = InvitationFactory(enterprise=enterprise, token="acces")
    round_ = uuid.uuid4()
    bulk_invitations.send(enterprises=[], key=round_, by=editor.user)
    SavedMapping.objects.create(name="Liste du ministère", columns={"Nom": "name"})
    read, good, written = (
        ImportBatchFactory(state=state).pk for state in ("read", "read", "applied")
    )
    act = BulkAct.objects.create(act="publish", label="1 fiche publiée", rows={})
    known = {
        "admin:directory_bulkact_undo": [act.pk],
        "admin:directory_recognition_renew": [enterprise.pk],
        "directory:duplicate": [pair.pk],
        "directory:merge": [merge.pk],
        "directory:detail": [enterprise.slug],
        "directory:vcard": [enterprise.slug],
        "directory:report": [enterprise.slug],
        "directory:claim": [enterprise.slug],
        "directory:invitation": ["acces"],
        "directory:invitations_sent": [round_],
        "directory:team": [enterprise.slug],
        "directory:colleague": [enterprise.slug, editor.pk],
        "directory:team_invitation": [enterprise.slug, invitation.pk],
        "directory:team_claim": [enterprise.slug, claim.pk],
        "directory:thanks": [SuggestionFactory().reference],
        "directory:logo": [logo],
        "mfa_remove_webauthn": [1],
        "directory:mine_listing": [enterprise.slug],
        "directory:mine_sheet": [enterprise.slug],
        "directory:mine_confirm": [enterprise.slug],
        "directory:mine_reminders": [enterprise.slug],
        "directory:mine_withdraw": [enterprise.slug, RevisionFactory(enterprise=enterprise).pk],
        "directory:desk_revision": [RevisionFactory(enterprise=enterprise).pk],
        "directory:desk_claim": [claim.pk],
        "directory:desk_suggestion": [SuggestionFactory().pk],
        "directory:desk_report": [enterprise.error_reports.first().pk],
        "directory:desk_history": [enterprise.slug],
        "directory:desk_restore": [
            enterprise.slug,
            restoring.number(enterprise.history.latest().history_date),
        ],
        "directory:history": [enterprise.slug],
        "directory:section": [enterprise.slug, "identity"],
        "directory:sector": ["alimentation"],
        "directory:city": ["longueuil"],
        "directory:region": ["monteregie"],
        "directory:sitemap_section": ["villes"],
        "directory:confirm": [token(freshness.confirmation_link(enterprise, DUE_ON))],
        "directory:unsubscribe": [token(outbox.unsubscription_link("a@exemple.test", "reminder"))],
        "directory:phone_call": [enterprise.slug],
        "directory:phone_take": [enterprise.slug],
        "directory:phone_take_back": [enterprise.slug],
        "directory:phone_number": [enterprise.slug],
        "directory:phone_invite": [enterprise.slug],
        "admin:directory_mail_preview": ["reminder"],
        "admin:directory_mail_sample": ["reminder"],
        "admin:directory_mail_file": [mail.pk],
        "admin:directory_importbatch_columns": [read],
        "admin:directory_importbatch_rows": [good],
        "admin:directory_importbatch_apply": [good],
        "admin:directory_importbatch_undo": [written],
        "admin:directory_importbatch_take_up": [written],
        "admin:directory_importbatch_leftovers": [good, "csv"],
        "admin:app_list": ["directory"],
        "admin:view_on_site": [ContentType.objects.get_for_model(Enterprise).pk, enterprise.pk],
    }

    def address(name):
        if name == "admin:anything":
            return "/admin/nulle-part/"
        if name in known:
            return reverse(name, args=known[name])
        if name == "directory:compare":
            return f"{reverse(name)}?a={double.slug}&b={kept.slug}"
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


# After which one is signed in no longer, or has no second factor.
ENDING = {"admin:logout", "account_logout", "mfa_deactivate_totp"}


def token(link):
    return link.rstrip("/").rpartition("/")[2]


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
            if name in ENDING and role != "anonymous":
                person.user.refresh_from_db()
                sign_in(person, person.user)
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
    assert response.headers["Location"] == f"{reverse('account_login')}?next={address}"


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
