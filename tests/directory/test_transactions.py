"""What becomes of a transaction that a deadlock undid, with real deadlocks."""

import threading
from types import SimpleNamespace

import pytest
from django.db import IntegrityError, OperationalError, transaction

from directory.models import Enterprise
from directory.transactions import again_if_undone
from tests.directory.test_listing import in_threads
from tests.factories import EnterpriseFactory


class Renaming:
    """Two writes in one transaction; the first time, a rival has each row in the other order."""

    def __init__(self, order, rival):
        self.order, self.rival, self.calls = order, rival, 0

    def write(self, request, word):
        self.calls += 1
        with transaction.atomic():
            for number, pk in enumerate(self.order):
                if number and self.calls == 1:
                    self.rival.wait(5)
                Enterprise.objects.filter(pk=pk).update(mission=word)

    kept = again_if_undone(write)


REQUEST = SimpleNamespace(FILES={})


@pytest.mark.django_db(transaction=True)
def test_the_victim_of_a_deadlock_is_tried_again_and_both_writes_are_whole(reference):
    ids = [EnterpriseFactory(published=True).pk for _ in range(2)]
    rival = threading.Barrier(2)
    one, other = Renaming(ids, rival), Renaming(ids[::-1], rival)
    failures = in_threads([lambda: one.kept(REQUEST, "un"), lambda: other.kept(REQUEST, "deux")])
    assert failures == []
    assert max(one.calls, other.calls) > 1
    assert len(set(Enterprise.objects.values_list("mission", flat=True))) == 1


@pytest.mark.django_db(transaction=True)
def test_without_it_a_deadlock_costs_one_of_them_its_write(reference):
    ids = [EnterpriseFactory(published=True).pk for _ in range(2)]
    rival = threading.Barrier(2)
    one, other = Renaming(ids, rival), Renaming(ids[::-1], rival)
    (failure,) = in_threads(
        [lambda: one.write(REQUEST, "un"), lambda: other.write(REQUEST, "deux")]
    )
    assert "deadlock" in str(failure)


@pytest.mark.parametrize(
    ("error", "tries"),
    [(IntegrityError("duplicate key"), 3), (OperationalError("the connection is lost"), 1)],
    ids=["undone each time", "another error"],
)
def test_a_form_ends_with_its_error_and_only_what_undid_it_is_tried_again(error, tries):
    calls = []

    class Failing:
        @again_if_undone
        def view(self, request):
            calls.append(1)
            raise error

    with pytest.raises(type(error)):
        Failing().view(REQUEST)
    assert len(calls) == tries
