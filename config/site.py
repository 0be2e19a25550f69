"""What every template knows of the site: its name, its territory, who keeps it; of the page, its
own address."""

from django.conf import settings
from django.urls import reverse
from django.utils.encoding import escape_uri_path

from directory.addresses import absolute


def site(request):
    return {
        "site": {
            "name": settings.SITE_NAME,
            "territory": settings.SITE_TERRITORY,
            "pole_name": settings.POLE_NAME,
            "pole_email": settings.POLE_EMAIL,
            "pole_phone": settings.POLE_PHONE,
            "demo": settings.DEMO,
            # Where one chooses as whom to try the demonstration; nowhere else is there such a page.
            "try_url": reverse("demo") if settings.DEMO_SIGN_IN else "",
            "mailbox_url": reverse("demo_mailbox") if settings.DEMO_SIGN_IN else "",
        }
    }


def address(request):
    """The address that search engines are to keep of this page: without parameters."""
    return {"canonical": absolute(request, escape_uri_path(request.path))}
