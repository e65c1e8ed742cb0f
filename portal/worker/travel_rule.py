"""Telling the provider of a receiving wallet who sends and who receives, before anything leaves."""

from typing import Any

from portal.bootstrap import Portal
from portal.ports import PortRejected
from portal.services import travel_rule
from portal.worker.duties import handles


@handles(travel_rule.JOB)
def tell(portal: Portal, payload: dict[str, Any], job_id: int) -> None:
    """Tells one record; a final no ends the withdrawal."""
    record_id, port = int(payload["record"]), portal.ports.travel_rule
    message = portal.db.read(travel_rule.message, record_id)
    if message is None or port is None:
        return
    try:
        reference = port.tell(message)
    except PortRejected as error:
        portal.db.transact(travel_rule.refused, record_id, str(error))
        return
    portal.db.transact(travel_rule.told, record_id, reference)
