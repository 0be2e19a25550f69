"""What the header offers to each person."""

import re

import pytest
from django.urls import reverse

from tests.sql import recorded_sql

pytestmark = pytest.mark.django_db


def header(person):
    """The words of the doors that the home page offers, and where they lead."""
    page = person.get("/").content.decode()
    nav = re.search(r"<nav aria-label=.*?</nav>", page, re.DOTALL)[0]
    return {words: address for address, words in re.findall(r'<a href="([^"]*)">([^<]*)</a>', nav)}


def test_a_stranger_is_offered_to_sign_in(client, reference):
    assert "Se connecter" in client.get("/").content.decode()
    assert header(client) == {}


@pytest.mark.parametrize(
    ("person", "offered"),
    [
        ("member", ["Mon compte"]),
        ("alice", ["Mon entreprise", "Mon compte"]),
        ("staff", ["Administration", "Mon compte"]),
        ("curator", ["Modération", "Administration", "Appels", "Mon compte"]),
        ("moderator", ["Modération", "Administration", "Mon compte"]),
        ("facilitator", ["Administration", "Appels", "Mon compte"]),
        ("superuser", ["Modération", "Administration", "Appels", "Mon compte"]),
    ],
)
def test_each_person_is_offered_what_they_may_open_and_no_more(person, offered, request):
    client = request.getfixturevalue(person)
    doors = header(client)
    assert list(doors) == offered
    for address in doors.values():
        assert client.get(address).status_code in (200, 302)


def test_a_reader_costs_no_more_for_being_offered_to_sign_in(client, member, reference):
    address = reverse("directory:list")
    for person in (client, member):
        person.get(address)
    counts = []
    for person in (client, member):
        with recorded_sql() as statements:
            person.get(address)
        counts.append(len(statements))
    assert counts[1] == counts[0] + 2  # the session, the person
