"""Proof that somebody reads an address: a code sent there, typed here.

The same for whoever signs in, signs up, changes address or confirms that it is them. Until the code
is right, nothing is asked about whose address it is: the pages, the work and the limits are the
same for an address that has an account and one that has none. An unknown one is sent nothing at
sign-in; its mail is written and erased in the same transaction, by the same statements.

What was asked is kept in the session: the code as a keyed hash, good for 15 minutes, five tries and
one use, in the browser that asked for it.

Codes asked for are counted by place (a client of the network), by place and address, and by
address, so that nobody floods a mailbox; the owner of an address is counted apart, in a browser
that they know (known_browsers.py), so that nobody keeps them out either. What is typed counts
against the code and the place alone, never against the address.
"""

import time
from collections.abc import MutableMapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.crypto import constant_time_compare, get_random_string, salted_hmac

from directory import outbox, throttling
from directory.models import Mail, User
from directory.throttling import Limit, TooMany

SIGN_IN, SIGN_UP, EMAIL, IDENTITY = "sign-in", "sign-up", "e-mail", "identity"
GOOD_FOR = timedelta(minutes=15)
TRIES = 5
DIGITS = 8
HOUR = timedelta(hours=1)
#: From one place; from one place for one address; for one address or person, from wherever.
BY_CLIENT, BY_BOTH, BY_EMAIL = Limit(20, HOUR), Limit(5, HOUR), Limit(10, HOUR)
KEY = "code"

Session = MutableMapping[str, Any]


class Expired(Exception):
    """No code is awaited here, or no longer: it is too old, or was missed too often."""


@dataclass
class Awaited:
    """What a session waits for: the purpose of the code, where it went, what was said on asking."""

    purpose: str
    email: str
    digest: str
    until: float
    tries: int = 0
    said: dict[str, Any] = field(default_factory=dict)


def ask(
    *, session: Session, client: str, known: str, purpose: str, email: str, **said: Any
) -> None:
    """Send a code to this address and await it in this session, instead of any other.

    `client` is where the request came from (`throttling.address`), `known` the allowance of the
    owner of the address, where it is surely they (`known_browsers.allowance`); `said` comes back
    with the right code. Raises TooMany."""
    if known:
        count("code asked", (known, BY_EMAIL))
    else:
        # What is refused by one is not counted by those that follow.
        both = (f"{client} for {email}", BY_BOTH)
        count("code asked", (client, BY_CLIENT), both, (f"for {email}", BY_EMAIL))
    code = get_random_string(DIGITS, "0123456789")
    key = f"code:{get_random_string(22)}"
    context = {
        "code": f"{code[:4]} {code[4:]}",
        "purpose": purpose,
        "minutes": int(GOOD_FOR.total_seconds() // 60),
    }
    with transaction.atomic():
        outbox.queue(kind="code", to=email, context=context, dedupe_key=key, secret=True)
        if purpose == SIGN_IN:
            users = User.objects.filter(email=OuterRef("recipient"), is_active=True)
            Mail.objects.filter(~Exists(users), dedupe_key=key).delete()
    awaited = Awaited(
        purpose=purpose,
        email=email,
        digest=digest(purpose, email, code),
        until=time.time() + GOOD_FOR.total_seconds(),
        said=said,
    )
    session[KEY] = asdict(awaited)


def awaited(session: Session) -> Awaited:
    """What this session waits for. Raises Expired."""
    kept = session.get(KEY)
    found = Awaited(**kept) if kept else None
    if found is None or found.until < time.time():
        session.pop(KEY, None)
        raise Expired
    return found


def prove(*, session: Session, client: str, known: str, code: str) -> Awaited | None:
    """What was asked, if the code is right, which it is once; None if it is wrong. Spaces and
    dashes do not count. Raises Expired at the last wrong one, and TooMany."""
    asked = awaited(session)
    count("code typed", (known or client, BY_CLIENT))
    # In the session alone, tries made at once would all be the first.
    if throttling.admit(purpose="code tried", client=asked.digest, limits=[Limit(TRIES, HOUR)]):
        del session[KEY]
        raise Expired
    typed = "".join(character for character in code if character.isdigit())
    if constant_time_compare(digest(asked.purpose, asked.email, typed), asked.digest):
        del session[KEY]
        return asked
    asked.tries += 1
    if asked.tries >= TRIES:
        del session[KEY]
        raise Expired
    session[KEY] = asdict(asked)
    return None


def count(purpose: str, *counted: tuple[str, Limit]) -> None:
    """Count one more attempt for each of these, in turn. Raises TooMany at the first limit."""
    for who, limit in counted:
        if seconds := throttling.admit(purpose=purpose, client=who, limits=[limit]):
            raise TooMany(seconds)


def digest(purpose: str, email: str, code: str) -> str:
    return salted_hmac(
        "directory.codes", f"{purpose}|{email}|{code}", algorithm="sha256"
    ).hexdigest()
