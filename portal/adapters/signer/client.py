"""Asking the signer."""

import json
import socket
from typing import Any

from portal.ports import PortError, PortRejected, PortTimeout

TIMEOUT_SECONDS = 15


class SignerClient:
    """Speaks to the signer at SIGNER_SOCKET, one connection per request."""

    def __init__(self, path: str) -> None:
        self._path = path

    def ask(self, act: str, **what: Any) -> dict[str, Any]:
        """The signer's answer. Raises PortRejected when it refuses, PortError when it cannot be asked."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(TIMEOUT_SECONDS)
                connection.connect(self._path)
                connection.sendall(json.dumps({"act": act, **what}).encode() + b"\n")
                with connection.makefile("rb") as answers:
                    line = answers.readline()
        except TimeoutError as error:
            raise PortTimeout("the signer did not answer in time") from error
        except OSError as error:
            raise PortError(f"the signer cannot be reached: {type(error).__name__}") from error
        try:
            answer: dict[str, Any] = json.loads(line)
        except ValueError as error:
            raise PortError("the signer's answer cannot be read") from error
        if "refused" in answer:
            raise PortRejected(f"the signer refused: {answer['refused']}")
        if "failed" in answer:
            raise PortError(str(answer["failed"]))
        return answer
