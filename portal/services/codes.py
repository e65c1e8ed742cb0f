"""Verification codes by mail and SMS: one service for every purpose. Each area only renames the refusals.

A code is six digits, lives 5 minutes, admits 5 tries, and is bound to purpose, subject and target. A newer one ends
the older and inherits its tries, so that asking again never buys more guesses.
"""

import secrets
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import exchanges
from portal.db import Context, context, now
from portal.errors import N_, Refusal, declare
from portal.models.security import VerificationCode

LIFE = timedelta(minutes=5)
RESEND_AFTER = timedelta(seconds=60)
MAX_TRIES = 5
#: Of one purpose, for anybody who asks; what a signed-in customer does counts against the budget of all purposes only:
#: somebody who pays at many counters a day starts many things, each needs a code, and one may have to be sent again.
MAX_PER_PURPOSE_AND_DAY = 20
MAX_PER_TARGET_AND_DAY = 200

declare(
    {
        "code_wrong": N_("This code is not right."),
        "code_expired": N_("This code has expired. Please ask for a new one."),
        "code_too_soon": N_("A code was sent a moment ago. Please wait before asking for another."),
    }
)


def issue(
    session: Session,
    purpose: str,
    subject: str,
    channel: str,
    target: str,
    *,
    throttle: bool = True,
    signed_in: bool = False,
    secret: str | None = None,
    life: timedelta = LIFE,
) -> str:
    """Makes a code and answers it, for the message the caller sends in the same transaction.

    `subject` names what it proves (`withdrawal:12`), `channel` is `mail` or `sms`, `target` the address or number.
    `throttle=False` is for a code that starts something new in a signed-in customer's own hand rather than being
    asked for again; `signed_in` for one sent again in such a hand, which is slowed but not rationed with what strangers
    may ask for. A long `secret` of the caller's may stand for the six digits, with a longer `life`. Raises
    Refusal `code_too_soon` (fact: retry_after_seconds).
    """
    moment = now(session)
    target_digest = _target_digest(session, target)
    older = _live(session, purpose, subject)
    if throttle and older is not None and older.sent_at + RESEND_AFTER > moment:
        wait = int((older.sent_at + RESEND_AFTER - moment).total_seconds()) + 1
        raise Refusal("code_too_soon", retry_after_seconds=wait)
    rationed = purpose if throttle and not signed_in else None
    if _is_used_up(session, target_digest, rationed, moment):
        raise Refusal("code_too_soon", retry_after_seconds=3600)
    code = secret or f"{secrets.randbelow(10**6):06d}"
    fresh = VerificationCode(
        purpose=purpose,
        subject=subject,
        channel=channel,
        target_digest=target_digest,
        code_digest=digest_of(context(session), purpose, subject, target, code),
        tries=older.tries if older is not None and older.expires_at > moment else 0,
        created_at=moment,
        sent_at=moment,
        expires_at=moment + life,
    )
    if older is not None:
        older.ended_at = moment
    session.add(fresh)
    session.flush()
    return code


def _is_used_up(session: Session, target_digest: str, purpose: str | None, moment: datetime) -> bool:
    """Whether a target has had its codes of the last day: of all purposes, or of the one that is rationed."""
    of_purpose = sa.case((VerificationCode.purpose == purpose, 1)) if purpose else sa.null()
    sent, of_this = session.execute(
        sa.select(sa.func.count(), sa.func.count(of_purpose)).where(
            VerificationCode.target_digest == target_digest,
            VerificationCode.created_at > moment - timedelta(days=1),
        )
    ).one()
    return bool(sent >= MAX_PER_TARGET_AND_DAY or of_this >= MAX_PER_PURPOSE_AND_DAY)


def verify(session: Session, purpose: str, subject: str, target: str, code: str, *, hopeful: bool = False) -> None:
    """Uses up the code. Raises Refusal `code_wrong` (kept: the try counts) or `code_expired`.

    Call it before writing anything else in the transaction. A `hopeful` one takes the code for right as long as nothing is
    committed, for hot paths: a wrong one then gives all back, and is looked at when the transaction runs again.
    """
    wanted = {"for_purpose": purpose, "for_subject": subject, "moment": now(session)}
    digest = digest_of(context(session), purpose, subject, target, code)
    if hopeful and exchanges.may_hope(session):
        exchanges.later(session, _USE, {**wanted, "digest": digest}, otherwise=exchanges.Disappointed())
        return
    tried = exchanges.ask(session, _TRY, {**wanted, "digest": digest}).rows
    if not tried:
        late = exchanges.ask(session, _LATE, wanted).rows
        raise Refusal("code_expired" if late else "code_wrong", field="code")
    ((used_at,),) = tried
    if used_at is None:
        raise Refusal("code_wrong", field="code", keep=True)


_CODES: sa.Table = VerificationCode.__table__

_ALIVE = (_CODES.c.used_at.is_(None), _CODES.c.ended_at.is_(None))

_NEWEST = (
    sa.select(_CODES.c.id)
    .where(_CODES.c.purpose == sa.bindparam("for_purpose"), _CODES.c.subject == sa.bindparam("for_subject"), *_ALIVE)
    .order_by(_CODES.c.id.desc())
    .limit(1)
    .scalar_subquery()
)

#: Counts the try and, for the right code, uses it up, in one statement: tries at once come one after another on its row.
#: No row when the tries are spent, the code is too old, or another hand was first. Digests are keyed, so comparing them
#: in the database tells nothing by its time.
_TRY = (
    sa.update(_CODES)
    .where(_CODES.c.id == _NEWEST, _CODES.c.expires_at > sa.bindparam("moment"), _CODES.c.tries < MAX_TRIES, *_ALIVE)
    .values(
        tries=_CODES.c.tries + 1,
        used_at=sa.case((_CODES.c.code_digest == sa.bindparam("digest"), sa.bindparam("moment")), else_=None),
    )
    .returning(_CODES.c.used_at)
)

_used = (
    sa.update(_CODES)
    .where(
        _CODES.c.id == _NEWEST,
        _CODES.c.expires_at > sa.bindparam("moment"),
        _CODES.c.tries < MAX_TRIES,
        _CODES.c.code_digest == sa.bindparam("digest"),
        *_ALIVE,
    )
    .values(tries=_CODES.c.tries + 1, used_at=sa.bindparam("moment"))
    .returning(_CODES.c.id)
    .cte("used")
)

#: Uses the right code up, or fails.
_USE = sa.select(
    (sa.literal_column("1") / sa.select(sa.func.count()).select_from(_used).scalar_subquery()).label("used")
)

_LATE = sa.select(_CODES.c.id).where(_CODES.c.id == _NEWEST, _CODES.c.expires_at <= sa.bindparam("moment"))


def end(session: Session, purpose: str, subject: str) -> None:
    """Ends the live code of a subject whose matter is closed."""
    session.execute(
        sa.update(VerificationCode)
        .where(
            VerificationCode.purpose == purpose,
            VerificationCode.subject == subject,
            VerificationCode.used_at.is_(None),
            VerificationCode.ended_at.is_(None),
        )
        .values(ended_at=now(session))
    )


def _live(session: Session, purpose: str, subject: str) -> VerificationCode | None:
    query = (
        sa.select(VerificationCode)
        .where(
            VerificationCode.purpose == purpose,
            VerificationCode.subject == subject,
            VerificationCode.used_at.is_(None),
            VerificationCode.ended_at.is_(None),
        )
        .order_by(VerificationCode.id.desc())
        .limit(1)
    )
    return session.scalar(query.with_for_update().execution_options(populate_existing=True))


def digest_of(portal: Context, purpose: str, subject: str, target: str, code: str) -> str:
    """What is kept of a code."""
    return portal.vault.index(f"{purpose}\x00{subject}\x00{target}\x00{code}", "verification code")


def _target_digest(session: Session, target: str) -> str:
    return context(session).vault.index(target, "verification target")
