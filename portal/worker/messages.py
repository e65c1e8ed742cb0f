"""Rendering and sending mail and SMS that services queued."""

from typing import Any

from flask import render_template
from flask_babel import force_locale

from portal.bootstrap import Portal
from portal.ports import Mail
from portal.worker.duties import handles


@handles("mail")
def send_mail(portal: Portal, payload: dict[str, Any], job_id: int) -> None:
    """Sends one mail; its subject is the first line of the text template."""
    facts = {**payload["facts"], "code": payload["code"], "public_url": portal.settings.public_url}
    with force_locale(payload["locale"]):
        text = render_template(f"email/{payload['template']}.txt", **facts)
        html = render_template(f"email/{payload['template']}.html", **facts)
    subject, _, body = text.lstrip().partition("\n")
    portal.ports.mail.send(
        Mail(f"mail-{job_id}", payload["to"], " ".join(subject.split()), body.strip() + "\n", html, payload["code"])
    )


@handles("sms")
def send_sms(portal: Portal, payload: dict[str, Any], job_id: int) -> None:
    """Sends one text message."""
    facts = {**payload["facts"], "code": payload["code"]}
    with force_locale(payload["locale"]):
        text = render_template(f"sms/{payload['template']}.txt", **facts)
    portal.ports.sms.send(f"sms-{job_id}", payload["to"], " ".join(text.split()), payload["code"])
