"""The time limits of the settings are those of a page; a command asks for its own."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

LIMITS = """
SET LOCAL statement_timeout = 0;
SET LOCAL lock_timeout = '60s';
SET LOCAL idle_in_transaction_session_timeout = '10min';
"""


@contextmanager
def long_transaction() -> Iterator[None]:
    """An atomic block for a command: statements take the time they need, locks up to a minute.

    The limits of before come back at its end; inside another transaction, at the end of that one.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(LIMITS)
        yield
