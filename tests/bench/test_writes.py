"""Writes: R13, what a search row costs whoever saves an enterprise."""

import random

import pytest
from django.db import connection

from directory.models import Enterprise
from tests.bench.measuring import steady_runs, worst

pytestmark = [pytest.mark.bench, pytest.mark.urls("tests.bench.urls")]


@pytest.fixture
def twin(directory_of_rows):
    """The same rows and indexes in a table that nothing watches."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_enterprise (LIKE directory_enterprise INCLUDING ALL)")
        cursor.execute("INSERT INTO bench_enterprise SELECT * FROM directory_enterprise")
        cursor.execute("VACUUM ANALYZE bench_enterprise")
    yield "bench_enterprise"
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE bench_enterprise")


def test_saving_a_listing_against_the_bare_update(call, report, twin):
    published = list(Enterprise.objects.published().values_list("pk", flat=True)[:2_000])

    def update(table):
        """One enterprise's mission, which its search row holds, committed."""
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {table} SET mission = %s WHERE id = %s",
                [f"Mission {random.random()}", random.choice(published)],
            )

    runs = steady_runs(
        {
            "hello": lambda: call("/bench/hello/"),
            "hello again": lambda: call("/bench/hello/"),
            "saved": lambda: update("directory_enterprise"),
            "bare": lambda: update(twin),
        }
    )
    report["R13"] = worst(runs, "saved", "bare")
