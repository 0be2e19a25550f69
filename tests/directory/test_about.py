"""What the site says of itself, and what the law wants it to say."""

import html
import re
from datetime import date

import pytest
from cryptography.fernet import Fernet
from django.core.checks import run_checks

from directory import checks
from tests.factories import EnterpriseFactory, RecognitionFactory
from tests.sql import of_pages, recorded_sql

PAGES = ["/a-propos/", "/accessibilite/", "/confidentialite/"]
STATIC = PAGES[1:]


def text(response):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


@pytest.mark.parametrize("address", PAGES)
def test_a_demonstration_says_that_it_is_one(address, reference, client, settings):
    assert "Ceci est une démonstration" not in text(client.get(address))
    settings.DEMO = True
    assert "Ceci est une démonstration" in text(client.get(address))


@pytest.mark.parametrize("address", PAGES)
def test_each_page_says_where_to_write(address, reference, client, settings):
    settings.POLE_EMAIL = "bonjour@pole.example"
    assert text(client.get(address)).count("bonjour@pole.example") >= 2  # once in the footer


@pytest.mark.parametrize("address", STATIC)
def test_a_page_of_text_asks_nothing_of_the_database_and_is_kept(address, client):
    with recorded_sql() as statements:
        first = client.get(address)
        again = client.get(address, headers={"if-none-match": first.headers["ETag"]})
    assert of_pages(statements) == []
    assert first.headers["Cache-Control"] == "public, max-age=3600"
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.django_db
def test_a_page_of_text_that_changes_is_given_anew(client, settings):
    kept = {"if-none-match": client.get("/confidentialite/").headers["ETag"]}
    settings.PRIVACY_OFFICER_NAME = "Camille Fictive"
    assert client.get("/confidentialite/", headers=kept).status_code == 200


def test_the_figures_are_those_of_the_directory(reference, client):
    recognised = EnterpriseFactory(published=True, confirmed_on=None, confirmed_by="")
    RecognitionFactory(
        enterprise=recognised, recognised_on=date(2026, 1, 1), expires_on=date(2099, 1, 1)
    )
    EnterpriseFactory(published=True)
    EnterpriseFactory(name="Brouillon")
    context = client.get("/a-propos/").context
    assert (context["total"], context["recognised"]) == ("2", "1")
    with recorded_sql() as statements:
        client.get("/a-propos/")
    assert len(of_pages(statements)) == 1


class TestPrivacy:
    def test_it_names_the_officer(self, db, client, settings):
        settings.PRIVACY_OFFICER_NAME = "Camille Fictive"
        settings.PRIVACY_OFFICER_TITLE = "Direction générale"
        settings.PRIVACY_OFFICER_EMAIL = "camille@pole.example"
        said = text(client.get("/confidentialite/"))
        for word in ("Camille Fictive", "Direction générale", "camille@pole.example"):
            assert word in said
        assert "n’est pas encore inscrit" not in said

    def test_without_one_it_says_so_and_where_to_write(self, db, client, settings):
        settings.PRIVACY_OFFICER_NAME = settings.PRIVACY_OFFICER_EMAIL = ""
        settings.POLE_EMAIL = "bonjour@pole.example"
        said = text(client.get("/confidentialite/"))
        assert (
            "n’est pas encore inscrit ici ; en attendant, écrivez à : bonjour@pole.example" in said
        )
        assert "Commission d’accès à l’information" in said

    @pytest.mark.parametrize(
        ("days", "said"), [(0, ""), (1, "gardé 1 jour."), (30, "gardé 30 jours.")]
    )
    def test_it_says_how_long_the_log_is_kept_where_that_is_known(
        self, days, said, db, client, settings
    ):
        settings.LOG_DAYS = days
        page = text(client.get("/confidentialite/"))
        assert said in page
        assert ("journal est gardé" in page) == bool(days)

    def test_it_says_where_the_ground_of_the_map_comes_from(self, db, client, settings):
        settings.MAP_TILE_URL = ""
        assert "aucun autre site : ni statistiques" in text(client.get("/confidentialite/"))
        settings.MAP_TILE_URL = "https://tuiles.example/{z}/{x}/{y}.png"
        assert "vient de tuiles.example, qui reçoit votre adresse IP" in text(
            client.get("/confidentialite/")
        )

    def test_what_it_promises_of_readers_is_kept(self, reference, client, caplog):
        """No cookie, nothing from elsewhere, no address nor search in the log."""
        with caplog.at_level("INFO"):
            response = client.get("/entreprises/?q=canari", REMOTE_ADDR="203.0.113.77")
        assert not response.cookies
        policy = response.headers["Content-Security-Policy"]
        assert "http" not in policy
        assert response.headers["Referrer-Policy"] == "same-origin"
        assert "/entreprises/" in caplog.text
        assert "canari" not in caplog.text
        assert "203.0.113.77" not in caplog.text


class TestWhatProductionMustBeTold:
    @pytest.fixture(autouse=True)
    def production(self, settings):
        settings.DEMO = settings.DEBUG = False
        settings.SITE_URL = "https://www.repertoire.example"
        settings.PRIVACY_OFFICER_NAME = "Camille Fictive"
        settings.PRIVACY_OFFICER_TITLE = "Direction générale"
        settings.PRIVACY_OFFICER_EMAIL = "camille@pole.example"
        settings.EMAIL_HOST = "mail.repertoire.example"
        settings.FACTOR_KEYS = [Fernet.generate_key().decode()]

    def found(self):
        messages = run_checks(include_deployment_checks=True)
        return {message.id: message for message in messages if message.id.startswith("directory.")}

    def test_nothing_where_all_is_said(self):
        assert self.found() == {}

    @pytest.mark.parametrize("missing", ["NAME", "TITLE", "EMAIL"])
    def test_an_officer_who_is_not_wholly_named(self, missing, settings):
        setattr(settings, f"PRIVACY_OFFICER_{missing}", "")
        message = self.found()["directory.W001"]
        assert f"PRIVACY_OFFICER_{missing}: empty" in message.msg
        assert message.hint

    @pytest.mark.parametrize("address", ["", "http://www.repertoire.example"])
    def test_a_site_that_does_not_know_its_address(self, address, settings):
        settings.SITE_URL = address
        assert list(self.found()) == ["directory.W002"]

    def test_a_site_that_sends_no_mail(self, settings):
        settings.EMAIL_HOST = ""
        assert list(self.found()) == ["directory.W003"]

    def test_a_site_that_has_no_key_of_its_own_for_second_factors(self, settings):
        settings.FACTOR_KEYS = []
        assert list(self.found()) == ["directory.E004"]

    @pytest.mark.parametrize("mode", ["DEMO", "DEBUG"])
    def test_nothing_is_asked_of_a_demonstration_or_of_development(self, mode, settings):
        settings.SITE_URL = settings.PRIVACY_OFFICER_NAME = settings.EMAIL_HOST = ""
        settings.FACTOR_KEYS = []
        assert len(self.found()) == 4
        setattr(settings, mode, True)
        assert checks.privacy_officer(None) == checks.site_url(None) == []
        assert checks.mail_server(None) == checks.factor_keys_given(None) == []
