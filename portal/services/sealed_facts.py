"""Facts that a proposal needs and that nobody should read in passing: kept sealed beside it, named by a number.

What was proposed is never changed, so a sealed value inside a payload could not be put under a newer key.
"""

from typing import Any

import orjson
from sqlalchemy.orm import Session

from portal.db import context, now
from portal.errors import Refusal
from portal.models.staff import SealedFact

PURPOSE = "proposal"


def keep(session: Session, facts: dict[str, Any]) -> int:
    """Keeps facts and answers the number that a payload names."""
    made = SealedFact(content_sealed=context(session).vault.seal(orjson.dumps(facts), PURPOSE), created_at=now(session))
    session.add(made)
    session.flush()
    return made.id


def opened(session: Session, number: object) -> dict[str, Any]:
    """The facts of a number. Raises Refusal `approval_overtaken` when there are none."""
    found = session.get(SealedFact, number) if isinstance(number, int) else None
    if found is None:
        raise Refusal("approval_overtaken")
    facts: dict[str, Any] = orjson.loads(context(session).vault.open(found.content_sealed, PURPOSE))
    return facts
