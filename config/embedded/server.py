"""The server of one data folder."""

import hashlib
import os
import re
import shlex
import signal
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from config.embedded.programs import EmbeddedError, account_of, run

PORT = "5432"  # names the socket's file only
START_SECONDS = 120  # a crash recovery on a slow disk is the long case
STOP_SECONDS = 60
SOCKET_BYTES = 100  # the system's own limit is 103 (macOS) or 107 (Linux)
#: An eighth of the machine's memory, up to a gigabyte: half of what PostgreSQL advises where it has
#: the machine to itself. A million listings ask for it; it is taken as it is used.
LARGEST_CACHE = 1024  # MB
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def cache(limit: Path = Path("/sys/fs/cgroup/memory.max")) -> int:
    """Megabytes of pages that the server keeps, by the memory of this machine, or what its
    container may take of it (`limit`, a number of bytes or « max »)."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with suppress(OSError, ValueError):
        memory = min(memory, int(limit.read_text()))
    return max(128, min(LARGEST_CACHE, memory // 2**20 // 8))


@dataclass(frozen=True)
class Server:
    """A process on this data folder: found, started and stopped, whoever uses it."""

    data: Path

    # --- Where it listens -----------------------------------------------------------------

    @property
    def socket_folder(self) -> Path:
        """The data folder itself, which is private, or a short one when its path will not do.

        Not the temporary folder of the environment: two shells must find the same one.
        """
        path = str(self.data)
        fits = len(os.fsencode(f"{path}/.s.PGSQL.{PORT}")) <= SOCKET_BYTES
        if fits and re.fullmatch(r"[\w/.@+=-]+", path):  # libpq reads a comma as two hosts
            return self.data
        return Path(f"/tmp/repertoire-{digest(self.data)}")

    def prepare_socket_folder(self) -> None:
        """Make the short socket folder, and refuse one that someone else has put there."""
        folder, account = self.socket_folder, account_of(self.data)
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

    # --- Its life -------------------------------------------------------------------------

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
            return run(command, self.data).returncode == 0
        shown = run(["ps", "-ww", "-o", "command=", "-p", pid], self.data).stdout
        return "postgres" in shown and str(self.data) in shown

    def is_ready(self) -> bool:
        """Whether it runs, after a wait for one that is still starting, or stopping."""
        end = time.monotonic() + START_SECONDS
        while self.pid() and time.monotonic() < end:
            if self._noted()[7:8] and self._noted()[7].strip() == "ready":
                return True
            time.sleep(0.05)
        return False

    def start(self, programs: Path, durable: bool) -> None:
        """Start it on data that exist; raises EmbeddedError with what PostgreSQL says."""
        self._forget_stranger()
        settings = {
            "listen_addresses": "",
            "port": PORT,
            "unix_socket_directories": str(self.socket_folder),
            "unix_socket_permissions": "0700",
            "shared_buffers": f"{cache()}MB",
            **({} if durable else FAST),
        }
        options = " ".join(shlex.quote(f"-c{key}={value}") for key, value in settings.items())
        log = self.data / "server.log"
        for _attempt in range(20):
            if log.exists():
                log.replace(self.data / "server.log.old")
            done = run(
                [programs / "pg_ctl", "start", "-w", "-t", START_SECONDS, "-l", log, "-o", options],
                self.data,
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

    def stop(self) -> None:
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

    def _forget_stranger(self) -> None:
        """Remove the lock files of a dead server whose number another living program now has.

        PostgreSQL takes that program for a server, and refuses to start. The file of a number
        nobody has is left: PostgreSQL needs it to look for surviving children.
        """
        for file in (self.data / "postmaster.pid", self.socket_folder / f".s.PGSQL.{PORT}.lock"):
            with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
                os.kill(int(file.read_text().split()[0]), 0)
                file.unlink()


def digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:12]
