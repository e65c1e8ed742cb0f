"""The numbers by which people and banks call a movement: `yyyymmdd` and six digits (brokerage transactionRef)."""

import zlib
from datetime import datetime

from portal.services.activity import taipei_day

#: Spreads row numbers over six digits so that a reference does not tell how much business there is; odd and no multiple
#: of five, so that no two of a million rows in a row share one.
_SPREAD = 387_420_489


def of_row(kind: str, moment: datetime, row_id: int) -> str:
    """The reference of a row made at a moment; unique within its kind. Kinds begin at different places, so that the first

    purchase, payment and swap of a day do not all bear the same number.
    """
    digits = (row_id * _SPREAD + zlib.crc32(kind.encode())) % 10**6
    return f"{taipei_day(moment).replace('-', '')}{digits:06d}"
