"""What every template knows of the site: its name, its territory, who keeps it."""

from django.conf import settings


def site(request):
    return {
        "site": {
            "name": settings.SITE_NAME,
            "territory": settings.SITE_TERRITORY,
            "pole_name": settings.POLE_NAME,
            "pole_email": settings.POLE_EMAIL,
            "pole_phone": settings.POLE_PHONE,
            "demo": settings.DEMO,
        }
    }
