import itertools

import pytest
from django.conf import settings

from config.middleware import WellFormedMiddleware
from directory.models import Counter
from tests.signing_in import by_code

pytestmark = pytest.mark.urls("tests.config.urls")

# Where a test does not ask for the database, pytest refuses it to the site too: what such a test
# sees was answered without it.
PUBLIC = ["/", "/entreprises/", "/entreprises.json", "/entreprises/suggestions/"]


@pytest.mark.parametrize("address", [*PUBLIC, "/compte/connexion/", "/sante/pret", "/nulle-part/"])
@pytest.mark.parametrize("query", ["q=%00", "a%00=1", "q=%ff", "q=%c0%af", "q=%ed%a0%80", "%ff=1"])
def test_a_query_that_is_no_text_is_refused_before_anything_is_asked(address, query, client):
    assert client.get(f"{address}?{query}").status_code == 400


@pytest.mark.parametrize("path", ["%00", "a%00b", "%ff", "%c0%ae%c0%ae", "%ed%a0%80"])
def test_an_address_that_is_no_text_is_refused(path, client):
    for folder in ("/", "/entreprises/", "/villes/", "/logos/", "/static/", "/admin/"):
        assert client.get(f"{folder}{path}/").status_code == 400, folder


def test_bytes_that_are_no_text_are_refused_even_when_not_escaped(client):
    for raw in ("q=\xff", "q=\x00", "q=caf\xe9"):
        assert client.get("/entreprises/", QUERY_STRING=raw).status_code == 400


@pytest.mark.parametrize(
    "query",
    ["q=%C3%A9t%C3%A9", "q=%F0%9F%A6%AB", "q=%E2%80%AE", "q=%EF%BB%BF", "q=%E2%80%8D", "q=%"],
)
def test_unusual_text_is_still_text(query, client, db):
    assert client.get(f"/entreprises/?{query}").status_code == 200


def test_the_replacement_character_may_be_typed_but_is_no_address(client, db):
    assert client.get("/entreprises/?q=%EF%BF%BD").status_code == 200
    assert client.get("/entreprises/%EF%BF%BD/").status_code in {400, 404}


def test_a_query_longer_than_any_search_is_refused(client):
    longest = WellFormedMiddleware.LONGEST_QUERY
    assert client.get("/nulle-part/?q=" + "a" * (longest - 2)).status_code == 404
    assert client.get("/entreprises/?q=" + "a" * (longest - 1)).status_code == 414


@pytest.mark.parametrize("length", ["x", "-1", "1e3", "0x10", "١", "9" * 30])
def test_a_length_that_is_no_number_is_refused(length, client):
    """Django would take it for one, and break down."""
    response = client.generic(
        "POST", "/compte/connexion/", b"a=b", headers={"content-length": length}
    )
    assert response.status_code == 400


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "FOO"])
@pytest.mark.parametrize("address", ["/", "/admin/", "/static/site.css"])
def test_a_method_the_site_does_not_speak_is_refused(method, address, client):
    response = client.generic(method, address)
    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS, POST"


def test_the_method_cannot_be_smuggled_in_a_header(client, db):
    response = client.get("/", headers={"x-http-method-override": "DELETE"})
    assert response.status_code == 200


@pytest.mark.parametrize("address", [*PUBLIC, "/sante/vivant", "/compte/connexion/"])
def test_head_has_the_headers_of_get(address, client, db):
    get, head = client.get(address), client.head(address)
    assert head.status_code == get.status_code
    assert head.content == b""
    own = {"X-Request-ID", "Set-Cookie", "Expires"}
    assert {n: v for n, v in head.headers.items() if n not in own} == {
        n: v for n, v in get.headers.items() if n not in own
    }


@pytest.mark.parametrize(
    "host", ["ailleurs.example", "localhost.ailleurs.example", "a b", "", "[::"]
)
def test_a_host_that_is_not_ours_is_refused_and_never_repeated(host, client):
    response = client.get("/", headers={"host": host})
    assert response.status_code == 400
    if "." in host:
        assert host not in response.content.decode()


@pytest.mark.parametrize(
    "headers",
    [
        {"accept": "application/xml"},
        {"range": "bytes=0-10"},
        {"accept-language": "\x00"},
        {"accept-language": "x" * 5000},
        {"if-none-match": '"' * 500},
        {"if-modified-since": "hier"},
        {"cookie": "session=\x00; csrf=%ff"},
        {"cookie": "session=" + "a" * 4000},
        {"cookie": "session=../../etc; __Host-session=x"},
        {"x-forwarded-for": "'; DROP TABLE x"},
        {"hx-request": "true", "hx-target": "\x00"},
        {"referer": "javascript:alert(1)"},
    ],
)
def test_no_header_breaks_a_page(headers, client, db):
    assert client.get("/entreprises/", headers=headers).status_code == 200


def test_every_answer_has_a_number_of_its_own(client):
    numbers = [client.get("/sante/vivant").headers["X-Request-ID"] for _ in range(50)]
    assert len(set(numbers)) == 50


def test_the_number_comes_from_the_site_never_from_the_visitor(client):
    response = client.get("/sante/vivant", headers={"x-request-id": "imposé"})
    assert response.headers["X-Request-ID"] != "imposé"


def test_an_odd_address_leads_nowhere_else(client, db):
    for path in ("//ailleurs.example", "/\\ailleurs.example", "/\t/ailleurs.example", "/admin//x"):
        response = client.get("/", PATH_INFO=path)
        assert response.status_code in {301, 302, 404}
        assert not response.headers.get("Location", "/").startswith(("//", "/\\", "http"))


def test_after_signing_in_one_stays_on_the_site(people):
    person = people(email="retour@exemple.test")
    schemes = ["https://", "//", "/\\", "\\\\", "http:", "///", "javascript:", "/%09/", "\x08//"]
    for scheme, host in itertools.product(schemes, ["ailleurs.example", "a@ailleurs.example"]):
        person.logout()
        Counter.objects.all().delete()  # of the limits, which are not what is tried here
        response = by_code(person, person.user.email, next=scheme + host)
        location = response.headers["Location"]
        assert location.startswith("/"), scheme
        assert not location.startswith(("//", "/\\")), scheme


def test_the_layers_are_in_an_order_that_covers_every_answer():
    """The order matters: what comes first covers the answers of what comes after."""
    order = [name.rsplit(".", 1)[1] for name in settings.MIDDLEWARE]
    assert order[0] == "RequestMiddleware"
    assert order.index("CSPMiddleware") < order.index("SecurityMiddleware")
    assert order.index("SecurityMiddleware") < order.index("WellFormedMiddleware")
    assert order.index("WellFormedMiddleware") < order.index("WhiteNoiseMiddleware")


@pytest.mark.parametrize("cookie", ["csrf=x", "session=abc", "csrf=x; session=abc"])
@pytest.mark.parametrize(
    "address", ["/", "/nouveautes/atom.xml", "/robots.txt", "/entreprises.csv"]
)
def test_what_anybody_may_be_given_sets_no_cookie(address, cookie, client, reference):
    response = client.get(address, headers={"cookie": cookie})
    assert response.status_code == 200
    assert "public" in response.headers["Cache-Control"]
    assert not response.cookies


def test_a_body_larger_than_any_form_is_refused_before_it_is_read(client, db):
    length = {"CONTENT_LENGTH": "3000001"}
    kind = "multipart/form-data; boundary=x"
    refused = client.generic("POST", "/entreprises/suggerer/", b"", kind, **length)
    assert refused.status_code == 413


def test_people_signed_in_may_send_more(member):
    for length, status in ((3_000_001, {400, 403, 405}), (50_000_001, {413})):
        answer = member.generic(
            "POST",
            "/entreprises/",
            b"",
            "multipart/form-data; boundary=x",
            CONTENT_LENGTH=str(length),
        )
        assert answer.status_code in status
