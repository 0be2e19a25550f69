"""What would go wrong later, said when the site starts; and by `manage.py check --deploy`, what a
site in production must be told."""

from django.conf import settings
from django.core import checks

from directory import sealing

NEW_KEY = (
    "Make one with python -c 'from cryptography.fernet import Fernet; "
    "print(Fernet.generate_key().decode())', and put it before those there were, with a comma."
)


@checks.register(checks.Tags.models)
def merge_rules(app_configs, **kwargs):
    from directory import merging  # once the models are there

    return [
        checks.Error(
            f"{relation} names an enterprise, and nothing says what becomes of it in a merge.",
            hint="Register a MergeHandler in directory.extensions.merge_handlers.",
            id="directory.E001",
        )
        for relation in merging.unhandled()
    ]


@checks.register(checks.Tags.security, deploy=True)
def privacy_officer(app_configs, **kwargs):
    names = ("PRIVACY_OFFICER_NAME", "PRIVACY_OFFICER_TITLE", "PRIVACY_OFFICER_EMAIL")
    missing = [name for name in names if not getattr(settings, name)]
    if not missing or settings.DEMO or settings.DEBUG:
        return []
    return [
        checks.Warning(
            f"{', '.join(missing)}: empty. The privacy page names nobody who answers for personal "
            "information, and gives the address of the Pôle instead.",
            hint="Set them to the name, title and e-mail of the person in charge (Loi 25).",
            id="directory.W001",
        )
    ]


@checks.register(checks.Tags.urls, deploy=True)
def site_url(app_configs, **kwargs):
    if settings.DEMO or settings.DEBUG or settings.SITE_URL.startswith("https://"):
        return []
    return [
        checks.Warning(
            "SITE_URL is not an https address. Feeds, the map of the site, cards and "
            "what pages say their address is give whatever name the reader used.",
            hint="Set it to the one address of the site, such as https://www.example.org.",
            id="directory.W002",
        )
    ]


@checks.register(checks.Tags.security)
def demo_sign_in(app_configs, **kwargs):
    """Said by every command, not by --deploy alone: nothing else stands between a site and whoever
    would be its superuser with one click."""
    if not settings.DEMO_SIGN_IN or (settings.DEMO and (settings.DEBUG or settings.EMBEDDED)):
        return []
    return [
        checks.Error(
            "DEMO_SIGN_IN signs anyone in as any of the demonstration's people, superuser included,"
            " and this is no demonstration on a machine of one's own.",
            hint="It is for DEMO=1 on the embedded database, or with DEBUG=1. Leave it so.",
            id="directory.E002",
        )
    ]


@checks.register(checks.Tags.security)
def factor_keys(app_configs, **kwargs):
    """Said by every command: with a key that is none, nobody who has a second factor signs in."""
    try:
        sealing.keys()
    except ValueError:
        return [
            checks.Error(
                "FACTOR_KEYS holds something that is not a key.",
                hint=NEW_KEY,
                id="directory.E003",
            )
        ]
    return []


@checks.register(checks.Tags.security, deploy=True)
def factor_keys_given(app_configs, **kwargs):
    if settings.DEMO or settings.DEBUG or settings.FACTOR_KEYS:
        return []
    return [
        checks.Error(
            "FACTOR_KEYS is empty: the secrets of second factors are sealed with a key made from "
            "SECRET_KEY, so that whoever has it and a copy of the database has them too.",
            hint=NEW_KEY,
            id="directory.E004",
        )
    ]


@checks.register(checks.Tags.urls, deploy=True)
def mail_server(app_configs, **kwargs):
    if settings.DEMO or settings.DEBUG or settings.EMAIL_HOST:
        return []
    return [
        checks.Warning(
            "EMAIL_URL is empty. Codes, invitations and reminders stay in the outbox.",
            hint="Set it to the mail server, such as smtp+starttls://user:password@host:587.",
            id="directory.W003",
        )
    ]
