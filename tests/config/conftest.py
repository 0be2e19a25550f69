import pytest
from django.db import connections

from tests.client import StrictClient

# Nobody listens there.
DEAD_PORT = "1"


@pytest.fixture
def client():
    """A visitor who sees the page where a developer would see the exception."""
    return StrictClient(raise_request_exception=False)


@pytest.fixture
def database_down(django_db_blocker):
    """The site's connection points to a port where nothing answers."""
    alive = connections["default"]
    dead = type(alive)({**alive.settings_dict, "HOST": "127.0.0.1", "PORT": DEAD_PORT}, "default")
    connections["default"] = dead
    with django_db_blocker.unblock():
        yield
    connections["default"] = alive
