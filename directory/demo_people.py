"""The people of the demonstration, as fictional as its enterprises: one for each thing that one may
come to do. Their addresses lead nowhere; a page signs one in as any of them (views/demo.py)."""

from dataclasses import dataclass

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Count
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from directory.models import Enterprise, Representative, User
from directory.models.representatives import Role
from directory.roles import CURATOR, FACILITATOR, MODERATOR


@dataclass(frozen=True)
class Person:
    email: str
    name: str
    function: str | Promise
    does: str | Promise
    group: str = ""
    superuser: bool = False
    #: Role in enterprises of the demonstration, by their rank among the most complete ones.
    represents: tuple[tuple[int, str], ...] = ()


PEOPLE = [
    Person(
        "odile@demo.example",
        "Odile Ouellet",
        _("responsable de deux fiches"),
        _("tient la fiche de son entreprise, invite des collègues"),
        represents=((0, Role.OWNER), (1, Role.OWNER)),
    ),
    Person(
        "edouard@demo.example",
        "Édouard Émond",
        _("peut modifier une fiche"),
        _("modifie la fiche de son entreprise, sans inviter personne"),
        represents=((0, Role.EDITOR),),
    ),
    Person(
        "clara@demo.example",
        "Clara Chênevert",
        _("curation, au Pôle"),
        _("importe, nettoie, fusionne et reconnaît les entreprises"),
        group=CURATOR,
    ),
    Person(
        "mathis@demo.example",
        "Mathis Morin",
        _("modération, au Pôle"),
        _("décide des modifications, des demandes et des signalements"),
        group=MODERATOR,
    ),
    Person(
        "fatou@demo.example",
        "Fatou Fall",
        _("accompagnement, au Pôle"),
        _("appelle les entreprises et les invite"),
        group=FACILITATOR,
    ),
    Person(
        "sophie@demo.example",
        "Sophie Saint-Onge",
        _("direction, au Pôle"),
        _("peut tout, et donne les droits"),
        superuser=True,
    ),
]


def load() -> int:
    """Make those who are not there yet, with what they keep; how many were made."""
    made = 0
    complete = (
        Enterprise.objects.filter(state=Enterprise.State.PUBLISHED)
        .annotate(parts=Count("offerings"))
        .order_by("-parts", "name", "pk")
    )
    ranked = list(complete[: 1 + max(rank for p in PEOPLE for rank, _role in p.represents)])
    with transaction.atomic():
        for person in PEOPLE:
            if User.objects.filter(email=person.email).exists():
                continue
            user = User.objects.create_user(
                person.email,
                name=person.name,
                is_staff=person.superuser or bool(person.group),
                is_superuser=person.superuser,
            )
            made += 1
            if person.group:
                user.groups.add(Group.objects.get(name=person.group))
            for rank, role in person.represents:
                if rank < len(ranked):
                    Representative.objects.create(user=user, enterprise=ranked[rank], role=role)
    return made
