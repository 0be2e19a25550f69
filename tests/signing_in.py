"""Signing people in without going through the pages, which have tests of their own."""

import re

from allauth.account.internal.flows.login import (
    AUTHENTICATION_METHODS_SESSION_KEY,
    record_authentication,
)
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.db import IntegrityError, transaction
from django.test import RequestFactory
from django.urls import reverse

from directory import second_factor
from directory.models import Mail


def sign_in(client, user):
    """As `force_login`; staff have a real second factor, and their session says that it was given,
    in the words that allauth writes there when it is."""
    client.force_login(user)
    if second_factor.required(user):
        factor = Authenticator.objects.filter(user=user).first() or made(user)
        prove(client, user, "mfa", id=factor.pk, type=factor.type)
    return client


def prove(client, user, method="code", **said):
    """Write in the session that they proved a moment ago who they are."""
    request = RequestFactory().get("/")
    request.session = client.session
    record_authentication(request, user, method, **said)
    request.session.save()


def long_ago(client):
    """What the session says was proven, it says was an hour ago."""
    session = client.session
    for record in session.get(AUTHENTICATION_METHODS_SESSION_KEY, []):
        record["at"] -= 3600
    session.save()


def made(user):
    """A factor of their own, once, however many threads sign the same person in."""
    try:
        with transaction.atomic():
            return TOTP.activate(user, generate_totp_secret()).instance
    except IntegrityError:
        return Authenticator.objects.get(user=user)


def code_sent(email):
    """The code of the last mail written to this address."""
    mail = Mail.objects.filter(recipient=email, kind="code").latest("pk")
    return re.search(r"^ +(\d{4} \d{4})$", mail.text, re.MULTILINE)[1]


def by_code(client, email, **said):
    """Through the pages; the answer to the code."""
    client.post(reverse("account_login"), {"email": email, **said})
    return client.post(reverse("account_code"), {"code": code_sent(email)})
