"""The numbers by which people and banks call a movement: `yyyymmdd` and six digits (brokerage transactionRef)."""

from datetime import datetime

from portal.services.activity import taipei_day

#: Spreads row numbers over six digits so that a reference does not tell how much business there is; odd and no multiple
#: of five, so that no two of a million rows in a row share one.
_SPREAD = 387_420_489


def of_row(moment: datetime, row_id: int) -> str:
    """The reference of a row made at a moment; unique within its table."""
    return f"{taipei_day(moment).replace('-', '')}{row_id * _SPREAD % 10**6:06d}"
