import io
import itertools
import re

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import RequestFactory
from django.urls import reverse
from PIL import Image

from directory.models import (
    Benefit,
    CallUnderWay,
    City,
    Consent,
    Contact,
    Counter,
    Draft,
    DuplicatePair,
    Enterprise,
    ImportRow,
    Listing,
    Merge,
    Offering,
    ProfileVisits,
    PurchasingCategory,
    Recognition,
    Reference,
    Revision,
    SeededKey,
    Synonym,
    SynonymGroup,
    User,
)
from tests.factories import (
    BoroughFactory,
    CertificationFactory,
    CityFactory,
    ClaimFactory,
    ConsentBasisFactory,
    ContactFactory,
    EnterpriseBenefitFactory,
    EnterpriseFactory,
    ErrorReportFactory,
    InvitationFactory,
    MailFactory,
    OfferingFactory,
    PermitFactory,
    PhoneCallFactory,
    PurchasingCategoryFactory,
    RecognitionFactory,
    ReferenceFactory,
    ReminderFactory,
    RepresentativeFactory,
    RevisionFactory,
    UnsubscriptionFactory,
    UserFactory,
)
from tests.forms import filled
from tests.sql import recorded_sql

pytestmark = pytest.mark.usefixtures("reference")

MODELS = sorted(
    (model for model in admin.site._registry), key=lambda model: model._meta.label_lower
)
EACH_MODEL = pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label_lower)
SEARCHED = [model for model in MODELS if admin.site._registry[model].search_fields]

HOSTILE_TEXTS = [
    "'",
    '"',
    "\\",
    "%",
    "_",
    "%" * 60,
    "a & | ! ( ) < > : * -",
    "''; DROP TABLE directory_enterprise; --",
    "٣",
    "é" * 200,
    "\ufeff\u202e\u200d🦫",
    "-1",
    str(2**63),
    "9" * 3000,
    "( " * 900,
    "<script>alert(1)</script>",
]
HOSTILE_NUMBERS = ["", "-1", "abc", "٣", str(2**63), "9" * 3000]


def page(model, action, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{action}", args=args)


@pytest.fixture
def one_of_each(superuser):
    """At least one row in every table the admin shows."""
    enterprise = EnterpriseFactory(name="L’Atelier <b>d’Ève</b>", published=True)
    for factory in (
        OfferingFactory,
        ContactFactory,
        CertificationFactory,
        EnterpriseBenefitFactory,
        PermitFactory,
        ReferenceFactory,
        RecognitionFactory,
        RepresentativeFactory,
        ClaimFactory,
        InvitationFactory,
        ConsentBasisFactory,
        PhoneCallFactory,
        ReminderFactory,
    ):
        factory(enterprise=enterprise)
    MailFactory()
    UnsubscriptionFactory()
    Group.objects.create(name="Bénévoles")
    return enterprise


# Of a counter there is nothing to read: not what, nor who. The others have pages of their own.
ELSEWHERE = {
    CallUnderWay, Consent, Counter, Draft, DuplicatePair, ImportRow, Merge, ProfileVisits,
    Revision,
}  # fmt: skip


def test_every_table_of_the_directory_is_in_the_admin():
    tables = {
        model
        for model in apps.get_app_config("directory").get_models()
        if model not in ELSEWHERE and not model.__name__.startswith("Historical")
    }
    assert tables <= set(admin.site._registry)


def test_the_admin_speaks_french_under_its_own_name(superuser):
    html = superuser.get(reverse("admin:index")).content.decode()
    assert "Répertoire – administration" in html
    assert "Django" not in html
    assert "catégories d’achat" in html.lower()


# --- Lists (test_access.py opens every page of every table)


def test_a_form_opens_in_a_small_window_too(superuser):
    for model in (Enterprise, User):
        assert superuser.get(page(model, "add") + "?_popup=1").status_code == 200


def test_a_list_asks_as_much_of_the_database_however_long_it_is(one_of_each, superuser):
    def asked():
        counts = {}
        for model in MODELS:
            with recorded_sql() as statements:
                assert superuser.get(page(model, "changelist")).status_code == 200
            counts[model] = len(statements)
        return counts

    few = asked()
    codes = ["58227", "58007", "66023", "23027", "01023", "99095", "87120", "58012"]
    for number, code in enumerate(codes, start=1):
        city = CityFactory(code=code)
        enterprise = EnterpriseFactory(city=city, published=True)
        OfferingFactory(
            enterprise=enterprise, category=PurchasingCategoryFactory(slug=f"s{number}")
        )
        for factory in (
            ContactFactory,
            CertificationFactory,
            EnterpriseBenefitFactory,
            PermitFactory,
            ReferenceFactory,
            ConsentBasisFactory,
            PhoneCallFactory,
            ReminderFactory,
        ):
            factory(enterprise=enterprise)
        MailFactory()
        UnsubscriptionFactory(email=f"a{number}@exemple.test")
        RecognitionFactory(enterprise=enterprise, reviewer=UserFactory())
        BoroughFactory(city=city)
    many = asked()
    assert many == few
    assert max(many.values()) <= 15


def test_the_page_of_a_listing_asks_as_much_of_the_database_however_much_it_holds(
    one_of_each, superuser
):
    address = page(Enterprise, "change", one_of_each.pk)

    def asked():
        with recorded_sql() as statements:
            html = superuser.get(address).content.decode()
        return len(statements), html.count("inline-related")

    asked()  # what a process keeps is then kept
    few, rows = asked()
    for number in range(6):
        category = PurchasingCategoryFactory(slug=f"s{number}")
        OfferingFactory(enterprise=one_of_each, category=category)
        CertificationFactory(enterprise=one_of_each, number=f"EI-1{number}")
        EnterpriseBenefitFactory(enterprise=one_of_each, benefit=Benefit.objects.all()[number + 1])
        ReferenceFactory(enterprise=one_of_each)
    many, more = asked()
    assert more >= rows + 6
    assert many == few
    assert many <= 25


def test_the_page_of_a_listing_says_what_awaits_a_decision_about_it(
    superuser, curator, facilitator
):
    enterprise = EnterpriseFactory(name="La Ruche", published=True)
    address = page(Enterprise, "change", enterprise.pk)
    assert "attend une décision" not in superuser.get(address).content.decode()
    ErrorReportFactory(enterprise=enterprise)
    ErrorReportFactory(enterprise=EnterpriseFactory())
    RevisionFactory(enterprise=enterprise)
    RevisionFactory(enterprise=enterprise, state="applied")  # on line, to be read again
    desk = f"{reverse('directory:desk')}?entreprise={enterprise.slug}&amp;sorte="
    html = superuser.get(address).content.decode()
    assert "2 demandes attendent une décision pour cette entreprise" in html
    assert f'href="{desk}erreurs">Erreurs signalées\xa0: 1</a>' in html
    assert f'href="{desk}modifications">Modifications à décider\xa0: 1</a>' in html
    back = change(superuser, enterprise, slug="autre-adresse", neq="1").content.decode()
    assert f'href="{desk}erreurs">' in back
    # Each is told of what is theirs to decide.
    html = curator.get(address).content.decode()
    assert "1 demande attend une décision pour cette entreprise" in html
    assert "modifications" not in html.partition("</section>")[0]
    assert desk not in facilitator.get(address).content.decode()


def test_what_awaits_is_one_statement_however_much_awaits(superuser):
    enterprise = EnterpriseFactory(published=True)
    address = page(Enterprise, "change", enterprise.pk)

    def asked():
        with recorded_sql() as statements:
            assert superuser.get(address).status_code == 200
        return len(statements)

    asked()
    nothing = asked()
    for _ in range(3):
        ErrorReportFactory(enterprise=enterprise)
        RevisionFactory(enterprise=enterprise)
    assert asked() == nothing


def test_a_listing_begins_by_the_list_of_its_parts(one_of_each, superuser):
    for address in (page(Enterprise, "add"), page(Enterprise, "change", one_of_each.pk)):
        html = superuser.get(address).content.decode()
        contents = html.partition('<nav class="contents"')[2].partition("</nav>")[0]
        links = re.findall(r'href="#([^"]+)">([^<]+)<', contents)
        assert len(links) == 13
        for target, _name in links:
            assert f'id="{target}"' in html
    names = [name for _target, name in links]
    assert names[0] == "Identité"
    assert "Personnes-ressources (1)" in names


def test_numbers_of_lists_are_written_as_in_french(superuser):
    City.objects.filter(code="58227").update(population=260_000)
    ReferenceFactory(amount=1_250_000)
    found = superuser.get(page(City, "changelist"), {"q": "longueuil"}).content.decode()
    assert "260\xa0000" in found
    assert "1\xa0113 en tout" in found
    assert "1\xa0250\xa0000\xa0$" in superuser.get(page(Reference, "changelist")).content.decode()
    nothing = superuser.get(page(City, "changelist"), {"q": "zzzz"})
    assert nothing.context["cl"].found == "0\xa0municipalité"


# --- Hostile input


@pytest.mark.parametrize("model", SEARCHED, ids=lambda model: model._meta.label_lower)
def test_a_search_box_survives_anything(model, superuser):
    address = page(model, "changelist")
    for text in ("".join(HOSTILE_TEXTS)[:200], "9" * 3000):
        assert superuser.get(address, {"q": text}).status_code == 200, text
    for text, status in (("?q=a%00b", 400), ("?q=%ff", 400), ("?q=" + "9" * 5000, 414)):
        assert superuser.get(address + text).status_code == status
    request, options = RequestFactory().get("/"), admin.site._registry[model]
    for text in HOSTILE_TEXTS:
        rows, _ = options.get_search_results(request, model._default_manager.all(), text)
        rows.count()


def test_every_combination_of_metacharacters_can_be_searched(superuser):
    options = admin.site._registry[Enterprise]
    request = RequestFactory().get("/")
    for length in (1, 2):
        for characters in itertools.product("'\":*&|!()<>\\-%_", repeat=length):
            rows, _ = options.get_search_results(
                request, Enterprise.objects.all(), "".join(characters)
            )
            assert list(rows) == []


def parameter_of(model, name):
    """What an address calls a filter: by a field, by whether a field is empty, or one of ours."""
    if isinstance(name, tuple):
        return f"{name[0]}__isempty"
    if not isinstance(name, str):
        return name.parameter_name
    related = model._meta.get_field(name.split("__")[0]).is_relation
    return f"{name}__id__exact" if related else f"{name}__exact"


FILTERED = [
    (model, parameter_of(model, name))
    for model in MODELS
    for name in admin.site._registry[model].list_filter
]


@pytest.mark.parametrize(
    ("model", "parameter"), FILTERED, ids=[f"{model.__name__}-{name}" for model, name in FILTERED]
)
def test_a_filter_survives_any_value(model, parameter, superuser):
    for value in HOSTILE_NUMBERS:
        response = superuser.get(page(model, "changelist"), {parameter: value})
        # 302: back to the list, with a sentence that says the filter means nothing.
        assert response.status_code in {200, 302}, value


@pytest.mark.parametrize("name", ["p", "o", "all", "e", "_facets", "_popup", "_to_field"])
def test_a_list_survives_any_parameter(name, superuser):
    for value in HOSTILE_NUMBERS:
        response = superuser.get(page(Enterprise, "changelist"), {name: value})
        assert response.status_code in {200, 302, 400}, value


def test_no_parameter_reads_what_the_list_does_not_show(superuser):
    response = superuser.get(page(User, "changelist"), {"password__startswith": "md5"})
    assert response.status_code == 400


@EACH_MODEL
@pytest.mark.parametrize("action", ["change", "delete", "history"])
def test_a_row_that_does_not_exist_is_said_so(model, action, superuser):
    for key in ("0", "-1", "abc", "1e3", str(2**63), "9" * 3000, "%ff"):
        address = page(model, action, "KEY").replace("KEY", key)
        assert superuser.get(address).status_code in {302, 400, 403, 404}, key


@EACH_MODEL
def test_a_form_survives_whatever_its_address_says_of_its_fields(model, superuser):
    address = page(model, "add")
    if superuser.get(address).status_code == 403:
        return  # of what the site writes itself
    names = [field.name for field in model._meta.get_fields()] + ["inconnu"]
    for value in ("abc", "-1", "1,abc", "0", str(2**63), "9" * 20, "[" * 10, "é", "null", "{}"):
        response = superuser.get(address, dict.fromkeys(names, value))
        assert response.status_code == 200, value
    for value in ("abc", "id", ""):
        response = superuser.get(address, {"_popup": value, "_to_field": value})
        assert response.status_code in {200, 400}, value


FORGED_KEYS = ["abc", "1,2", "-1", "9" * 5000, "a\0b"]


@EACH_MODEL
def test_forged_keys_are_mistakes_of_a_form_and_no_rows_of_a_list(model, one_of_each, superuser):
    names = [field.name for field in model._meta.get_fields()]
    addresses = [page(model, "add")]
    if row := model._default_manager.first():
        addresses.append(page(model, "change", row.pk))
    for value in FORGED_KEYS:
        for address in addresses:
            response = superuser.post(address, dict.fromkeys(names, value))
            assert response.status_code in {200, 302, 403}, (address, value)
    for action in ("delete_selected", "publish", "give_sector", "remove_factors"):
        response = superuser.post(
            page(model, "changelist"),
            {"action": action, "index": "0", "_selected_action": FORGED_KEYS},
        )
        assert response.status_code in {200, 302, 403}, action


def test_a_forged_key_among_the_rows_of_a_form_is_a_mistake(one_of_each, superuser):
    for value in FORGED_KEYS:
        forged = {"offerings-0-category": value, "city": value, "served_cities": value}
        assert change(superuser, one_of_each, **forged).status_code == 200, value


def test_an_identifier_that_postgresql_cannot_hold_is_a_mistake(one_of_each, superuser):
    for value in ('{"a": 1e400}', '{"a": "\\ud800"}', f'{{"a": {"9" * 5000}}}'):
        assert change(superuser, one_of_each, external_ids=value).status_code == 200, value


def test_a_form_is_still_filled_by_its_address(superuser):
    city = CityFactory(code="58007")
    response = superuser.get(
        page(Enterprise, "add"), {"name": "Neuve", "city": city.pk, "served_cities": f"{city.pk}"}
    )
    form = response.context["adminform"].form
    assert (form["name"].value(), int(form["city"].value())) == ("Neuve", city.pk)
    assert form["served_cities"].value() == [str(city.pk)]


INLINES = [
    (model, number)
    for model in MODELS
    for number, inline in enumerate(admin.site._registry[model].inlines)
]


@pytest.mark.parametrize(
    ("model", "number"), INLINES, ids=[f"{model.__name__}-{number}" for model, number in INLINES]
)
def test_ten_thousand_forged_rows_are_refused_in_words(model, number, superuser):
    if model is Enterprise:
        row = EnterpriseFactory()
    elif model is City:
        row = CityFactory()
    else:
        row = SynonymGroup.objects.create(name="essai")
    address = page(model, "change", row.pk)
    opened = superuser.get(address)
    formset = opened.context["inline_admin_formsets"][number].formset
    sent = filled(opened, f"{model._meta.model_name}_form")
    before = {one.model: one.model.objects.count() for one in
              (inline.formset for inline in opened.context["inline_admin_formsets"])}  # fmt: skip
    response = superuser.post(address, sent | {f"{formset.prefix}-TOTAL_FORMS": "10000"})
    assert response.status_code == 200
    assert f"Gardez au plus {formset.max_num} lignes." in response.content.decode()
    again = response.context["inline_admin_formsets"][number].formset
    assert len(again.forms) <= 2 * formset.max_num
    assert before == {model: model.objects.count() for model in before}
    # With all that they would hold, they are not read at all.
    many = {f"{formset.prefix}-{n}-id": "" for n in range(10_000)}
    assert superuser.post(address, sent | many).status_code == 400


def test_what_the_site_keeps_for_itself_is_not_in_the_menu(superuser):
    html = superuser.get(reverse("admin:index")).content.decode()
    for model in (Listing, SeededKey):
        assert page(model, "changelist") not in html
        assert superuser.get(page(model, "changelist")).status_code == 200


def test_the_address_of_a_listing_is_not_taken_for_that_of_the_enterprise(superuser):
    html = superuser.get(page(Enterprise, "add")).content.decode()
    assert re.search(r'<label[^>]*for="id_slug"[^>]*>Adresse de la fiche', html)


def test_the_suggestions_survive_anything(superuser):
    known = {"app_label": "directory", "model_name": "enterprise", "field_name": "city"}
    address = reverse("admin:autocomplete")
    assert superuser.get(address, known | {"term": "longueuil"}).json()["results"]
    for text in HOSTILE_TEXTS:
        assert superuser.get(address, known | {"term": text}).status_code == 200
    for number in HOSTILE_NUMBERS:
        answer = superuser.get(address, known | {"term": "", "page": number})
        assert answer.status_code in {200, 404}
    for name in known:
        assert superuser.get(address, known | {name: "x" * 500}).status_code == 403


def test_what_people_write_is_shown_as_text(one_of_each, superuser):
    name = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    enterprise = EnterpriseFactory(name=name, slug="attaque")
    for address in (
        page(Enterprise, "changelist"),
        page(Enterprise, "change", enterprise.pk),
        page(Enterprise, "delete", enterprise.pk),
        page(Offering, "add"),
    ):
        html = superuser.get(address).content.decode()  # the client refuses inline code
        assert "<img src=x" not in html


def test_identifiers_elsewhere_are_written_a_line_each(one_of_each, superuser):
    one_of_each.external_ids = {"akcelos": "https://akcelos.example/x"}
    one_of_each.save()
    address = page(Enterprise, "change", one_of_each.pk)
    sent = filled(superuser.get(address), "enterprise_form")
    assert sent["external_ids"] == ["akcelos\xa0: https://akcelos.example/x"]
    superuser.post(address, sent | {"external_ids": "akcelos: 12\r\n\r\nGuide d’achat : n° 3:4"})
    one_of_each.refresh_from_db()
    assert one_of_each.external_ids == {"akcelos": "12", "Guide d’achat": "n° 3:4"}
    assert one_of_each.provenance["akcelos"] == Enterprise.Source.STAFF
    sent = filled(superuser.get(address), "enterprise_form")
    response = superuser.post(address, sent | {"external_ids": "akcelos : 1\nakcelos : 2"})
    assert "un identifiant par ligne" in response.content.decode()
    assert "akcelos : 1\nakcelos : 2" in response.content.decode()
    superuser.post(address, sent | {"external_ids": ""})
    one_of_each.refresh_from_db()
    assert one_of_each.external_ids == {}


def test_who_may_only_read_identifiers_finds_no_json_either(moderator):
    enterprise = EnterpriseFactory(published=True)
    enterprise.external_ids = {"akcelos": "12", "guide": "<b>3</b>"}
    enterprise.save()
    html = moderator.get(page(Enterprise, "change", enterprise.pk)).content.decode()
    assert "guide\xa0: &lt;b&gt;3&lt;/b&gt;<br>akcelos\xa0: 12" in html
    assert "Identifiants ailleurs" in html
    assert "{&quot;" not in html


def test_identifiers_that_no_one_touches_stay_as_they_are(one_of_each, superuser):
    kept = {"registre": {"numéro": 3, "pages": [1, 2]}}
    one_of_each.external_ids = kept
    one_of_each.save()
    assert change(superuser, one_of_each, mission="Nourrir.").status_code == 302
    one_of_each.refresh_from_db()
    assert (one_of_each.mission, one_of_each.external_ids) == ("Nourrir.", kept)


def test_what_no_line_can_say_stays_while_lines_change(one_of_each, superuser):
    apart = {"registre": {"numéro": 3}, "suite": "un\ndeux", "b:c": "x"}
    one_of_each.external_ids = apart | {"n° 4 (ancien)/2": "12"}
    one_of_each.save()
    address = page(Enterprise, "change", one_of_each.pk)
    sent = filled(superuser.get(address), "enterprise_form")
    assert sent["external_ids"] == ["n° 4 (ancien)/2\xa0: 12"]
    superuser.post(address, sent | {"external_ids": "n° 4 (ancien)/2 : 13\nakcelos : 5"})
    one_of_each.refresh_from_db()
    assert one_of_each.external_ids == apart | {"n° 4 (ancien)/2": "13", "akcelos": "5"}


def test_lines_joined_into_one_are_a_change(one_of_each, superuser):
    one_of_each.external_ids = {"akcelos": "1", "guide": "2"}
    one_of_each.save()
    assert change(superuser, one_of_each, external_ids="akcelos : 1 guide : 2").status_code == 302
    one_of_each.refresh_from_db()
    assert one_of_each.external_ids == {"akcelos": "1 guide : 2"}


def test_an_identifier_with_a_nul_inside_is_a_mistake_not_a_breakdown(one_of_each, superuser):
    address = page(Enterprise, "change", one_of_each.pk)
    sent = filled(superuser.get(address), "enterprise_form")
    for wrong in (
        "akcelos https://akcelos.example/x",
        '{"akcelos": "\\u0000"}',
        "akcelos: a\0b",
        "akcelos:",
        "[1]",
        '"texte"',
        "{",
        "[" * 50_000,
    ):
        response = superuser.post(address, sent | {"external_ids": wrong})
        assert response.status_code == 200, wrong
        assert response.context["adminform"].form.errors["external_ids"]


# --- Searching


@pytest.mark.parametrize(
    "asked",
    ["ecole", "ÉCOLE", "l'ecole", "1142 345 678", "450 555-0123", "(450) 555 0123", "brossard"],
)
def test_staff_find_an_enterprise_however_they_type(asked, superuser):
    found = EnterpriseFactory(
        name="L’École buissonnière",
        neq="1142345678",
        phone="+14505550123",
        city=CityFactory(code="58007"),
    )
    EnterpriseFactory(name="Autre chose")
    response = superuser.get(page(Enterprise, "changelist"), {"q": asked})
    assert list(response.context["cl"].result_list) == [found]


def test_names_are_listed_as_a_dictionary_has_them(superuser):
    def names(**asked):
        response = superuser.get(page(Enterprise, "changelist"), asked)
        return [row.name for row in response.context["cl"].result_list]

    in_order = ["école", "Éditions", "Érable", "Œuvre", "Verger", "Zoé"]
    for number, name in enumerate(["Verger", "Érable", "Zoé", "école", "Éditions", "Œuvre"]):
        EnterpriseFactory(name=name, slug=f"ordre-{number}")
    assert names() == in_order
    assert names(o="1") == in_order
    assert names(o="-1") == in_order[::-1]
    cities = superuser.get(page(City, "changelist"), {"q": "ec"}).context["cl"].queryset
    assert "fold" in str(cities.query.order_by)
    offerings = superuser.get(page(Offering, "changelist"), {"o": "4"}).context["cl"].queryset
    assert offerings.query.order_by[0] == "enterprise__name__fold"


# --- Writing


def change(client, row, **values):
    model = type(row)
    address = page(model, "change", row.pk)
    sent = filled(client.get(address), f"{model._meta.model_name}_form")
    return client.post(address, sent | values)


UNSEEN = "\x07\x1b\ufffe\u202e"


def test_what_no_reader_sees_is_not_kept(one_of_each, superuser):
    sent = {"name": f"Ate{UNSEEN}lier", "mission": f"Nourrir.{UNSEEN}\r\nLoger."}
    more = {"website": f"https://exemple.org/{UNSEEN}", "other_names": f"Ève{UNSEEN},Lo"}
    child = {"offerings-0-name": f"Buf{UNSEEN}fets"}
    assert change(superuser, one_of_each, **sent, **more, **child).status_code == 302
    one_of_each.refresh_from_db()
    assert (one_of_each.name, one_of_each.mission) == ("Atelier", "Nourrir.\nLoger.")
    assert (one_of_each.website, one_of_each.other_names) == ("https://exemple.org/", ["Ève", "Lo"])
    assert one_of_each.offerings.get().name == "Buffets"


def test_each_save_of_an_enterprise_counts_as_a_version(one_of_each, superuser):
    assert change(superuser, one_of_each, mission="Nourrir.").status_code == 302
    one_of_each.refresh_from_db()
    assert (one_of_each.mission, one_of_each.version) == ("Nourrir.", 2)
    assert change(superuser, one_of_each, **{"contacts-0-function": "Ventes"}).status_code == 302
    one_of_each.refresh_from_db()
    assert one_of_each.version == 3
    assert one_of_each.contacts.get().function == "Ventes"


def test_a_change_made_meanwhile_is_never_overwritten(one_of_each, superuser):
    address = page(Enterprise, "change", one_of_each.pk)
    sent = filled(superuser.get(address), "enterprise_form")
    change(superuser, one_of_each, mission="Celle de l’autre.")
    response = superuser.post(address, sent | {"mission": "La mienne.", "contacts-0-name": "Moi"})
    assert response.status_code == 200
    assert "modifiée depuis que vous l’avez ouverte" in response.content.decode()
    one_of_each.refresh_from_db()
    assert one_of_each.mission == "Celle de l’autre."
    assert one_of_each.contacts.get().name == "Aïcha Fictive"
    # Sending the same form again does not force it through.
    again = filled(response, "enterprise_form")
    assert superuser.post(address, again | {"mission": "La mienne."}).status_code == 200


def test_a_form_without_the_version_it_saw_saves_nothing(one_of_each, superuser):
    response = change(superuser, one_of_each, mission="X", seen_version="")
    assert response.status_code == 200
    one_of_each.refresh_from_db()
    assert one_of_each.mission == ""


def test_a_child_written_on_its_own_page_counts_for_its_enterprise(one_of_each, superuser):
    offering = one_of_each.offerings.get()
    assert change(superuser, offering, name="Buffets froids").status_code == 302
    one_of_each.refresh_from_db()
    assert one_of_each.version == 2

    other = EnterpriseFactory()
    assert change(superuser, offering, enterprise=other.pk).status_code == 302
    one_of_each.refresh_from_db()
    other.refresh_from_db()
    assert (one_of_each.version, other.version) == (3, 2)

    superuser.post(page(Offering, "delete", offering.pk), {"post": "yes"})
    other.refresh_from_db()
    assert other.version == 3

    contacts = [contact.pk for contact in Contact.objects.all()]
    superuser.post(
        page(Contact, "changelist"),
        {"action": "delete_selected", "_selected_action": contacts, "post": "yes"},
    )
    one_of_each.refresh_from_db()
    assert (Contact.objects.count(), one_of_each.version) == (0, 4)


def test_an_enterprise_written_in_full_is_published_where_its_postal_code_says(superuser):
    address = page(Enterprise, "add")
    sent = filled(superuser.get(address), "enterprise_form")
    sent |= {
        "name": "Fermette urbaine",
        "other_names": "La Fermette, FU",
        "slug": "fermette-urbaine",
        "neq": "",
        "legal_form": "npo",
        "city": CityFactory().pk,
        "postal_code": "J4K 1A1",
        "state": "published",
        "languages": "français,anglais",
        "recognitions-TOTAL_FORMS": "1",
        "recognitions-0-criteria": Recognition.Criterion.values,
        "recognitions-0-evidence": "Statuts et états financiers",
        "recognitions-0-recognised_on": "2026-02-01",
        "recognitions-0-expires_on": "2029-02-01",
    }
    response = superuser.post(address, sent)
    assert response.status_code == 302, response.context["errors"]
    enterprise = Enterprise.objects.get(slug="fermette-urbaine")
    assert enterprise.other_names == ["La Fermette", "FU"]
    assert (enterprise.geo_precision, enterprise.neq, enterprise.version) == ("fsa", None, 1)
    assert enterprise.published_on
    assert enterprise.recognitions.get().reviewer == superuser.user
    assert Listing.objects.filter(pk=enterprise.pk).exists()


def test_a_broken_rule_is_explained_beside_the_form(one_of_each, superuser):
    address = page(Enterprise, "change", one_of_each.pk)
    sent = filled(superuser.get(address), "enterprise_form")
    for values, said in (
        ({"state": "archived"}, "dit au public pourquoi"),
        ({"neq": "123"}, "10 chiffres"),
        ({"phone": "555-0123"}, "dix chiffres"),
        ({"smallest_order": "10", "largest_order": "5"}, "ne dépasse pas la plus grande"),
        ({"founded_year": "20"}, "entre 1800 et 2100"),
        ({"slug": "l’atelier"}, "slug"),
    ):
        response = superuser.post(address, sent | values)
        assert response.status_code == 200, values
        assert said in response.content.decode(), values


def test_a_recognition_without_all_six_criteria_is_refused(one_of_each, superuser):
    recognition = one_of_each.recognitions.get()
    response = change(superuser, recognition, criteria=["needs"])
    assert "remplit les six critères" in response.content.decode()


def test_words_are_reordered_and_retired_from_their_list(superuser):
    address = page(PurchasingCategory, "changelist")
    sent = filled(superuser.get(address), "changelist-form")
    sent |= {"form-0-position": "999", "form-0-retired": "on", "_save": "1"}
    assert superuser.post(address, sent).status_code == 302
    assert PurchasingCategory.objects.get(position=999).retired


def test_what_is_written_in_a_list_says_what_it_is(superuser):
    html = superuser.get(page(PurchasingCategory, "changelist")).content.decode()
    for name in ("position", "retired"):
        (field,) = re.findall(rf'<input[^>]*name="form-0-{name}"[^>]*>', html)
        assert 'aria-label="' in field


def test_a_new_group_of_synonyms_comes_with_its_terms(superuser):
    address = page(SynonymGroup, "add")
    sent = filled(superuser.get(address), "synonymgroup_form")
    sent |= {"name": "neige", "terms-0-term": "poudrerie"}
    assert superuser.post(address, sent).status_code == 302
    assert Synonym.objects.filter(group__name="neige", term="poudrerie").exists()


@pytest.mark.parametrize("model", [Listing, SeededKey])
def test_what_the_site_writes_itself_is_only_looked_at(model, one_of_each, superuser):
    key = model.objects.order_by("pk").values_list("pk", flat=True).first()
    assert superuser.get(page(model, "add")).status_code == 403
    assert superuser.post(page(model, "change", key), {}).status_code == 403


# --- Rights


@pytest.fixture
def people_keeper(staff):
    """Staff who may add and change people, and nothing more."""
    staff.user.user_permissions.set(
        Permission.objects.filter(
            codename__in=["view_user", "add_user", "change_user", "delete_user"]
        )
    )
    return staff


def test_no_one_makes_a_superuser_but_a_superuser(people_keeper):
    someone = UserFactory()
    rights = {"is_staff": "on", "is_superuser": "on", "user_permissions": [1], "groups": []}
    assert change(people_keeper, someone, name="Nouveau nom", **rights).status_code == 302
    someone.refresh_from_db()
    assert someone.name == "Nouveau nom"
    assert not someone.is_staff
    assert not someone.is_superuser
    assert not someone.user_permissions.exists()


def test_the_account_of_a_colleague_or_superuser_is_out_of_reach(people_keeper):
    for target in (UserFactory(is_superuser=True), UserFactory(is_staff=True), people_keeper.user):
        before = target.email
        address = page(User, "change", target.pk)
        response = people_keeper.post(address, {"email": "vol@exemple.test", "is_active": "on"})
        assert response.status_code == 403
        assert (
            people_keeper.post(page(User, "delete", target.pk), {"post": "yes"}).status_code == 403
        )
        people_keeper.post(
            page(User, "changelist"),
            {"action": "delete_selected", "_selected_action": [target.pk], "post": "yes"},
        )
        target.refresh_from_db()
        assert target.email == before


@pytest.mark.parametrize("keeper", ["people_keeper", "superuser"])
def test_nobody_but_its_owner_changes_the_address_of_an_account(keeper, request):
    keeper = request.getfixturevalue(keeper)
    someone = UserFactory(email="avant@exemple.test", name="Avant")
    html = keeper.get(page(User, "change", someone.pk)).content.decode()
    assert "change elle-même son adresse" in html
    assert 'name="email"' not in html
    sent = {"email": "voleuse@exemple.test", "name": "Après", "is_active": "on"}
    assert change(keeper, someone, **sent).status_code == 302
    someone.refresh_from_db()
    assert (someone.email, someone.name) == ("avant@exemple.test", "Après")


def test_a_person_added_by_hand_has_no_password(people_keeper):
    address = page(User, "add")
    sent = filled(people_keeper.get(address), "user_form")
    sent |= {"email": "Nouvelle@Exemple.test", "name": "Nouvelle"}
    assert people_keeper.post(address, sent).status_code == 302
    person = User.objects.get(email="nouvelle@exemple.test")
    assert not person.has_usable_password()


# --- Somebody who can do everything is always left


@pytest.fixture
def only(superuser):
    return User.objects.get(is_superuser=True)


def test_the_last_superuser_keeps_their_rights(only, superuser):
    for box in ("is_superuser", "is_active"):
        sent = filled(superuser.get(page(User, "change", only.pk)), "user_form")
        del sent[box]
        response = superuser.post(page(User, "change", only.pk), sent)
        assert "il ne resterait personne" in response.content.decode()
    response = superuser.post(page(User, "delete", only.pk), {"post": "yes"}, follow=True)
    assert "il ne resterait personne" in response.content.decode()
    only.refresh_from_db()
    assert only.is_superuser
    assert only.is_active


def test_accounts_are_closed_all_or_none(only, superuser):
    member = UserFactory()
    data = {
        "action": "delete_selected",
        "_selected_action": [member.pk, only.pk],
        "post": "yes",
    }
    response = superuser.post(page(User, "changelist"), data, follow=True)
    assert "il ne resterait personne" in response.content.decode()
    assert User.objects.filter(pk=member.pk).exists()
    UserFactory(is_superuser=True, is_staff=True)
    superuser.post(page(User, "changelist"), data)
    assert not User.objects.filter(pk=member.pk).exists()


# --- A part on its own page


def test_a_part_changed_meanwhile_is_never_overwritten(one_of_each, superuser):
    for row in (one_of_each.offerings.get(), one_of_each.recognitions.get()):
        address = page(type(row), "change", row.pk)
        sent = filled(superuser.get(address), f"{row._meta.model_name}_form")
        change(superuser, one_of_each, **{"offerings-0-name": f"De l’autre {row.pk}"})
        response = superuser.post(address, sent)
        assert "modifiée depuis que vous l’avez ouverte" in response.content.decode()
    assert one_of_each.offerings.get().name.startswith("De l’autre")


# --- Logos


def test_a_logo_given_by_staff_is_drawn_anew(one_of_each, superuser):
    exif = Image.Exif()
    exif.get_ifd(0x8825)[2] = (45.0, 30.0, 0.0)
    content = io.BytesIO()
    Image.new("RGB", (600, 300), "teal").save(content, "JPEG", exif=exif)
    script = b"<script>alert(1)</script>"
    file = SimpleUploadedFile("logo.jpg", content.getvalue() + script, "image/jpeg")
    assert change(superuser, one_of_each, logo=file).status_code == 302
    one_of_each.refresh_from_db()
    with default_storage.open(one_of_each.logo.name) as drawn:
        kept = drawn.read()
    assert script not in kept
    with Image.open(io.BytesIO(kept)) as image:
        assert (image.format, image.size, dict(image.getexif())) == ("WEBP", (400, 200), {})
    for bad in (b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"rien"):
        file = SimpleUploadedFile("logo.png", bad, "image/png")
        response = change(superuser, one_of_each, logo=file)
        assert "pas une image PNG, JPEG ou WebP lisible" in response.content.decode()
    name = one_of_each.logo.name
    one_of_each.refresh_from_db()
    assert one_of_each.logo.name == name
    default_storage.delete(name)
