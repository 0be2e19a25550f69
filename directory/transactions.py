"""How long a transaction may take, what becomes of one that another undid, and of a connection
that died between two requests.

The time limits of the settings are those of a page; a command asks for its own.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction
from psycopg.errors import DeadlockDetected, UniqueViolation

Read = TypeVar("Read")

LIMITS = """
SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = '10min';
"""
PATIENCE = "SET LOCAL lock_timeout = '60s'"


@contextmanager
def long_transaction(*, patient: bool = True) -> Iterator[None]:
    """An atomic block for a command: statements take the time they need, locks up to a minute, or
    where a reader waits for it (not `patient`) as long as for any page.

    The limits of before come back at its end; inside another transaction, at the end of that one.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(LIMITS)
            if patient:
                cursor.execute(PATIENCE)
        yield


def as_first_statement(read: Callable[[], Read]) -> Read:
    """What `read` reads. Where no statement of this request went before, it tells whether the
    connection that was kept still lives, in the place of the one that Django sends for that
    (CONN_HEALTH_CHECKS), and reads anew on another if it does not. It writes nothing."""
    held: Any = connection  # whose stubs say nothing of these checks
    untried = (
        held.connection is not None
        and held.health_check_enabled
        and not held.health_check_done
        and not held.in_atomic_block
    )
    if untried:
        held.health_check_done = True
    try:
        return read()
    except (OperationalError, InterfaceError):
        if not untried or connection.is_usable():
            raise
        connection.close()
    return read()


#: Times that a write is tried while others take what it chose.
MOST_TRIES = 5


def again_if_taken(write: Callable) -> Callable:
    """Call again a write that opens its own transaction, and chooses something that must be unique
    (an address), when another took it at the same moment."""

    @wraps(write)
    def kept_trying(*args: Any, **kwargs: Any) -> Any:
        for _try in range(MOST_TRIES - 1):
            try:
                return write(*args, **kwargs)
            except IntegrityError as error:
                taken = isinstance(error.__cause__, UniqueViolation)
                if not taken or connection.in_atomic_block:
                    raise
        return write(*args, **kwargs)

    return kept_trying


#: Times that a form is written while others undo it: a deadlock is seen after a second.
MOST_TRIES_OF_A_FORM = 3


def again_if_undone(view: Callable) -> Callable:
    """Call again a view whose transaction another's undid: chosen to end a deadlock, or refused for
    what was written since its form was checked (the same slug, a listing deleted). The form,
    checked anew, says what there is to say. For a method of (self, request, …) that opens its
    transaction itself.

    A while passes between two tries, another one for each: who starts again at once can take a row
    before those that waited for it wake, and be in their way a second time.
    """

    @wraps(view)
    def kept_trying(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        for number in range(1, MOST_TRIES_OF_A_FORM):
            try:
                return view(self, request, *args, **kwargs)
            except (OperationalError, IntegrityError) as error:
                undone = isinstance(error, IntegrityError) or isinstance(
                    error.__cause__, DeadlockDetected
                )
                if not undone or connection.in_atomic_block:
                    raise
            time.sleep(random.uniform(0.05, 0.1) * number)
            for file in request.FILES.values():
                file.seek(0)
        return view(self, request, *args, **kwargs)

    return kept_trying
