"""Text messages go to the gateway once per key, with trouble told from a final no."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from portal.adapters.sms_gateway import HttpSms
from portal.ports import PortError, PortRejected


@pytest.fixture
def gateway():
    """An SMS gateway over real HTTP; `statuses` are answered in turn, then 202."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.requests.append((dict(self.headers), json.loads(body)))
            self.send_response(server.statuses.pop(0) if server.statuses else 202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.requests, server.statuses = [], []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def sms(gateway):
    return HttpSms({"SMS_URL": f"http://127.0.0.1:{gateway.server_port}/messages", "SMS_API_KEY": "key"})


def test_a_message_goes_out_with_its_key(gateway):
    sms(gateway).send("sms-3", "+886912345678", "您的驗證碼是 123456")
    [(headers, body)] = gateway.requests
    assert body == {"id": "sms-3", "to": "+886912345678", "text": "您的驗證碼是 123456"}
    assert headers["Idempotency-Key"] == "sms-3"
    assert headers["Authorization"] == "Bearer key"


@pytest.mark.parametrize(
    "status,raised", [(422, PortRejected), (400, PortRejected), (500, PortError), (429, PortError), (302, PortError)]
)
def test_a_final_no_is_told_from_a_passing_trouble(gateway, status, raised):
    gateway.statuses.append(status)
    with pytest.raises(raised):
        sms(gateway).send("sms-3", "+886912345678", "x")


def test_a_gateway_that_is_away_is_tried_again_later(gateway):
    sender = sms(gateway)
    gateway.shutdown()
    gateway.server_close()
    with pytest.raises(PortError):
        sender.send("sms-3", "+886912345678", "x")
