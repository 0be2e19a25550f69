"""What somebody signed in may open, said in the header of each page."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from directory import desk, roles
from directory.models import User


@dataclass(frozen=True)
class Door:
    label: str
    url: str


def doors(user: User) -> list[Door]:
    """Their pages, the one they come for first. Of staff alone are rights asked of the database."""
    offered = [
        (user.represents, "directory:mine", _("Mon entreprise")),
        (desk.allowed(user), "directory:desk", _("Modération")),
        (user.is_staff, "admin:index", _("Administration")),
        (roles.may(user, "add_phonecall"), "directory:phone_list", _("Appels")),
        (True, "account_home", _("Mon compte")),
    ]
    return [Door(label, reverse(name)) for opens, name, label in offered if opens]
