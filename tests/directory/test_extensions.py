import pytest
from django.utils.html import format_html

from directory.extensions import Registry, profile_panels
from tests.factories import EnterpriseFactory


@pytest.fixture
def panel():
    yield profile_panels.register
    profile_panels.entries.clear()


def test_a_panel_of_another_app_stands_on_the_profile(db, client, panel):
    enterprise = EnterpriseFactory(name="Coop <Été>", published=True)
    panel("calls", lambda request, shown: format_html("<p>Demandes pour {}</p>", shown.name))
    panel("nothing", lambda request, shown: "")
    page = client.get(enterprise.get_absolute_url()).content.decode()
    assert "<p>Demandes pour Coop &lt;Été&gt;</p>" in page


def test_what_a_panel_does_not_mark_safe_is_escaped(db, client, panel):
    panel("careless", lambda request, shown: "<script>alert(1)</script>")
    page = client.get(EnterpriseFactory(published=True).get_absolute_url()).content.decode()
    assert "&lt;script&gt;" in page


def test_two_functions_cannot_take_one_name():
    registry = Registry()
    registry.register("calls", lambda request, subject: "")
    with pytest.raises(ValueError, match="calls"):
        registry.register("calls", lambda request, subject: "")
