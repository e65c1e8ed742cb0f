"""A file store gives back what it took, forgets what it is told to, and says when it cannot: a disk and a real S3 server."""

import contextlib
import socket
import threading
import uuid

import boto3
import pytest
from moto.server import ThreadedMotoServer

from portal.adapters.files import LocalFiles
from portal.adapters.s3 import S3Files
from portal.ports import PortError, PortRejected


@pytest.fixture(scope="module")
def s3_server():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["local", "s3"])
def store(request, tmp_path):
    if request.param == "local":
        return LocalFiles(tmp_path / "files")
    settings = s3_settings(request.getfixturevalue("s3_server"))
    client = boto3.client(
        "s3",
        endpoint_url=settings["S3_ENDPOINT_URL"],
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    client.create_bucket(Bucket=settings["S3_BUCKET"])
    return S3Files(settings)


def s3_settings(url, bucket="documents"):
    return {
        "S3_BUCKET": bucket,
        "S3_ENDPOINT_URL": url,
        "S3_ACCESS_KEY_ID": "test",
        "S3_SECRET_ACCESS_KEY": "test",
    }


def test_what_is_stored_comes_back_to_the_byte(store):
    name = str(uuid.uuid4())
    content = bytes(range(256)) * 1000
    store.put(name, content)
    assert store.get(name) == content
    store.put(name, b"again")
    assert store.get(name) == b"again"


def test_what_is_deleted_is_gone_and_deleting_twice_is_harmless(store):
    name = str(uuid.uuid4())
    store.put(name, b"x")
    store.delete(name)
    store.delete(name)
    with pytest.raises(PortRejected):
        store.get(name)


def test_a_name_is_never_a_path(tmp_path):
    store = LocalFiles(tmp_path / "files")
    for name in ("../../etc/passwd", "a/b", "", "x" * 80):
        with pytest.raises(PortRejected):
            store.put(name, b"x")


def test_a_store_that_is_away_or_has_no_bucket_says_so(s3_server):
    with pytest.raises(PortError):
        S3Files(s3_settings(s3_server, "nowhere")).put(str(uuid.uuid4()), b"x")
    with pytest.raises(PortError):
        S3Files(s3_settings("http://127.0.0.1:9")).get(str(uuid.uuid4()))


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 100 Continue\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", b"HTTP/1.1 2"]
)
def test_a_store_that_stops_in_the_middle_of_an_answer_is_trouble_and_not_the_end(answer):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def half_an_answer():
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    client.recv(65536)
                    client.sendall(answer)
                    client.close()

        threading.Thread(target=half_an_answer, daemon=True).start()
        store = S3Files(s3_settings(f"http://127.0.0.1:{listener.getsockname()[1]}"))
        if b"200 OK" not in answer:
            with pytest.raises(PortError):
                store.put("name", b"x" * 100)
        with pytest.raises(PortError):
            store.get("name")
