"""Search quality: the share of real phrasings answered among the first five, by kind.

On the demonstration's enterprises, before the ROWS of the other figures are there.
"""

import pytest
from django.test import Client
from django.utils import timezone

from tests import quality

pytestmark = [pytest.mark.bench, pytest.mark.django_db]


def test_the_share_of_phrasings_answered(reference, report):
    quality.load(timezone.localdate())
    given = quality.answers(Client())
    print("", *quality.report(given), sep="\n")
    report["search quality"] = {
        kind: round(share, 3) for kind, share in sorted(quality.shares(given).items())
    }
