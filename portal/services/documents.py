"""Making a document that somebody sent harmless: its real type, its size, and a new file made from its contents.

Nothing of the sent bytes is kept as it was: pictures are decoded and encoded anew, PDFs are rebuilt page by page from an
allow-list. What a file calls itself (name, content type) is never looked at.
"""

import threading
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageOps
from pypdf import PdfReader, PdfWriter
from pypdf.generic import NameObject

from portal.errors import N_, Refusal, declare

#: A picture with more pixels than this is refused before it is decoded.
MAX_PIXELS = 50_000_000
MAX_SIDE = 20_000
#: Larger pictures are scaled down: fine print stays readable, memory stays bounded.
KEPT_SIDE = 4096
MAX_PAGES = 20
MAX_PDF_OBJECTS = 20_000

# Pillow's own guard, for whatever it opens inside; the sizes above are checked before anything is decoded.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS

#: Decoding takes memory: at most so many documents of a process are decoded at once.
_DECODERS = threading.BoundedSemaphore(2)

_JPEG = b"\xff\xd8\xff"
_PNG = b"\x89PNG\r\n\x1a\n"
_PDF = b"%PDF-"

_PAGE_PARTS = ("/Contents", "/Resources", "/MediaBox", "/CropBox", "/Rotate")
#: Never copied from inside a page's resources: whatever acts, embeds, plays or tells of the maker.
_DROPPED = (
    "/AA", "/A", "/JS", "/JavaScript", "/OpenAction", "/Launch", "/EF", "/EmbeddedFile", "/EmbeddedFiles", "/RichMedia",
    "/AF", "/Annots", "/Parent", "/StructParent", "/StructParents", "/Metadata", "/PieceInfo", "/OPI", "/Alternates", "/URI",
    "/F", "/FFilter", "/FDecodeParms", "/Ref", "/Measure", "/PtData", "/Properties", "/OC",
)  # fmt: skip

declare(
    {
        "file_invalid": N_("This file cannot be used. Please send a JPG, PNG or PDF."),
        "file_too_large": N_("This file is too large."),
    }
)


@dataclass(frozen=True, slots=True)
class CleanDocument:
    """A document made anew: `media_type` is image/jpeg, image/png or application/pdf."""

    content: bytes
    media_type: str

    @property
    def extension(self) -> str:
        """The ending that fits the type, with its dot."""
        return {"image/jpeg": ".jpg", "image/png": ".png", "application/pdf": ".pdf"}[self.media_type]


def clean_document(content: bytes, *, max_bytes: int, allow_pdf: bool = True) -> CleanDocument:
    """Makes a harmless copy of a sent picture or PDF; pure.

    JPEG and PNG are decoded, turned upright and encoded anew without metadata; of a PDF only what its pages show is kept.
    Raises Refusal `file_too_large` (fact: max_bytes) or `file_invalid` for anything else, empty, broken, encrypted or
    hugely unfolding.
    """
    if len(content) > max_bytes:
        raise Refusal("file_too_large", field="file", max_bytes=max_bytes)
    try:
        with _DECODERS:
            if content.startswith(_JPEG):
                return CleanDocument(_picture(content, "JPEG"), "image/jpeg")
            if content.startswith(_PNG):
                return CleanDocument(_picture(content, "PNG"), "image/png")
            if allow_pdf and content.startswith(_PDF):
                return CleanDocument(_pdf(content), "application/pdf")
    except Refusal:
        raise
    except Exception as error:
        # The decoders meet hostile input here: whatever they choke on is a bad file, never a failure of the portal.
        raise Refusal("file_invalid", field="file") from error
    raise Refusal("file_invalid", field="file")


def _picture(content: bytes, kind: str) -> bytes:
    picture = Image.open(BytesIO(content), formats=(kind,))  # reads the header alone
    width, height = picture.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise Refusal("file_invalid", field="file")
    if kind == "JPEG":
        picture.draft("RGB", (KEPT_SIDE, KEPT_SIDE))
    picture.load()
    upright = ImageOps.exif_transpose(picture)
    upright.thumbnail((KEPT_SIDE, KEPT_SIDE))
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        paper = Image.new("RGBA", upright.size, "white")
        upright = Image.alpha_composite(paper, upright.convert("RGBA"))
    flat = upright.convert("RGB")
    flat.info.clear()
    made = BytesIO()
    if kind == "JPEG":
        flat.save(made, "JPEG", quality=90)
    else:
        flat.save(made, "PNG")
    return made.getvalue()


def _pdf(content: bytes) -> bytes:
    reader = PdfReader(BytesIO(content), strict=False)
    if reader.is_encrypted or len(reader.xref_objStm) + sum(map(len, reader.xref.values())) > MAX_PDF_OBJECTS:
        raise Refusal("file_invalid", field="file")
    if not 1 <= len(reader.pages) <= MAX_PAGES:
        raise Refusal("file_invalid", field="file")
    writer = PdfWriter()
    for page in reader.pages:
        width, height = page.mediabox.width, page.mediabox.height
        if not (0 < width <= 14_400 and 0 < height <= 14_400):
            raise Refusal("file_invalid", field="file")
        copy = writer.add_blank_page(width, height)
        for part in _PAGE_PARTS:
            if part in page:
                copy[NameObject(part)] = page[part].clone(writer, ignore_fields=_DROPPED)
    writer.metadata = None
    made = BytesIO()
    writer.write(made)
    return made.getvalue()
