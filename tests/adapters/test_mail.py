"""Mail is handed over whole or not at all, and a final no is told from a passing trouble: a real SMTP server and the twin."""

import email
import email.policy
import socket
from datetime import UTC, datetime

import pytest
from aiosmtpd.controller import Controller

from portal.adapters.sandbox.messages import SandboxMail
from portal.adapters.sandbox.world import World
from portal.adapters.smtp import SmtpMail
from portal.clock import SystemClock
from portal.ports import Mail, PortError, PortRejected

LETTER = Mail(
    "mail-7", "amy@example.com", "驗證碼", "您的驗證碼是 123456\n", "<p>您的驗證碼是 <b>123456</b></p>", "123456"
)


class Postbox:
    """What an SMTP server takes in, and how it refuses."""

    def __init__(self):
        self.letters = []
        self.refusal = None

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if self.refusal:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.letters.append((envelope.rcpt_tos, envelope.content))
        return "250 taken"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def postbox():
    box = Postbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    box.port = controller.port
    yield box
    controller.stop()


def smtp(port):
    settings = {
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(port),
        "SMTP_SECURITY": "none",
        "MAIL_FROM": "Taroko <service@taroko.example>",
    }
    return SmtpMail(settings, SystemClock())


def test_a_letter_arrives_with_both_its_forms_and_its_own_id(postbox):
    smtp(postbox.port).send(LETTER)
    [(recipients, content)] = postbox.letters
    letter = email.message_from_bytes(content, policy=email.policy.default)
    assert recipients == ["amy@example.com"]
    assert letter["Subject"] == "驗證碼"
    assert letter["Message-ID"] == "<mail-7@taroko.example>"
    assert letter["From"] == "Taroko <service@taroko.example>"
    assert letter.get_body(("plain",)).get_content().strip() == "您的驗證碼是 123456"
    assert "<b>123456</b>" in letter.get_body(("html",)).get_content()
    assert abs((datetime.now(UTC) - letter["Date"].datetime).total_seconds()) < 60


def test_an_address_that_does_not_exist_is_a_final_no(postbox):
    postbox.refusal = "550 no such mailbox"
    with pytest.raises(PortRejected):
        smtp(postbox.port).send(LETTER)


def test_a_full_mailbox_is_tried_again_later(postbox):
    postbox.refusal = "452 mailbox full"
    with pytest.raises(PortError):
        smtp(postbox.port).send(LETTER)


def test_a_server_that_is_away_is_tried_again_later():
    with pytest.raises(PortError):
        smtp(free_port()).send(LETTER)


def test_a_subject_cannot_smuggle_a_header(postbox):
    with pytest.raises((PortRejected, PortError, ValueError)):
        smtp(postbox.port).send(Mail("k", "amy@example.com", "hi\r\nBcc: eve@example.com", "x", "x"))
    assert postbox.letters == []


@pytest.mark.parametrize(
    "fault,raised,letters", [("error", PortError, 0), ("reject", PortRejected, 0), ("lost_answer", PortError, 1)]
)
def test_the_sandbox_mailbox_fails_as_it_is_told(tmp_path, fault, raised, letters):
    world = World(tmp_path / "world.db")
    mailbox = SandboxMail(world, SystemClock())
    world.set_fault("mail", fault, 1)
    with pytest.raises(raised):
        mailbox.send(LETTER)
    assert len(world.rows("SELECT * FROM messages")) == letters
    mailbox.send(LETTER)
    assert len(world.rows("SELECT * FROM messages")) == letters + 1
