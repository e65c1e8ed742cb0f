"""What a phone's camera reads from a page: the picture of a QR card as Chromium draws it, decoded by ZXing."""

import io

import zxingcpp
from PIL import Image
from playwright.sync_api import Locator


def read(card: Locator) -> str:
    """The text of the one code in the picture of an element; fails when there is none or more than one."""
    picture = Image.open(io.BytesIO(card.screenshot())).convert("RGB")
    found = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode, try_invert=False)
    assert len(found) == 1, f"{len(found)} codes in a picture of {picture.width} by {picture.height} px"
    return str(found[0].text)
