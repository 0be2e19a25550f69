"""The address of the mail server, as the environment gives it."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.settings import mail_server


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", ("", 25, "", "", False, False)),
        ("smtp://127.0.0.1:2525", ("127.0.0.1", 2525, "", "", False, False)),
        (
            "smtp+starttls://site%40pole:p%2Fw%3A@mail.example.org",
            ("mail.example.org", 587, "site@pole", "p/w:", True, False),
        ),
        ("smtps://mail.example.org", ("mail.example.org", 465, "", "", False, True)),
    ],
)
def test_an_address_says_how_the_server_is_spoken_to(url, expected):
    assert mail_server(url) == expected


@pytest.mark.parametrize(
    "url",
    ["mail.example.org", "http://mail.example.org", "smtp://", "smtps://h:port", "smtp://h:0"],
)
def test_an_address_that_is_none_is_said_without_its_password(url):
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL must be like") as said:
        mail_server(url.replace("//", "//moi:motdepasse@"))
    assert "motdepasse" not in str(said.value)
