"""What a proposal keeps sealed survives a rotation of the keys: it is approved under the new key alone."""

from typing import Any

import sqlalchemy as sa
from flask import Flask

from portal.models.bank import BankRefund
from portal.models.staff import Approval
from portal.services import bank_refunds, key_rotation
from tests.services.test_key_rotation import NEW_KEY, use_keys
from tests.staff.test_queues import suspended
from tests.support import desk


def test_a_refund_proposed_under_the_old_key_is_paid_under_the_new_one(app: Flask, portal: Any) -> None:
    credit = suspended(portal, "50000")
    target = {"bank_code": "004", "branch_code": "0037", "account": "12345678901", "holder": "王大明"}
    where, who = f"/staff/bank/credits/{credit.public_id}", desk.desk(app, "finance")
    who.submit(where, "/refund", **target, reason="not ours")
    with portal.db.session() as session:
        proposal = session.scalars(sa.select(Approval)).one()
        assert "12345678901" not in str(proposal.payload)
    assert who.submit(where, "/refund", **target, reason="not ours", status=422).errors
    use_keys(portal, NEW_KEY, portal.settings.encryption_keys[0])
    assert portal.db.read(key_rotation.left)["sealed_facts.content_sealed"] == 1
    list(key_rotation.rotate(portal.db))
    assert portal.db.read(key_rotation.left) == {}
    use_keys(portal, NEW_KEY)
    other = desk.desk(app, "treasury")
    page = other.page(str(other.page("/staff/approvals").one("#list td a")["href"]))
    assert "8901" in page.text
    other.submit(page, "/approve")
    refund_id = portal.db.read(lambda session: session.scalar(sa.select(BankRefund.id)))
    assert portal.db.read(bank_refunds.opened, refund_id) == ("12345678901", "王大明")
