"""Captchas: a picture to read before an act that a machine would like to repeat. Each serves once, even when read wrong."""

import base64
import io
import secrets
import threading
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from captcha.audio import AudioCaptcha
from captcha.image import ImageCaptcha
from sqlalchemy.orm import Session

from portal.db import now
from portal.errors import N_, Refusal, declare
from portal.models.security import Captcha

LIFE = timedelta(minutes=5)
LENGTH = 4
#: Without signs that people take for one another (0 O, 1 I L, 2 Z, 5 S, 8 B).
ALPHABET = "34679ACDEFGHJKMNPQRTUVWXY"

declare({"captcha_wrong": N_("The characters from the picture are not right. Here is a new picture.")})

_drawer = ImageCaptcha(width=160, height=60)
_speaker = AudioCaptcha()
#: Speaking takes a third of a second of work; one at a time, so that it starves nothing else.
_speaking = threading.Lock()


@dataclass(frozen=True, slots=True)
class Picture:
    """A captcha as it is shown: its id (decimal digits) and a JPEG."""

    captcha_id: str
    jpeg: bytes

    @property
    def base64(self) -> str:
        """The JPEG as base64 text."""
        return base64.b64encode(self.jpeg).decode()


def draw() -> tuple[str, bytes]:
    """A fresh text and its picture; pure, so that it is drawn outside any transaction."""
    text = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    canvas = io.BytesIO()
    _drawer.generate_image(text).convert("RGB").save(canvas, "JPEG", quality=70)
    return text, canvas.getvalue()


def keep(session: Session, text: str, jpeg: bytes) -> Picture:
    """Gives a drawn captcha out; it lives five minutes."""
    captcha_id = str(10**18 + secrets.randbelow(9 * 10**18))
    session.add(Captcha(id=captcha_id, text=text, expires_at=now(session) + LIFE))
    session.flush()
    return Picture(captcha_id, jpeg)


def text_of(session: Session, captcha_id: str) -> str:
    """What a captcha shows that has not served yet, for speaking it. Raises Refusal `not_found`."""
    found = session.scalar(sa.select(Captcha.text).where(Captcha.id == captcha_id, Captcha.expires_at > now(session)))
    if found is None:
        raise Refusal("not_found")
    return found


def speak(text: str) -> bytes:
    """The captcha's characters as speech in noise (WAV), for who cannot see the picture; pure."""
    with _speaking:
        return bytes(_speaker.generate(text))


def use(session: Session, captcha_id: str | None, text: str | None) -> bool:
    """Uses the captcha up and answers whether it was read right; case does not matter."""
    if not captcha_id or len(captcha_id) > 24:
        return False
    gone = session.execute(
        sa.delete(Captcha).where(Captcha.id == captcha_id).returning(Captcha.text, Captcha.expires_at)
    ).first()
    if gone is None or gone.expires_at <= now(session):
        return False
    return secrets.compare_digest(gone.text.encode(), (text or "").strip().upper().encode())


def demand(session: Session, captcha_id: str | None, text: str | None) -> None:
    """Uses the captcha up. Raises Refusal `captcha_wrong` (kept); call it before any other write."""
    if not use(session, captcha_id, text):
        raise Refusal("captcha_wrong", field="captchaNumber", keep=True)


def forget_old(session: Session) -> int:
    """Deletes captchas past their life; how many."""
    gone = session.execute(sa.delete(Captcha).where(Captcha.expires_at < now(session)))
    return gone.rowcount if isinstance(gone, sa.CursorResult) else 0
