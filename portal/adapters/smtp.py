"""Mail over SMTP (RFC 5321), with STARTTLS or implicit TLS, as configured by SMTP_* settings."""

import smtplib
import ssl
from collections.abc import Mapping
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from portal.clock import Clock
from portal.ports import Mail, PortError, PortRejected, PortTimeout

#: Seconds to wait for the server at every step.
TIMEOUT_SECONDS = 15

#: Reply codes that say this message will never be taken: bad address, no such mailbox, refused by policy.
_FINAL = {501, 550, 551, 553, 554, 555}


class SmtpMail:
    """Sends through one SMTP server.

    Settings: SMTP_HOST, SMTP_PORT (587), SMTP_SECURITY (`starttls`, `tls` or `none`), SMTP_USERNAME, SMTP_PASSWORD,
    MAIL_FROM (`Name <address>`).
    """

    def __init__(self, settings: Mapping[str, str], clock: Clock) -> None:
        self._host = settings["SMTP_HOST"]
        self._port = int(settings.get("SMTP_PORT", "587"))
        self._security = settings.get("SMTP_SECURITY", "starttls")
        if self._security not in ("starttls", "tls", "none"):
            raise ValueError("SMTP_SECURITY must be starttls, tls or none")
        self._username = settings.get("SMTP_USERNAME", "")
        self._password = settings.get("SMTP_PASSWORD", "")
        name, address = parseaddr(settings["MAIL_FROM"])
        self._sender = Address(name, addr_spec=address)
        self._clock = clock

    def send(self, mail: Mail) -> None:
        """Hands one message over. Raises PortRejected for a recipient who is refused for good, else PortError."""
        message = self._message(mail)
        try:
            with self._connect() as server:
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            code = next(iter(error.recipients.values()))[0]
            raise (PortRejected if code in _FINAL else PortError)(f"recipient refused: {code}") from error
        except smtplib.SMTPResponseException as error:
            raise (PortRejected if error.smtp_code in _FINAL else PortError)(f"refused: {error.smtp_code}") from error
        except TimeoutError as error:
            raise PortTimeout("the mail server did not answer in time") from error
        except (OSError, smtplib.SMTPException) as error:
            raise PortError(f"the mail server cannot be reached: {type(error).__name__}") from error

    def _connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        server: smtplib.SMTP
        if self._security == "tls":
            server = smtplib.SMTP_SSL(self._host, self._port, timeout=TIMEOUT_SECONDS, context=context)
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_SECONDS)
        try:
            if self._security == "starttls":
                server.starttls(context=context)
            if self._username:
                server.login(self._username, self._password)
        except BaseException:
            server.close()
            raise
        return server

    def _message(self, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._sender
        try:
            message["To"] = Address(addr_spec=mail.to)
        except ValueError as error:
            raise PortRejected("not a mail address") from error
        message["Subject"] = mail.subject
        message["Date"] = format_datetime(self._clock.now())
        # The same message sent twice after a lost answer carries the same id, by which mailboxes fold it into one.
        message["Message-ID"] = f"<{mail.key}@{self._sender.domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        message.add_alternative(mail.html, subtype="html")
        return message
