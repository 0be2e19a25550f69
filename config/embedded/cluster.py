"""The clusters of this checkout."""

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from config.embedded.programs import (
    MAJOR,
    OTHERWISE,
    EmbeddedError,
    account_of,
    copied,
    installed,
    run,
)
from config.embedded.server import Server, digest

FOLDER = Path(__file__).resolve().parent.parent.parent / ".data"
ROLE = DATABASE = "repertoire"

INITDB = [
    *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--encoding=UTF8"),
    # The folder of the socket is the password: mode 700. `peer` would refuse root's own client.
    *("--auth=trust", "--username=postgres"),
]
# The site owns its database and nothing more, as on a real server.
BOOTSTRAP = f"CREATE ROLE {ROLE} LOGIN CREATEDB\nCREATE DATABASE {DATABASE} OWNER {ROLE}\n"


@dataclass(frozen=True)
class Cluster:
    """One PostgreSQL cluster of this checkout: its files, its locks, its life."""

    name: str
    folder: Path = FOLDER

    # --- Where things are -----------------------------------------------------------------

    @property
    def data(self) -> Path:
        """The data folder: here, or outside when the server's account cannot come in here."""
        here, outside = self.folder / self.name, self.outside
        return here if here.exists() or not outside else outside / self.name

    @property
    def outside(self) -> Path | None:
        """The folder used instead of this one, noted in `.data/outside`; only for root."""
        try:
            noted = Path((self.folder / "outside").read_text().strip())
        except FileNotFoundError:
            return None
        # A note that came along with a copy of another checkout says nothing of this one.
        ours = noted.name == f"repertoire-{digest(self.folder)}"
        return noted if ours and noted.is_dir() else None

    @property
    def socket_folder(self) -> Path:
        return self.server.socket_folder

    # --- Who uses it ----------------------------------------------------------------------

    @contextmanager
    def held(self, durable: bool = True) -> Iterator[int]:
        """Start the server if need be and use it; gives the descriptor that holds the lock."""
        if not self.folder.exists():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if os.geteuid() == 0:
                self.folder.chmod(0o711)  # the server's account must reach its data inside
        lock = self._open(f"{self.name}.lock")
        try:
            with self.alone():
                fcntl.flock(lock, fcntl.LOCK_SH)
                self._start(durable)
            try:
                yield lock
            finally:
                self._leave(lock)
        finally:
            os.close(lock)

    def _leave(self, lock: int) -> None:
        with suppress(FileNotFoundError), self.alone():
            # Erased under us, and the server with it: a later one is not ours to stop.
            if not os.path.samestat(os.fstat(lock), os.stat(self.folder / f"{self.name}.lock")):
                return
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return  # others are using it
            self.server.stop()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Only one process of this checkout starts or stops a server at a time."""
        lock = self._open("start.lock")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _open(self, name: str) -> int:
        # Read-only is enough to lock, and lets an ordinary user share what root has created.
        return os.open(self.folder / name, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def stop(self) -> None:
        """Stop the server, whoever is using it."""
        if self.folder.exists():
            with self.alone():
                self.server.stop()

    # --- The server -----------------------------------------------------------------------

    @property
    def server(self) -> Server:
        """The one of the data, which a first start may yet move outside."""
        return Server(self.data)

    def pid(self) -> int | None:
        """The process of the server when it runs, whoever started it."""
        return self.server.pid()

    def _start(self, durable: bool) -> None:
        if self.server.is_ready():
            return
        programs = self._settle()
        self.server.prepare_socket_folder()
        if not (self.data / "PG_VERSION").exists():
            self._create(programs, durable)
        if (found := (self.data / "PG_VERSION").read_text().strip()) != MAJOR:
            raise EmbeddedError(
                f"{self.data} vient de PostgreSQL {found}, et le programme est PostgreSQL {MAJOR}. "
                "Restaurez-y une sauvegarde, ou effacez ce dossier."
            )
        self.server.start(programs, durable)

    def _create(self, programs: Path, durable: bool) -> None:
        """Make the cluster whole in a folder of another name, then give it its name."""
        for leftover in self.data.parent.glob(f"{self.name}.new-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        draft = Path(tempfile.mkdtemp(prefix=f"{self.name}.new-", dir=self.data.parent))
        try:
            if account := account_of(self.data):
                os.chown(draft, *account)
            single = [programs / "postgres", "--single", "-D", draft, "postgres"]
            for command, text in (
                ([programs / "initdb", *INITDB, *([] if durable else ["-N"]), "-D", draft], ""),
                (single, BOOTSTRAP),
            ):
                done = run(command, self.data, text)
                if done.returncode or "ERROR" in done.stderr:
                    said = done.stderr.strip() or done.stdout.strip()
                    raise EmbeddedError(f"PostgreSQL ne s'installe pas dans {draft} :\n{said}")
            draft.rename(self.data)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _settle(self) -> Path:
        """Where the programs are, all in reach of the server's account; may move outside."""
        programs = installed()
        if not account_of(self.data):
            return programs
        reach = ["/bin/sh", "-c", 'test -x "$0" && cd "$1"', programs / "postgres", self.folder]
        if not run(reach, self.data).returncode:
            return programs
        return copied(self.outside or self._move_outside())

    def _move_outside(self) -> Path:
        """Choose, make and note the folder outside; what a removed `.data/` left there goes."""
        for parent in (Path("/var/lib"), Path("/var/tmp")):
            outside = parent / f"repertoire-{digest(self.folder)}"
            try:
                outside.mkdir()
            except FileExistsError:
                found = outside.lstat()
                if not stat.S_ISDIR(found.st_mode) or found.st_uid or found.st_mode & 0o022:
                    continue
                erase(outside)
                outside.mkdir()
            except OSError:
                continue
            outside.chmod(0o755)
            (self.folder / "outside").write_text(f"{outside}\n")
            return outside
        raise EmbeddedError(f"Aucun dossier où un autre compte que root peut lire. {OTHERWISE}")


def erase(base: Path) -> None:
    """Remove a folder and its clusters, stopped first."""
    for file in base.glob("*/postmaster.pid"):
        Cluster(file.parent.name, base).server.stop()
    shutil.rmtree(base)
