"""Mailbox and phone of the sandbox: what is sent can be read at /sandbox/messages."""

from portal.adapters.sandbox.world import World
from portal.clock import Clock
from portal.ports import Mail


class SandboxMail:
    """Keeps mails in the world."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._world, self._clock = world, clock

    def send(self, mail: Mail) -> None:
        with self._world.call("mail") as times:
            for _ in range(times):
                _keep(
                    self._world, self._clock, mail.key, "mail", mail.to, mail.subject, mail.text, mail.html, mail.code
                )


class SandboxSms:
    """Keeps text messages in the world."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._world, self._clock = world, clock

    def send(self, key: str, to: str, text: str, code: str | None = None) -> None:
        with self._world.call("sms") as times:
            for _ in range(times):
                _keep(self._world, self._clock, key, "sms", to, "", text, None, code)


def _keep(
    world: World,
    clock: Clock,
    key: str,
    channel: str,
    to: str,
    subject: str,
    body: str,
    html: str | None,
    code: str | None,
) -> None:
    with world.change() as connection:
        connection.execute(
            "INSERT INTO messages (key, channel, recipient, subject, body, html, code, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (key, channel, to, subject, body, html, code, clock.now().isoformat()),
        )
