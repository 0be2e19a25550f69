"""The fences between the two applications: procurement knows the directory, never the reverse."""

import ast
import re
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db.migrations.loader import MigrationLoader
from django.template import engines

ROOT = Path(settings.BASE_DIR)
LOWER = sorted(ROOT.glob("directory/**/*.py"))
EVERY = sorted(
    path for app in ("config", "directory", "procurement") for path in ROOT.glob(f"{app}/**/*.py")
)

# What each top module of an app may import of its own app: those written before it.
# search ← models ← domain ← forms and filters ← views, admin, commands
ENDS = {"views", "admin", "management", "urls", "apps"}


def imported(path):
    """The modules that this file imports, anywhere in it."""
    package = path.relative_to(ROOT).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((name.name, node.lineno) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: -node.level]) + "." if node.level else ""
            module = base + (node.module or "")
            yield module, node.lineno
            yield from ((f"{module}.{name.name}", node.lineno) for name in node.names)


def test_the_directory_imports_nothing_of_procurement():
    assert len(LOWER) > 20
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in LOWER
        for module, line in imported(path)
        if module.split(".")[0] in {"procurement", "config"}
    ]
    assert not wrong, wrong


def test_nobody_imports_views_or_the_admin():
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in EVERY
        if not ENDS & {*path.relative_to(ROOT).with_suffix("").parts[1:]}
        for module, line in imported(path)
        if re.match(r"(directory|procurement)\.(views|admin|management)\b", module)
    ]
    assert not wrong, wrong


def test_the_query_language_imports_no_model():
    assert not [
        module
        for module, _ in imported(ROOT / "directory" / "search.py")
        if module.startswith(("directory", "django.db"))
    ]


def relations(app):
    return [
        field
        for model in apps.get_app_config(app).get_models(include_auto_created=True)
        for field in model._meta.get_fields(include_hidden=True)
        if field.is_relation and field.related_model
    ]


def test_no_relation_of_the_directory_leads_to_procurement():
    assert len(relations("directory")) > 20
    assert [
        str(field)
        for field in relations("directory")
        if not field.auto_created and field.related_model._meta.app_label == "procurement"
    ] == []


def test_the_directory_cannot_spell_a_lookup_into_procurement():
    """Each relation from procurement hides its reverse side with related_name="+"."""
    assert [
        str(field)
        for field in relations("directory")
        if field.auto_created
        and field.related_model._meta.app_label == "procurement"
        and not field.hidden
    ] == []


def test_no_migration_of_the_directory_waits_for_procurement():
    loader = MigrationLoader(None, ignore_no_migrations=True)
    assert any(app == "directory" for app, _ in loader.disk_migrations)
    assert [
        (key, other)
        for key, migration in loader.disk_migrations.items()
        if key[0] == "directory"
        for other in [*migration.dependencies, *migration.run_before]
        if other[0] == "procurement"
    ] == []


@pytest.mark.parametrize("folder", ["directory", "templates/directory"])
def test_the_directory_never_says_the_word(folder):
    files = [path for path in ROOT.glob(f"{folder}/**/*") if path.is_file()]
    files = [path for path in files if path.suffix in {".py", ".sql", ".html", ".txt", ".xml"}]
    assert files
    assert [
        str(path.relative_to(ROOT))
        for path in files
        if "procurement" in path.read_text(encoding="utf-8").lower()
    ] == []


def test_the_templates_of_the_directory_use_no_other_app():
    for path in ROOT.glob("templates/directory/**/*.html"):
        source = path.read_text(encoding="utf-8")
        for used in re.findall(r"{%\s*(?:include|extends)\s+[\"']([^\"']+)", source):
            assert used.split("/")[0] in {"base.html", "includes", "directory"}, path


def test_every_module_is_reached_from_one_folder_of_templates():
    assert [str(folder) for folder in engines["django"].dirs] == [str(ROOT / "templates")]
