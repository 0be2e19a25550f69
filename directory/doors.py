"""What somebody signed in may open, said in the header of each page."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from directory.models import User


@dataclass(frozen=True)
class Door:
    label: str
    url: str


def doors(user: User) -> list[Door]:
    """Their pages, the one they come for first. `user` was found by `with_doors`: one whom this
    very request has signed in was not, and is shown their account alone."""
    offered = [
        (getattr(user, "represents", False), "directory:mine", _("Mon entreprise")),
        (getattr(user, "moderates", False), "directory:desk", _("Modération")),
        (user.is_staff, "admin:index", _("Administration")),
        (getattr(user, "calls", False), "directory:phone_list", _("Appels")),
        (True, "account_home", _("Mon compte")),
    ]
    return [Door(label, reverse(name)) for opens, name, label in offered if opens]
