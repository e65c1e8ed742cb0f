"""What is kept of a document that somebody sends: a new file with the same picture, and nothing else."""

import random
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfReader

from portal.errors import Refusal
from portal.services.documents import MAX_PAGES, clean_document
from tests.support import documents
from tests.support.documents import FIVE_MB

ACTIVE = {
    "/JS",
    "/JavaScript",
    "/OpenAction",
    "/AA",
    "/Launch",
    "/EmbeddedFile",
    "/EmbeddedFiles",
    "/EF",
    "/Annots",
    "/URI",
}


def refused(content: bytes, name: str = "file_invalid", **options: object) -> None:
    with pytest.raises(Refusal) as refusal:
        clean_document(content, max_bytes=FIVE_MB, **options)
    assert refusal.value.name == name


def test_a_photo_stays_a_photo_of_its_size() -> None:
    document = clean_document(documents.jpeg(640, 480), max_bytes=FIVE_MB)
    assert document.media_type == "image/jpeg"
    assert document.extension == ".jpg"
    assert Image.open(BytesIO(document.content)).size == (640, 480)


def test_place_camera_and_comment_are_gone_and_the_photo_stands_upright() -> None:
    document = clean_document(documents.jpeg_with_place(), max_bytes=FIVE_MB)
    picture = Image.open(BytesIO(document.content))
    assert picture.size == (200, 300)
    assert not dict(picture.getexif())
    assert not picture.getexif().get_ifd(0x8825)
    assert b"SecretCamera" not in document.content
    assert b"Exif" not in document.content


def test_a_photo_that_is_also_a_page_is_only_a_photo_afterwards() -> None:
    document = clean_document(documents.jpeg_that_is_also_html(), max_bytes=FIVE_MB)
    assert b"<script" not in document.content
    assert b"<html" not in document.content


def test_a_transparent_picture_lies_on_white() -> None:
    sent = documents.png(mode="RGBA", colour=(0, 0, 0, 0))
    picture = Image.open(BytesIO(clean_document(sent, max_bytes=FIVE_MB).content))
    assert picture.mode == "RGB"
    assert picture.getpixel((5, 5)) == (255, 255, 255)


def test_a_pictures_profile_and_texts_are_gone() -> None:
    from PIL.PngImagePlugin import PngInfo

    notes = PngInfo()
    notes.add_text("Comment", "<script>alert(1)</script>", zip=False)
    document = clean_document(documents.png(pnginfo=notes, icc_profile=b"profile" * 40), max_bytes=FIVE_MB)
    assert b"<script" not in document.content
    assert b"iCCP" not in document.content


def test_a_huge_photo_is_scaled_down() -> None:
    document = clean_document(documents.jpeg(9000, 3000), max_bytes=FIVE_MB)
    assert max(Image.open(BytesIO(document.content)).size) <= 4096


@pytest.mark.parametrize("size", [(60_000, 60_000), (200_000, 1), (8_000, 8_000)])
def test_a_pixel_bomb_is_refused_before_it_unfolds(size: tuple[int, int]) -> None:
    refused(documents.png_bomb(*size))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"%PDF-1.7",
        b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        b'<?xml version="1.0"?><svg/>',
        b"GIF89a\x01\x00\x01\x00\x00\x00\x00;",
        b"RIFF\x24\x00\x00\x00WEBPVP8 ",
        b"<html><script>alert(1)</script></html>",
        b"MZ\x90\x00",
        b" " + documents.jpeg(),
        documents.jpeg()[:400],
        documents.png()[:60],
        documents.pdf()[:200],
        documents.pdf(password="1234"),
        documents.pdf(pages=MAX_PAGES + 1),
    ],
)
def test_what_is_no_whole_jpg_png_or_pdf_is_refused(content: bytes) -> None:
    refused(content)


def test_one_byte_too_many_is_refused() -> None:
    padded = documents.jpeg() + b"\x00" * FIVE_MB
    refused(padded[: FIVE_MB + 1], "file_too_large")
    assert clean_document(padded[:FIVE_MB], max_bytes=FIVE_MB).media_type == "image/jpeg"


def test_a_pdf_keeps_what_its_pages_show() -> None:
    document = clean_document(documents.pdf(3), max_bytes=FIVE_MB)
    assert document.media_type == "application/pdf"
    pages = PdfReader(BytesIO(document.content)).pages
    assert [page.extract_text().strip() for page in pages] == ["Passbook 1", "Passbook 2", "Passbook 3"]


def test_a_scripted_pdf_loses_all_that_acts() -> None:
    sent = documents.scripted_pdf()
    assert ACTIVE & documents.pdf_keys(sent)
    document = clean_document(sent, max_bytes=FIVE_MB)
    assert not ACTIVE & documents.pdf_keys(document.content)
    for secret in (b"calc.exe", b"tool.exe", b"MZ not", b"evil.example", b"app.alert"):
        assert secret not in document.content
    assert "Statement 1" in PdfReader(BytesIO(document.content)).pages[0].extract_text()


def test_a_pdf_is_refused_where_only_pictures_are_asked_for() -> None:
    refused(documents.pdf(), allow_pdf=False)


@settings(max_examples=150, deadline=None)
@given(st.integers(min_value=0, max_value=2**32), st.sampled_from(["jpeg", "png", "pdf", "scripted"]))
def test_a_damaged_document_is_cleaned_or_refused_never_a_failure(seed: int, kind: str) -> None:
    whole = {"jpeg": JPEG, "png": PNG, "pdf": PDF, "scripted": SCRIPTED}[kind]
    chance = random.Random(seed)
    damaged = bytearray(whole)
    for _ in range(chance.randint(1, 12)):
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
    try:
        document = clean_document(bytes(damaged), max_bytes=FIVE_MB)
    except Refusal:
        return
    if document.media_type == "application/pdf":
        assert not ACTIVE & documents.pdf_keys(document.content)


JPEG, PNG, PDF, SCRIPTED = documents.jpeg(64, 48), documents.png(64, 48), documents.pdf(), documents.scripted_pdf()
