"""What stands at an address that a listing had, for those who tend listings."""

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db


def test_an_address_of_before_leads_staff_on(enterprise, superuser, moderator):
    before = enterprise.slug
    connection.check_constraints()  # as a commit: what it was is public
    enterprise.slug = "ateliers-de-montreal"
    enterprise.save()
    pages = ("/appels/%s/", "/moderation/fiches/%s/historique/", "/mon-entreprise/%s/equipe/")
    for page in pages:
        response = superuser.get(f"{page % before}?tous=1")
        assert response.status_code == 302
        assert response.headers["Location"] == f"{page % enterprise.slug}?tous=1"
        assert superuser.get(page % "jamais-vue").status_code == 404
    assert superuser.post(f"/appels/{before}/prendre/").status_code == 307
    assert moderator.get(pages[0] % before).status_code == 404
