"""What a block of code asks of the database, as text."""

from contextlib import contextmanager

from django.db import connections


@contextmanager
def recorded_sql(using="default"):
    """Gives the list of statements run inside, without their parameters, in order."""
    statements = []

    def record(execute, sql, params, many, context):
        statements.append(" ".join(str(sql).split()))
        return execute(sql, params, many, context)

    with connections[using].execute_wrapper(record):
        yield statements


def of_pages(statements):
    """Without those that the tests' client adds, in place of a commit."""
    return [statement for statement in statements if not statement.startswith("SET CONSTRAINTS")]
