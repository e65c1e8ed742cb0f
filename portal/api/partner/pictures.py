"""Pictures in base64: decoded strictly, made harmless, and stored before the transaction that uses them."""

import base64
import binascii

from portal.errors import N_, Refusal, declare
from portal.http import portal
from portal.services import files
from portal.services.files import CleanDocument, Stored

#: "Under 2 MB" (partner contract 1.1): the file itself, not its base64.
MAX_BYTES = 2 * 1024 * 1024 - 1

declare({"picture_unusable": N_("This picture cannot be used. Please send a JPG or PNG under 2 MB.")})


def clean(text: str, field: str) -> CleanDocument:
    """A harmless copy of a picture. Raises Refusal `picture_unusable`."""
    if len(text) > MAX_BYTES * 4 // 3 + 4:
        raise Refusal("picture_unusable", field=field)
    try:
        content = base64.b64decode(text, validate=True)
        return files.clean_document(content, max_bytes=MAX_BYTES, allow_pdf=False)
    except (binascii.Error, ValueError, Refusal) as error:
        raise Refusal("picture_unusable", field=field) from error


def store(documents: dict[str, CleanDocument]) -> dict[str, Stored]:
    """Stores pictures. Raises Refusal `picture_unusable` when the store is away: the document's own words for it."""
    try:
        return {field: files.put(portal().db, document) for field, document in documents.items()}
    except Refusal as refusal:
        raise Refusal("picture_unusable") from refusal
