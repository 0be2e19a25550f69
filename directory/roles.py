"""What each group of the Pôle's staff may do: exactly what `fixtures/groups.json` says.

A right of staff is asked of `may`, outside the admin, which asks by itself: someone who left the
Pôle may still be in one of its groups.
"""

import json
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.db import transaction

from directory.models import User

FILE = settings.BASE_DIR / "fixtures" / "groups.json"
CURATOR, MODERATOR, FACILITATOR = "Curation", "Modération", "Accompagnement"


def may(user: User, *permissions: str) -> bool:
    """Whether this person is of the Pôle's staff and has all these rights of the directory."""
    rights = [f"directory.{name}" for name in permissions]
    return user.is_active and user.is_staff and user.has_perms(rights)


def load_groups(path: Path = FILE) -> dict[str, int]:
    """Give each group of the file the permissions that it lists and no other; how many each has.
    Groups of the Pôle's own are left alone. Raises KeyError for a permission that does not exist.
    """
    known = {
        permission.codename: permission
        for permission in Permission.objects.filter(content_type__app_label="directory")
    }
    given = {}
    with transaction.atomic():
        for name, codenames in json.loads(path.read_text(encoding="utf-8")).items():
            group, _created = Group.objects.get_or_create(name=name)
            group.permissions.set([known[codename] for codename in codenames])
            given[name] = len(codenames)
    return given
