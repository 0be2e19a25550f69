"""The admin in the real browser: its scripts work under the content policy of the site."""

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from directory.models import Enterprise
from tests.factories import ContactFactory, EnterpriseFactory, OfferingFactory, UserFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.browser


@pytest.fixture
def desk(visit, live_server):
    """A window where a superuser is signed in."""
    client = Client()
    sign_in(client, UserFactory(is_staff=True, is_superuser=True))
    window = visit.window(viewport={"width": 1280, "height": 900})
    name = settings.SESSION_COOKIE_NAME
    cookie = {"name": name, "value": client.cookies[name].value, "url": live_server.url}
    window.context.add_cookies([cookie])
    return window


@pytest.fixture
def enterprise(reference):
    enterprise = EnterpriseFactory(name="L’Atelier d’Ève", published=True)
    OfferingFactory(enterprise=enterprise)
    ContactFactory(enterprise=enterprise)
    return enterprise


def test_no_page_of_the_admin_asks_for_what_the_policy_forbids(desk, enterprise):
    # One of each kind; the HTML of all the others is read by the client of the other tests.
    pages = [reverse("admin:index")]
    pages += [
        reverse(f"admin:{table}_changelist") for table in ("directory_sector", "directory_user")
    ]
    pages += [
        reverse(f"admin:{table}_add")
        for table in ("auth_group", "directory_offering", "directory_recognition", "directory_user")
    ]
    pages += [reverse("admin:directory_enterprise_changelist") + "?state__exact=published&q=eve"]
    for action in ("change", "delete", "history"):
        pages.append(reverse(f"admin:directory_enterprise_{action}", args=[enterprise.pk]))
    for page in pages:
        assert desk.goto(page).status == 200, page


def test_an_enterprise_is_edited_with_the_mouse(desk, enterprise):
    desk.goto(reverse("admin:directory_enterprise_change", args=[enterprise.pk]))
    # The city, found by typing.
    desk.click(".field-city .select2-selection")
    desk.fill(".select2-dropdown .select2-search__field", "chibou")
    desk.click(".select2-results__option:has-text('Chibougamau')")
    # One more offering, and a date from the calendar.
    desk.click("#offerings-group .add-row a")
    desk.select_option("#id_offerings-1-kind", "product")
    desk.fill("#id_offerings-1-name", "Confitures de camerises")
    desk.click(".field-confirmed_on .datetimeshortcuts a >> nth=0")
    # A sector, from the left box to the right one.
    desk.dblclick("#id_sectors_from option >> nth=0")
    desk.click("input[name=_continue] >> nth=0")
    desk.wait_for_selector(".messagelist .success")
    saved = Enterprise.objects.get(pk=enterprise.pk)
    assert saved.city.name == "Chibougamau"
    assert [row.name for row in saved.offerings.all()] == [
        "Boîtes à lunch pour réunions",
        "Confitures de camerises",
    ]
    assert saved.sectors.count() == 1
    assert saved.version == 2


def test_a_new_place_name_writes_its_own_address(desk):
    desk.goto(reverse("admin:directory_sector_add"))
    desk.locator("#id_name").press_sequentially("Forêt et bois")
    assert desk.input_value("#id_slug") == "foret-et-bois"
