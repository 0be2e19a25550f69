"""The embedded PostgreSQL from a shell.

    python -m config.embedded run [--name postgres-test] [--no-fsync] -- COMMAND…
    python -m config.embedded psql | status | stop | remove

With DATABASE_URL set, `run` only runs its command.
"""

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from config.embedded import FOLDER, Cluster, EmbeddedError, program, remove
from config.embedded.cluster import DATABASE, ROLE
from config.embedded.server import PORT


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
