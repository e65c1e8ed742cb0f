"""Text messages through an HTTP gateway: POST {id, to, text} with a bearer key, answered 2xx when taken."""

from collections.abc import Mapping

import httpx

from portal.ports import PortError, PortRejected, PortTimeout

TIMEOUT_SECONDS = 10


class HttpSms:
    """Sends through one gateway. Settings: SMS_URL, SMS_API_KEY, SMS_SENDER (optional).

    The message's key goes as `Idempotency-Key`, so that a gateway that honours it sends a repeated message once.
    """

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._url = settings["SMS_URL"]
        self._sender = settings.get("SMS_SENDER", "")
        self._client = httpx.Client(
            timeout=TIMEOUT_SECONDS,
            headers={"Authorization": f"Bearer {settings['SMS_API_KEY']}"},
            follow_redirects=False,
        )

    def send(self, key: str, to: str, text: str, code: str | None = None) -> None:
        """Hands one message over. Raises PortRejected for a final no (HTTP 400, 404, 422), else PortError."""
        body = {"id": key, "to": to, "text": text, **({"from": self._sender} if self._sender else {})}
        try:
            answer = self._client.post(self._url, json=body, headers={"Idempotency-Key": key})
        except httpx.TimeoutException as error:
            raise PortTimeout("the SMS gateway did not answer in time") from error
        except httpx.HTTPError as error:
            raise PortError(f"the SMS gateway cannot be reached: {type(error).__name__}") from error
        if answer.is_success:
            return
        final = answer.status_code in (400, 404, 422)
        raise (PortRejected if final else PortError)(f"the SMS gateway answered {answer.status_code}")
