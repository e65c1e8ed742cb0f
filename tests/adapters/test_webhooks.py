"""The sender of webhooks: never to the own network, never on to elsewhere, never for long."""

import socket
import threading
from contextlib import contextmanager

import pytest

from portal.adapters.webhooks import HttpWebhooks, is_public
from portal.ports import PortError, PortRejected, PortTimeout
from tests.support.receiver import receiving


@contextmanager
def dripping():
    """A receiver that answers one letter at a time and never comes to an end."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            taken, _ = server.accept()
            with taken:
                while not over.wait(0.05):
                    try:
                        taken.sendall(b"H")
                    except OSError:
                        return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        over.set()
        thread.join(5)


def test_it_posts_the_very_bytes_and_tells_the_start_of_the_answer():
    with receiving(200) as receiver:
        answer = HttpWebhooks(private=True).send(f"{receiver.url}/a?b=c", {"webhook-id": "msg_1"}, b'{"x":1}')
    assert (answer.status, answer.start) == (200, '{"note": "as told"}')
    (got,) = receiver.got
    assert (got.path, got.body, got.message_id) == ("/a?b=c", b'{"x":1}', "msg_1")


def test_a_redirect_is_an_answer_and_nothing_more():
    with receiving(307) as receiver:
        assert HttpWebhooks(private=True).send(receiver.url, {}, b"{}").status == 307
    assert len(receiver.got) == 1


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1/", "https://localhost/", "https://10.0.0.8/", "https://169.254.169.254/latest", "https://[::1]/",
     "https://[::ffff:127.0.0.1]/", "https://[64:ff9b::7f00:1]/", "https://0.0.0.0/", "https://2130706433/", "https://0x7f.1/"],
)  # fmt: skip
def test_production_calls_nobody_on_the_own_network(url):
    with pytest.raises(PortRejected, match="not on the public internet"):
        HttpWebhooks(private=False).send(url, {}, b"{}")


def test_production_calls_by_https_only():
    with pytest.raises(PortRejected, match="https"):
        HttpWebhooks(private=False).send("http://93.184.216.34/", {}, b"{}")


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111"])
def test_public_addresses_are_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "::1",
     "fe80::1%eth0", "fc00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "ff02::1"],
)  # fmt: skip
def test_addresses_that_lead_inside_are_not(address):
    assert not is_public(address)


def test_nobody_there_is_tried_again_later():
    with pytest.raises(PortError, match="cannot be reached"):
        HttpWebhooks(private=True).send("http://127.0.0.1:9/", {}, b"{}")
    with pytest.raises(PortError, match="resolved"):
        HttpWebhooks(private=True).send("http://no-such-name.invalid/", {}, b"{}")


def test_an_answer_drop_by_drop_is_cut_off():
    with dripping() as url, pytest.raises(PortTimeout):
        HttpWebhooks(private=True, timeout_seconds=1).send(url, {}, b"{}")


def test_plain_http_behind_an_https_address_is_no_success():
    with receiving() as receiver, pytest.raises(PortError):
        HttpWebhooks(private=True).send(receiver.url.replace("http:", "https:"), {}, b"{}")
