"""Fictional enterprises, for what wants many of them or of every kind."""

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from directory import demo, fictional


def write(count=demo.DEMO_SIZE, *, seed=demo.DEMO_SEED, cities=None, today=None, logos=0):
    """Write so many, those of `make demo` unless told otherwise, the first of them with a logo:
    drawing logos takes most of the time."""
    rows = list(
        fictional.enterprises(
            count,
            seed=seed,
            today=today or timezone.localdate(),
            cities=demo.cities(settings.SITE_CITIES if cities is None else cities),
        )
    )
    demo.write(rows[:logos], with_logos=True)
    demo.write(rows[logos:])


def lasting(django_db_blocker, make):
    """For a fixture of a module or of a class to `yield from`: what `make` gives and writes, to
    which each test is rolled back. What is not committed is seen by all that use this connection,
    so by every test until the last: all must want it."""
    with django_db_blocker.unblock():
        block = transaction.atomic()
        block.__enter__()
    try:
        with django_db_blocker.unblock():
            made = make()
            connection.check_constraints()  # as a commit would, so that listings are written
        yield made
    finally:
        with django_db_blocker.unblock():
            transaction.set_rollback(True)
            block.__exit__(None, None, None)
