"""Documents for upload tests: honest ones, and the ways in which a file can lie."""

import zlib
from io import BytesIO
from typing import Any

from PIL import Image
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, IndirectObject, NameObject, StreamObject, TextStringObject

FIVE_MB = 5 * 1024 * 1024


def jpeg(width: int = 320, height: int = 200, *, colour: str = "#225577", **options: Any) -> bytes:
    """A photo of one colour; `options` go to the encoder (`exif`, `comment`, …)."""
    made = BytesIO()
    Image.new("RGB", (width, height), colour).save(made, "JPEG", **options)
    return made.getvalue()


def png(width: int = 320, height: int = 200, *, mode: str = "RGB", colour: Any = "#335511", **options: Any) -> bytes:
    """A picture of one colour as PNG."""
    made = BytesIO()
    Image.new(mode, (width, height), colour).save(made, "PNG", **options)
    return made.getvalue()


def jpeg_with_place() -> bytes:
    """A photo whose EXIF tells the camera, the place, and that it lies on its side."""
    picture = Image.new("RGB", (300, 200), "#aa2200")
    exif = picture.getexif()
    exif[0x010F] = "SecretCamera"
    exif[0x0112] = 6
    exif[0x8825] = {1: "N", 2: (25.0, 2.0, 0.0), 3: "E", 4: (121.0, 33.0, 0.0)}
    made = BytesIO()
    picture.save(made, "JPEG", exif=exif)
    return made.getvalue()


def jpeg_that_is_also_html() -> bytes:
    """A photo with a page inside and another behind it."""
    return jpeg(comment=b"<script>alert(1)</script>") + b"<html><script>alert(2)</script></html>"


def png_bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """A few bytes that say they are billions of pixels."""
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\x00\x00\x00"
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(bytes(1000)))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")


def pdf(pages: int = 1, text: str = "Passbook", *, password: str = "") -> bytes:
    """A PDF that says something on every page."""
    writer = _pdf(pages, text)
    if password:
        writer.encrypt(password)
    return _written(writer)


def _pdf(pages: int, text: str) -> PdfWriter:
    writer = PdfWriter()
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    for number in range(1, pages + 1):
        page = writer.add_blank_page(300, 200)
        stream = StreamObject()
        stream.set_data(f"BT /F1 18 Tf 20 100 Td ({text} {number}) Tj ET".encode())
        page[NameObject("/Contents")] = writer._add_object(stream)
        page[NameObject("/Resources")] = DictionaryObject(
            {NameObject("/Font"): DictionaryObject({NameObject("/F1"): writer._add_object(font)})}
        )
    return writer


def scripted_pdf() -> bytes:
    """A PDF with a script at opening, a launch action on a link, an attachment and a form that sends itself."""
    writer = _pdf(1, "Statement")
    script = DictionaryObject(
        {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("app.alert('opened')")}
    )
    writer.add_attachment("tool.exe", b"MZ not a picture")
    page = writer.pages[0]
    page[NameObject("/AA")] = DictionaryObject({NameObject("/C"): writer._add_object(script)})
    page[NameObject("/Resources")][NameObject("/AA")] = script
    launch = DictionaryObject({NameObject("/S"): NameObject("/Launch"), NameObject("/F"): TextStringObject("calc.exe")})
    link = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Annot"),
            NameObject("/Subtype"): NameObject("/Link"),
            NameObject("/A"): DictionaryObject(
                {NameObject("/S"): NameObject("/URI"), NameObject("/URI"): TextStringObject("https://evil.example")}
            ),
        }
    )
    writer.add_annotation(0, link)
    writer._root_object[NameObject("/OpenAction")] = writer._add_object(launch)
    return _written(writer)


def _written(writer: PdfWriter) -> bytes:
    made = BytesIO()
    writer.write(made)
    return made.getvalue()


def pdf_keys(content: bytes) -> set[str]:
    """Every dictionary key that occurs anywhere in a PDF."""
    reader = PdfReader(BytesIO(content))
    seen: set[int] = set()
    keys: set[str] = set()

    def walk(thing: Any) -> None:
        if isinstance(thing, IndirectObject):
            if thing.idnum in seen:
                return
            seen.add(thing.idnum)
            thing = thing.get_object()
        if isinstance(thing, dict):
            for key, value in dict.items(thing):
                keys.add(str(key))
                walk(value)
        elif isinstance(thing, list):
            for value in list.__iter__(thing):
                walk(value)

    walk(reader.trailer)
    for generation in reader.xref.values():
        for number in generation:
            if number:
                walk(IndirectObject(number, 0, reader))
    return keys
