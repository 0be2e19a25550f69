"""What Django says, said again in config/locale: compiled, and still of use."""

import ast
import re
from gettext import GNUTranslations
from pathlib import Path

import django
import pytest
from django.conf import settings
from django.urls import reverse

FOLDER = Path(settings.LOCALE_PATHS[0]) / "fr_CA" / "LC_MESSAGES"
DJANGO = Path(django.__file__).parent
ENTRY = re.compile(r'^(msgid|msgid_plural|msgstr(?:\[\d\])?) (".*")$', re.MULTILINE)
FORMAT = re.compile(r"%\(\w+\)[sd]|%s|\{\w*\}")
DOMAINS = pytest.mark.parametrize("domain", ["django", "djangojs"])


def written(domain):
    """Each sentence of Django and what it becomes, a form at a time."""
    found, key = {}, None
    for word, text in ENTRY.findall((FOLDER / f"{domain}.po").read_text(encoding="utf-8")):
        text = ast.literal_eval(text)
        if word == "msgid":
            key = text
        elif word == "msgstr":
            found[key] = text
        elif word.startswith("msgstr["):
            found[key, int(word[7])] = text
    found.pop("", None)
    return found


def compiled(path):
    with path.open("rb") as file:
        return {key: text for key, text in GNUTranslations(file)._catalog.items() if key}


@DOMAINS
def test_a_catalogue_is_compiled_as_it_is_written(domain):
    assert compiled(FOLDER / f"{domain}.mo") == written(domain)


@DOMAINS
def test_every_sentence_said_again_is_one_that_django_says(domain):
    known = set()
    for path in DJANGO.glob(f"**/locale/fr/LC_MESSAGES/{domain}.mo"):
        known |= {key if isinstance(key, str) else key[0] for key in compiled(path)}
    said = {key if isinstance(key, str) else key[0] for key in written(domain)}
    assert said - known == set()


@DOMAINS
def test_what_is_said_again_holds_nothing_that_django_does_not_give(domain):
    for key, text in written(domain).items():
        sentence = key if isinstance(key, str) else key[0]
        assert set(FORMAT.findall(text)) <= set(FORMAT.findall(sentence)), text
        assert "'" not in text


def test_the_scripts_of_the_admin_speak_as_its_pages_do(curator):
    words = curator.get(reverse("admin:jsi18n")).content.decode()
    assert "%(sel)s\\u00a0sur %(cnt)s" in words
    assert "Janvier" in words  # Django's, for what we do not say again


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("enterprise_changelist", ["<h1>Entreprises</h1>", "Ajouter une entreprise"]),
        ("sector_changelist", ["<h1>Secteurs d’activité</h1>", "Ajouter un secteur d’activité"]),
        ("consentbasis_changelist", ["<h1>Consentements aux courriels</h1>"]),
        ("enterprise_add", ["<h1>Ajouter une entreprise</h1>"]),
    ],
)
def test_a_page_of_the_admin_says_plainly_what_it_is(page, said, curator):
    html = curator.get(reverse(f"admin:directory_{page}")).content.decode()
    for text in said:
        assert text in html


def test_the_page_of_a_listing_is_titled_by_its_name(curator, moderator, enterprise):
    address = reverse("admin:directory_enterprise_change", args=[enterprise.pk])
    title = f"<h1>Modifier «\xa0{enterprise}\xa0»</h1>"
    assert title in curator.get(address).content.decode()
    assert f"<h1>{enterprise}</h1>" in moderator.get(address).content.decode()


def test_the_header_names_the_person_not_their_address(curator):
    curator.user.name = "Clara Chênevert"
    curator.user.save()
    html = curator.get(reverse("admin:index")).content.decode()
    assert "<strong>Clara Chênevert</strong>" in html
    assert curator.user.email not in html
