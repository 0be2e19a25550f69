"""Fields that a form does not have, sent with those it has: the same is written as without them.

Each form is sent as its page shows it three times, from the same rows: twice alone, so that what
differs between the two (times, numbers drawn at random) is known; then with every field of every
table that it does not ask for. What is then in the database is compared cell by cell.
"""

import re
from datetime import date, timedelta
from urllib.parse import urlsplit

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, models, transaction
from django.db.models import F
from django.urls import reverse

from directory import restoring, state, visits
from tests.client import StrictClient
from tests.directory.test_logo_upload import encoded, picture
from tests.directory.test_reports import WRONG, issued, said
from tests.factories import (
    ConsentBasisFactory,
    EnterpriseFactory,
    InvitationFactory,
    RevisionFactory,
    UserFactory,
)
from tests.forms import every_form
from tests.signing_in import code_sent, prove
from tests.test_access import EXPECTED, PEOPLE, site  # noqa: F401 a fixture
from tests.test_access import TABLES as IN_THE_ADMIN

pytestmark = pytest.mark.django_db

TABLES = [
    model
    for model in apps.get_models(include_auto_created=True)
    if model._meta.app_label in {"directory", "admin", "auth", "mfa", "usersessions"}
    # What is written of what was written, or counts it.
    and model._meta.model_name not in {"counter", "listing", "permission"}
]
#: Fields of every table, and what one who forges would send.
FORGED_TABLES = [
    *apps.get_app_config("directory").get_models(), Authenticator, UserSession
]  # fmt: skip


def forgeries(other):
    """Name → value, for each field of each table; the rows named are those of somebody else."""
    found = {"pk": other["row"], "is_admin": "on", "permissions": "1"}
    for model in FORGED_TABLES:
        for field in model._meta.get_fields():
            if not field.concrete or model.__name__.startswith("Historical"):
                continue
            for name in {field.name, field.attname if field.concrete else field.name}:
                if name not in found:
                    found[name] = value_of(field, other)
    return found


def value_of(field, other):
    if field.is_relation:
        return other.get(field.related_model.__name__, other["row"])
    if isinstance(field, models.BooleanField):
        return "on"
    if field.choices:
        return str(field.choices[-1][0])
    if isinstance(field, models.DateTimeField):
        return "2001-01-01 00:00"
    if isinstance(field, models.DateField):
        return "2031-01-01"
    if isinstance(field, models.IntegerField | models.DecimalField | models.AutoField):
        return other["row"]
    if isinstance(field, models.EmailField):
        return "vol@exemple.test"
    if isinstance(field, models.JSONField):
        return '{"vol": 1}'
    return "vol"


# --- What is in the database


def written():
    cells = {}
    for model in TABLES:
        rows = model._base_manager.all()
        if model._meta.model_name in {"city", "postalarea", "borough", "seededkey"}:
            cells[model._meta.label] = rows.count()
            continue
        for row in rows.values():
            for name, value in row.items():
                cells[model._meta.label, row[model._meta.pk.attname], name] = repr(value)
    return cells


def sequences(values=None):
    with connection.cursor() as cursor:
        if values is None:
            cursor.execute(
                "SELECT format('%I.%I', schemaname, sequencename), last_value FROM pg_sequences"
                " WHERE schemaname = 'public'"
            )
            return cursor.fetchall()
        for name, last in values:
            cursor.execute("SELECT setval(%s, %s, %s)", [name, last or 1, last is not None])


def sent(person, address, values):
    """What the database holds once this is sent, which is then undone; and the status."""
    before, cookies = sequences(), person.cookies.copy()
    with transaction.atomic():
        response = person.post(address, values)
        held = written()
        transaction.set_rollback(True)
    sequences(before)
    person.cookies = cookies
    state.forget()
    visits.forget()
    return held, response.status_code


# --- Each form
def on_line():
    """A change to be looked at, ticked."""
    return {"modification": [str(RevisionFactory(state="applied").pk)]}


def prospect():
    """An enterprise that may be invited."""
    enterprise = EnterpriseFactory(
        published=True, email="prospect@exemple.test", confirmed_on=date(2020, 1, 1)
    )
    ConsentBasisFactory(enterprise=enterprise, email=enterprise.email)
    return {}


#: Address → who sends its form, what they type or press, and where the form is if it is elsewhere.
#: A name is there twice where one form does several things.
FORMS = [
    ("directory:suggest", "client", said),
    ("directory:report", "client", lambda: WRONG | {"issued": issued()}),
    ("directory:duplicate", "curator", {"action": "distinct"}),
    ("directory:duplicate", "curator", {"action": "merge"}),
    ("directory:compare", "curator", {"action": "merge"}),
    ("directory:merge", "curator", {}),
    ("directory:claim", "member", {"action": "ask", "function": "Direction", "grounds": "Oui",
                                   "phone": "450 555-0123"}),
    ("directory:invitations", "curator", prospect),
    ("directory:team", "owner", {"email": "neuve@exemple.test", "role": "editor"}),
    ("directory:colleague", "owner", {"action": "role", "role": "owner"}),
    ("directory:colleague", "owner", {"action": "remove"}),
    ("directory:team_invitation", "owner", {"action": "withdraw"}),
    ("directory:team_claim", "owner", {"action": "accept"}),
    ("directory:team_claim", "owner", {"action": "refuse", "reason": "Non."}),
    ("directory:confirm", "client", {}),
    ("directory:unsubscribe", "client", {}),
    ("directory:phone_call", "facilitator", {"outcome": "no_answer"}),
    ("directory:phone_call", "facilitator", {"outcome": "confirmed"}),
    ("directory:phone_take", "facilitator", {}),
    ("directory:desk_accept", "moderator", on_line),
    ("directory:desk_claim", "moderator", {"action": "accept"}),
    ("directory:desk_claim", "moderator", {"action": "refuse", "reason": "Non."}),
    ("directory:desk_suggestion", "moderator", {"action": "refuse", "reason": "Non."}),
    ("directory:desk_suggestion", "superuser", {"action": "list", "legal_form": "npo"}),
    ("directory:desk_report", "moderator", {"action": "handle"}),
    ("directory:desk_revision", "moderator", {"choix-name": "accepter"}),
    ("directory:desk_restore", "curator", {"reason": "Coquille."}),
    ("directory:mine_confirm", "owner", {}),
    ("directory:mine_reminders", "owner", {"mois": "6"}),
    ("directory:mine_withdraw", "owner", {}),
    ("account_login", "client", {"email": "autre@exemple.test"}),
    ("account_signup", "client", {"email": "neuve@exemple.test", "name": "N", "agreed": "on"}),
    ("account_home", "owner", {"name": "Autre nom"}),
    ("account_reauthenticate", "owner", {}),
    ("account_email", "owner", {"email": "neuve@exemple.test"}),
    ("account_delete", "owner", {"sure": "on"}),
    ("usersessions_list", "owner", {}),
    ("mfa_generate_recovery_codes", "staff", {}),
    ("admin:directory_bulkact_undo", "curator", {}),
    ("admin:directory_importbatch_apply", "curator", {}),
    ("admin:directory_importbatch_undo", "curator", {}),
]  # fmt: skip
#: Forms that write nothing until something else is sent, or have a test of their own.
ELSEWHERE = {
    "directory:section": "below, section by section",
    "directory:desk_restore": "below, of a listing that has changed",
    "directory:invitation": "below, by whoever is invited",
    "account_code": "below, for each thing that a code is for",
    "account_logout": "no field at all",
    "admin:directory_importbatch_columns": "tests/directory/test_import_admin.py",
    "admin:directory_importbatch_take_up": "tests/directory/test_import_answers.py",
    "admin:directory_importbatch_rows": "tests/directory/test_import_admin.py",
    "mfa_activate_totp": "a code and nothing else, read by allauth's form",
    "mfa_authenticate": "a code and nothing else, read by allauth's form",
    "mfa_reauthenticate": "a code and nothing else, read by allauth's form",
    "mfa_reauthenticate_webauthn": "what a passkey signs, which nobody can forge",
    "mfa_login_webauthn": "what a passkey signs, which nobody can forge",
    "mfa_add_webauthn": "what a passkey signs, which nobody can forge",
    "mfa_remove_webauthn": "no field at all",
    "mfa_deactivate_totp": "no field at all, and refused of staff’s last factor",
    "directory:phone_number": "tests/directory/test_phone_list.py: of a listing without a number",
    "directory:phone_take_back": "tests/directory/test_phone_list.py: of a call just noted",
    "directory:phone_invite": "tests/directory/test_phone_list.py: where there is no owner",
    "admin:directory_recognition_renew": "tests/directory/test_renewals.py",
    **{
        f"admin:directory_mail_{page}": "writes nothing"
        for page in ("previews", "preview", "sample", "file")
    },
    "admin:index": "writes nothing",
    "admin:app_list": "writes nothing",
    "admin:login": "leads elsewhere",
    "admin:logout": "no field at all",
    "admin:view_on_site": "leads elsewhere",
    "admin:anything": "no page",
}


def somebody(request, who):
    person = request.getfixturevalue(PEOPLE.get(who, who))
    if who != "client":
        factor = Authenticator.objects.filter(user=person.user).first()
        prove(person, person.user, "mfa" if factor else "code")
    return person


def others():
    """Rows that are none of the sender's business, by table."""
    enterprise = EnterpriseFactory(name="Une autre", slug="une-autre", published=True)
    user = UserFactory(email="autre@exemple.test", name="Autre")
    return {"Enterprise": str(enterprise.pk), "User": str(user.pk), "row": str(enterprise.pk)}


def filled(person, address, fill):
    """The form that this page posts to this address, as one sends it, and all that it may hold."""
    response = person.get(address)
    values, names = {}, set(fill)
    for action, known, all_names in every_form(response) if response.status_code == 200 else ():
        if not action or urlsplit(action).path == urlsplit(address).path:
            values, names = values | known, names | all_names
    return values | fill, names


def compare(person, address, fill):
    values, names = filled(person, address, fill)
    other = others()
    before = written()
    one, status = sent(person, address, values)
    two, _status = sent(person, address, values)
    assert one != before, f"{status}: nothing is written, so nothing is tried"
    extra = {name: value for name, value in forgeries(other).items() if name not in names}
    prefixes = {found[1] for name in names if (found := re.match(r"(\w+-\d+)-", name))}
    extra |= {
        f"{prefix}-{name}": value
        for prefix in prefixes
        for name, value in forgeries(other).items()
        if f"{prefix}-{name}" not in names
    }
    assert len(extra) > 100
    forged, forged_status = sent(person, address, values | extra)
    assert forged_status == status
    assert forged.keys() == one.keys()
    differ = {cell for cell in one if one[cell] == two[cell] and forged[cell] != one[cell]}
    assert {cell: (one[cell], forged[cell]) for cell in differ} == {}


@pytest.mark.parametrize(
    ("name", "who", "fill"), FORMS, ids=[f"{n}-{who}-{i}" for i, (n, who, _f) in enumerate(FORMS)]
)
def test_a_form_writes_what_it_asks_and_nothing_else(name, who, fill, site, request):  # noqa: F811
    person = somebody(request, who)
    compare(person, site(name), fill() if callable(fill) else fill)


SECTIONS = {
    "identity": {"mission": "Nourrir la ville."},
    "offerings": {"offerings-0-kind": "service", "offerings-0-name": "Traiteur"},
    "places": {"address": "12, rue Neuve"},
    "capacity": {"lead_time_days": "12"},
    "contacts": {"phone": "450 555-0123"},
    "logo": {},
}


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_writes_its_own_fields_and_nothing_else(section, site, request):  # noqa: F811
    owner = somebody(request, "owner")
    address = reverse("directory:section", args=[owner.enterprise.slug, section])
    fill = SECTIONS[section] | {"faire": "envoyer"}
    if section == "logo":
        fill = {"fichier": File(encoded(picture()))}
    compare(owner, address, fill)


class File(SimpleUploadedFile):
    """One that may be sent more than once."""

    def __init__(self, content):
        super().__init__("logo.png", content, "image/png")

    def read(self, *args):
        self.seek(0)
        return super().read(*args)


def test_a_version_brings_back_what_is_ticked_and_nothing_else(request, enterprise, reference):
    curator = somebody(request, "curator")
    enterprise.history.update(history_date=F("history_date") - timedelta(days=3))
    enterprise.refresh_from_db()
    enterprise.mission = "Bâtir."
    enterprise.save()
    number = restoring.number(enterprise.history.earliest().history_date)
    address = reverse("directory:desk_restore", args=[enterprise.slug, number])
    compare(curator, address, {"reason": "coquille"})


def test_an_invitation_makes_of_one_what_it_says_and_nothing_else(member, enterprise, reference):
    InvitationFactory(enterprise=enterprise, email=member.user.email, role="editor", token="forge")
    compare(member, reverse("directory:invitation", args=["forge"]), {})


@pytest.mark.parametrize("name", ["account_login", "account_signup", "account_email"])
def test_a_code_does_what_it_is_for_and_nothing_else(name, member, request, reference):
    person = StrictClient() if name != "account_email" else member
    if name == "account_email":
        prove(member, member.user)
    email = "nouvelle@exemple.test" if name != "account_login" else member.user.email
    person.post(reverse(name), {"email": email, "name": "Neuve", "agreed": "on"})
    compare(person, reverse("account_code"), {"code": code_sent(email)})


#: Of an import, what is changed is changed in its own pages; of an act, nothing is.
CHANGED = [
    name
    for name, rights in IN_THE_ADMIN.items()
    if rights["change"] and name not in {"directory_importbatch", "directory_bulkact"}
]


@pytest.mark.parametrize("table", CHANGED)
def test_a_form_of_the_admin_writes_what_it_shows_and_nothing_else(table, site, request):  # noqa: F811
    person = somebody(request, "superuser")
    compare(person, site(f"admin:{table}_change"), {})


def test_each_address_that_takes_a_form_is_tried_or_says_why_it_is_not():
    taking = {
        name
        for name, (_get, post) in EXPECTED.items()
        if any(code not in {"405", "403", "404"} for code in re.findall(r"\d{3}", post)[1:])
        or post.split()[0] in {"200", "302"}
        and "405" not in post
    }
    tables = {
        f"admin:{table}_{action}"
        for table in IN_THE_ADMIN
        for action in ("change", "add", "delete", "changelist", "history", "object")
    }
    tried = {name for name, _who, _fill in FORMS} | ELSEWHERE.keys() | tables
    assert taking - tried == set()
    assert ELSEWHERE.keys() <= EXPECTED.keys()
