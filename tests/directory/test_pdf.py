"""A listing on one page, to join to a bid."""

import io
import unicodedata

import pikepdf
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image

from directory import sections, sheets
from directory.models import Enterprise, Visibility
from tests.factories import (
    BenefitFactory,
    CertificationFactory,
    ContactFactory,
    EnterpriseBenefitFactory,
    OfferingFactory,
    PermitFactory,
    RecognitionFactory,
    ReferenceFactory,
)

pytestmark = pytest.mark.usefixtures("reference")
NAME = " ".join(["Très long nom"] * 14)
PATH = "/mon-entreprise/ateliers-alice/fiche.pdf"


def pdf(person):
    response = person.get(PATH)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/pdf"
    assert 'filename="ateliers-alice.pdf"' in response.headers["Content-Disposition"]
    return pikepdf.open(io.BytesIO(response.content))


def words(document):
    """The text of a PDF, by the tables that say which letter each shape is."""
    found = []
    for page in document.pages:
        letters = {}
        for name, font in page.Resources.Font.items():
            table = {}
            for line in font.ToUnicode.read_bytes().decode("latin-1").splitlines():
                parts = line.split()
                if len(parts) == 2 and all(part.startswith("<") for part in parts):
                    code, text = (bytes.fromhex(part.strip("<>")) for part in parts)
                    table[code] = text.decode("utf-16-be")
            letters[name] = table
        table = {}
        for operands, operator in pikepdf.parse_content_stream(page):
            if str(operator) == "Tf":
                table = letters[str(operands[0])]
            elif str(operator) in {"Tj", "TJ"}:
                shown = operands[0] if str(operator) == "TJ" else [operands[0]]
                for part in shown:
                    if isinstance(part, pikepdf.String):
                        codes = bytes(part)
                        pairs = (codes[at : at + 2] for at in range(0, len(codes), 2))
                        found.append("".join(table.get(pair, "?") for pair in pairs))
    return "".join(found).replace("\xa0", " ")


def assert_accessible(document, title):
    assert len(document.pages) == 1
    assert document.Root.Lang == "fr-CA"
    assert document.Root.MarkInfo.Marked
    assert document.Root.StructTreeRoot
    assert document.Root.ViewerPreferences.DisplayDocTitle
    with document.open_metadata() as metadata:
        assert metadata["dc:title"] == title
        assert metadata["pdfuaid:part"] == "1"


def test_a_bare_listing_makes_a_page(alice, enterprise):
    document = pdf(alice)
    assert_accessible(document, enterprise.name)
    said = words(document)
    assert "Longueuil" in said
    assert "OBNL avec activités marchandes" in said


def test_a_letter_that_no_font_has_is_a_box_and_never_a_breakdown(alice, enterprise):
    enterprise.name = "合 Inuit ᐃᓄᒃ 😀 Été"
    enterprise.mission = "Sonner\x07 l’alarme\ufffe e\u0301ternelle\U0001f468\u200d\U0001f469."
    enterprise.save()
    document = pdf(alice)
    assert_accessible(document, "□ Inuit □□□ □ Été")
    assert "Sonner l’alarme éternelle" in words(document)


def test_the_fonts_have_all_that_is_left_as_it_is(alice, enterprise):
    every = "".join(filter(sheets.DRAWN.match, map(chr, range(0x3000))))
    letters = "".join(one for one in every if unicodedata.category(one) != "Cn")
    OfferingFactory.create_batch(12, enterprise=enterprise)
    for start in range(0, len(letters), 2_000):
        parts = [letters[at : at + 170] for at in range(start, start + 2_000, 170)]
        for row, part in zip(enterprise.offerings.all(), parts, strict=True):
            row.description = f"😀{part}"
            row.save()
        assert_accessible(pdf(alice), enterprise.name)


def test_fonts_are_within_and_come_from_no_machine(alice, enterprise):
    document = pdf(alice)
    for font in document.pages[0].Resources.Font.values():
        assert "Libertinus" in str(font.BaseFont)
        assert "/FontFile3" in font.DescendantFonts[0].FontDescriptor


@pytest.fixture
def full(enterprise):
    """As much as there may be, and long."""
    long = "Une phrase qui n’en finit pas, et qui recommence. " * 40
    for number in range(60):
        OfferingFactory(
            enterprise=enterprise,
            kind="product" if number % 2 else "service",
            name=f"Offre {number} " + "x" * 140,
            description=long,
        )
        ReferenceFactory(enterprise=enterprise, work="Travaux " * 25, amount=5_000)
    for number in range(20):
        ContactFactory(enterprise=enterprise, function="Direction " * 12)
        CertificationFactory(enterprise=enterprise, number=str(number), issuer="Organisme " * 11)
        PermitFactory(enterprise=enterprise, kind=f"Permis {number}", number="9" * 40)
        EnterpriseBenefitFactory(
            enterprise=enterprise, benefit=BenefitFactory(slug=f"b{number}"), evidence="y" * 240
        )
    RecognitionFactory(enterprise=enterprise)
    image = io.BytesIO()
    Image.new("RGB", (400, 300), "teal").save(image, "WEBP")
    logo = default_storage.save("pdf.webp", ContentFile(image.getvalue()))
    Enterprise.objects.filter(pk=enterprise.pk).update(
        mission=long, description=long, logo=logo, name=NAME
    )
    yield enterprise
    default_storage.delete(logo)


def test_the_longest_listing_fits_on_one_page(alice, full):
    document = pdf(alice)
    assert_accessible(document, NAME)
    said = words(document)
    assert "Et 18 autres sur le site" in said
    # What is cut says so: of 20 statuses and permits 12 are there, of 20 people 3.
    assert said.count("Et 8 autres sur le site") >= 2
    assert "Et 17 autres sur le site" in said
    assert document.pages[0].Resources.XObject


def test_what_people_wrote_is_never_markup(alice, enterprise):
    hostile = '#read("/etc/passwd") $x$ *gras* _it_ `c` @ref <l> = Titre \\ // #{ 1 + } [ ] "'
    sections.apply(
        enterprise=enterprise,
        section="offerings",
        changes={
            "offerings": [
                {"kind": "service", "name": hostile, "description": hostile, "category": None}
            ]
        },
        by=alice.user,
        source="owner",
    )
    said = words(pdf(alice)).replace(" ", "")
    assert '#read("/etc/passwd")$x$*gras*_it_`c`@ref<l>=Titre\\//#{1+}[]"' in said
    assert "root:" not in said


def test_what_is_kept_to_staff_is_not_in_a_file_that_travels(alice, enterprise):
    ContactFactory(enterprise=enterprise, name="Publique Personne")
    ContactFactory(
        enterprise=enterprise,
        name="Secret Personnage",
        email="secret@exemple.test",
        name_visibility=Visibility.STAFF,
        email_visibility=Visibility.STAFF,
        phone_visibility=Visibility.STAFF,
    )
    said = words(pdf(alice))
    assert "Publique Personne" in said
    assert "ecret" not in said


def test_a_logo_whose_file_is_gone_is_left_out(alice, enterprise):
    Enterprise.objects.update(logo="disparu.webp")
    assert_accessible(pdf(alice), enterprise.name)
