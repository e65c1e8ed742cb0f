"""QR texts that Taiwan's banking apps understand (FISC's TWQRP, personal transfer)."""

from urllib.parse import quote

from portal.services.voucher_orders import Payable

#: Currency number of the New Taiwan dollar (ISO 4217).
_TWD = "901"


def transfer(found: Payable) -> str | None:
    """The transfer that pays an order: bank, account filled up to 16 digits, amount in cents; None before there is one.

    Shape: `TWQRP://<label>/158/02/V1?D5=<bank>&D6=<account>&D10=<currency>&D1=<cents>`.
    """
    if found.virtual is None:
        return None
    cents = found.order.total_units // 100
    account = found.virtual.account.rjust(16, "0")
    label = quote("轉帳")
    return f"TWQRP://{label}/158/02/V1?D5={found.virtual.bank_code}&D6={account}&D10={_TWD}&D1={cents}"
