"""What holds the parts of the repository together, and the French of its pages."""

import ast
import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.template import TemplateDoesNotExist, engines
from django.template.base import Lexer, TokenType

from tests.test_access import NAMES

ROOT = Path(settings.BASE_DIR)
FOLDER = ROOT / "templates"
TEMPLATES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.glob("**/*") if path.is_file())
PYTHON = sorted(
    path for app in ("config", "directory", "procurement") for path in ROOT.glob(f"{app}/**/*.py")
)
USES = re.compile(r"{%\s*(?:include|extends)\s+[\"']([^\"']+)[\"']")
ADDRESSES = re.compile(r"{%\s*url\s+[\"']([^\"']+)[\"']")


def source(template):
    return (FOLDER / template).read_text(encoding="utf-8")


# --- Templates


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_compiles_and_finds_what_it_names(template):
    engines["django"].get_template(template)
    for used in USES.findall(source(template)):
        try:
            engines["django"].get_template(used)
        except TemplateDoesNotExist:
            pytest.fail(f"{template} uses {used}, which does not exist")
    unknown = set(ADDRESSES.findall(source(template))) - set(NAMES)
    assert not unknown, f"{template} links to {unknown}"


def test_no_template_is_left_unused():
    """The admin's are found by their place, those of mails by their kind (see test_outbox.py); the
    others are named by a view or a template."""
    said = " ".join(path.read_text(encoding="utf-8") for path in PYTHON)
    said += " ".join(source(template) for template in TEMPLATES)
    unused = [
        template
        for template in TEMPLATES
        if not template.startswith(("admin/", "emails/"))
        and not re.search(f"[\"']{template}[\"']", said)
    ]
    assert unused == []


# --- Data


def test_no_migration_is_missing(db):
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def column(name, key):
    path = ROOT / "fixtures" / "reference" / name
    with path.open(encoding="utf-8", newline="") as file:
        return {row[key] for row in csv.DictReader(file)}


def test_the_demonstration_uses_words_that_the_reference_data_have():
    paths = sorted((ROOT / "fixtures" / "demo" / "archetypes").glob("*.json"))
    sectors = column("sectors.csv", "slug")
    kinds = {
        "statuses": column("statuses.csv", "slug"),
        "benefits": column("benefits.csv", "slug"),
    }
    categories = column("purchasing_categories.csv", "code")
    for path in paths:
        content = json.loads(path.read_text(encoding="utf-8"))
        assert content["sector"] in sectors, path.name
        for archetype in content["archetypes"]:
            assert set(archetype["sectors"]) <= sectors, archetype["slug"]
            assert set(archetype["statuses"]) <= kinds["statuses"], archetype["slug"]
            used = {row["benefit"] for row in archetype["benefits"]}
            assert used <= kinds["benefits"], archetype["slug"]
            used = {row["category"] for row in archetype["offerings"] if row["category"]}
            assert used <= categories, archetype["slug"]


# --- Documentation


READERS = {"kept_secret", "os.environ.get", "os.getenv"}


def variables():
    """The environment variables that the site reads."""
    for path in sorted(ROOT.glob("config/**/*.py")) + [ROOT / "manage.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = None
            if isinstance(node, ast.Call) and node.args:
                function = ast.unparse(node.func)
                if function.startswith("env_") or function in READERS:
                    name = node.args[0]
            elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
                name = node.slice
            if isinstance(name, ast.Constant):
                yield name.value


def test_every_environment_variable_is_documented():
    read = set(variables()) - {"PATH"}
    assert {"DATABASE_URL", "SECRET_KEY", "HTTPS"} <= read
    pages = [path for path in (ROOT / "README.md", ROOT / "docs" / "deploy.md") if path.exists()]
    said = " ".join(path.read_text(encoding="utf-8") for path in pages)
    assert sorted(name for name in read if not re.search(rf"\b{name}\b", said)) == []


# --- French

HOLE = "\ue000"  # stands where a variable will
MISTAKES = {
    "straight apostrophe": re.compile(r"[^\W\d_]'[^\W\d_]"),
    "breaking space before a sign": re.compile(r"[^\s«] (?:[:;»%](?!\w)|\$)"),
    "breaking space after «": re.compile("« "),
    "no space before a colon": re.compile(rf"[\w»{HOLE}]:(?=\s|$)"),
    "no space inside « »": re.compile(rf"«[\w{HOLE}]|[\w{HOLE}]»"),
    "three dots": re.compile(r"\.\.\."),
}


def mistakes(text):
    return [name for name, pattern in MISTAKES.items() if pattern.search(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("l'entreprise", "straight apostrophe"),
        ("Territoire : Longueuil", "breaking space before a sign"),
        ("100 %", "breaking space before a sign"),
        ("5 $", "breaking space before a sign"),
        ("« mot\xa0»", "breaking space after «"),
        ("Territoire: Longueuil", "no space before a colon"),
        ("«mot»", "no space inside « »"),
        ("Chargement...", "three dots"),
    ],
)
def test_a_mistake_of_typography_is_seen(text, found):
    assert mistakes(text) == [found]


@pytest.mark.parametrize(
    "text",
    [
        "L’entreprise\xa0: 100\xa0% «\xa0local\xa0», 5\xa0000\xa0$\u202f; à 9:30…",
        "https://www.example.org",
    ],
)
def test_good_typography_is_left_alone(text):
    assert mistakes(text) == []


class Page(HTMLParser):
    """What a person reads of a template: its text, and the attributes that are read or heard."""

    SAID = {"alt", "aria-label", "placeholder", "title", "data-label"}

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.texts = []
        self.hidden = 0

    def handle_starttag(self, tag, attributes):
        self.hidden += tag in {"script", "style"}
        said = self.SAID | ({"content"} if ("name", "description") in attributes else set())
        self.texts += [value for name, value in attributes if name in said and value]

    def handle_endtag(self, tag):
        self.hidden -= tag in {"script", "style"}

    def handle_data(self, data):
        if not self.hidden:
            self.texts.append(data)


LITERAL = re.compile(r"_?\(?\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'")


def read(template):
    """The strings given to translators, and the page with a hole where each was."""
    strings, page, block = [], [], None
    for token in Lexer(source(template)).tokenize():
        word = token.contents.split()[0] if token.contents.split() else ""
        if token.token_type == TokenType.BLOCK and word in {"blocktranslate", "blocktrans"}:
            block = ""
        elif token.token_type == TokenType.BLOCK and word in {"endblocktranslate", "endblocktrans"}:
            strings.append(" ".join(re.split(r"[ \n\t]+", block)))
            page.append(HOLE)
            block = None
        elif token.token_type == TokenType.TEXT:
            if block is None:
                page.append(token.contents)
            else:
                block += token.contents
        elif token.token_type == TokenType.BLOCK and word in {"translate", "trans"}:
            double, single = LITERAL.search(token.contents).groups()
            strings.append(double or single)
            page.append(HOLE)
        elif token.token_type == TokenType.VAR:
            if block is None:
                page.append(HOLE)
            else:
                block += HOLE
        elif token.token_type == TokenType.BLOCK and block is not None and word != "plural":
            block += HOLE
        elif token.token_type == TokenType.BLOCK and word == "plural":
            strings.append(" ".join(re.split(r"[ \n\t]+", block)))
            block = ""
    parser = Page()
    parser.feed("".join(page))
    parser.close()
    fragments = Page()
    for string in strings:
        fragments.feed(string)
    fragments.close()
    return [text for text in fragments.texts if text], parser.texts


OURS = [template for template in TEMPLATES if template.endswith((".html", ".txt"))]


@pytest.mark.parametrize("template", OURS)
def test_a_template_is_typeset_in_french(template):
    strings, texts = read(template)
    found = [(text.strip(), mistakes(text)) for text in strings + texts if mistakes(text)]
    assert found == []


@pytest.mark.parametrize("template", OURS)
def test_all_that_a_template_says_can_be_translated(template):
    _, texts = read(template)
    word = re.compile(r"[a-zà-ÿ]{2}")  # not an acronym, nor a letter alone
    assert [text.strip() for text in texts if word.search(text)] == []


def translated():
    for path in PYTHON:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {
                *("_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "pgettext")
            }:
                for argument in node.args:
                    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                        yield f"{path.relative_to(ROOT)}:{argument.lineno}", argument.value


def test_what_the_code_says_is_typeset_in_french():
    strings = list(translated())
    assert len(strings) > 100
    hole = re.compile(r"%\(\w+\)[sd]|\{\w*\}")
    found = [(where, text) for where, text in strings if mistakes(hole.sub(HOLE, text))]
    assert not found, "\n" + "\n".join(f"{where}: {text}" for where, text in found)
