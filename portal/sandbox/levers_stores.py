"""Sandbox: the demo stores, for scripts that want to pay in one."""

from typing import Any

from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal.http import portal
from portal.sandbox import levers
from portal.services import stores


@levers.get("/stores")
def every_store() -> ResponseReturnValue:
    """The stores with what a script needs of them: id, discount, and the code of the counter's QR."""
    return {"stores": portal().db.read(_stores)}


def _stores(session: Session) -> list[dict[str, Any]]:
    return [
        {
            "id": store.public_id,
            "name": store.name,
            "address": store.address,
            "area": store.area,
            "discount_type": store.discount_type,
            "discount_value": f"{store.discount_value:.2f}",
            "code": store.code,
            "pay_url": f"{portal().settings.public_url}/pay/{store.code}",
        }
        for store in stores.page(session, count=200)
    ]
