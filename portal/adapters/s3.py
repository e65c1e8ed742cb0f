"""Sealed files in an S3 bucket (extra `s3`). What is stored is ciphertext; the bucket never sees a document."""

from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.handlers import add_expect_header

from portal.ports import PortError, PortRejected

#: Seconds to wait for a connection, and for every piece of an answer.
CONNECT_SECONDS, READ_SECONDS = 5, 15


class S3Files:
    """Keeps files in one bucket.

    Settings: S3_BUCKET, S3_PREFIX, S3_ENDPOINT_URL (for servers other than AWS), S3_REGION, S3_ACCESS_KEY_ID,
    S3_SECRET_ACCESS_KEY.
    """

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._bucket = settings["S3_BUCKET"]
        self._prefix = settings.get("S3_PREFIX", "documents/")
        self._client: Any = boto3.client(
            "s3",
            endpoint_url=settings.get("S3_ENDPOINT_URL"),
            region_name=settings.get("S3_REGION", "us-east-1"),
            aws_access_key_id=settings.get("S3_ACCESS_KEY_ID"),
            aws_secret_access_key=settings.get("S3_SECRET_ACCESS_KEY"),
            config=Config(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries={"max_attempts": 2}),
        )
        # A store that ends the line after half of its "100 Continue" would make botocore read nothing for ever.
        self._client.meta.events.unregister("before-call.s3", add_expect_header)

    def put(self, name: str, content: bytes) -> None:
        """Stores the bytes; the same name again replaces them. Raises PortError."""
        self._do("put_object", Key=self._prefix + name, Body=content, ContentType="application/octet-stream")

    def get(self, name: str) -> bytes:
        """The stored bytes. Raises PortRejected when there are none, PortError when the store cannot be reached."""
        body = self._do("get_object", Key=self._prefix + name)["Body"]
        try:
            content: bytes = body.read()
        except (BotoCoreError, OSError) as error:
            raise PortError(f"the file store's answer ended early: {type(error).__name__}") from error
        return content

    def delete(self, name: str) -> None:
        """Removes the bytes; harmless when there are none. Raises PortError."""
        self._do("delete_object", Key=self._prefix + name)

    def _do(self, act: str, **arguments: Any) -> Any:
        try:
            return getattr(self._client, act)(Bucket=self._bucket, **arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                raise PortRejected("no such file") from error
            raise PortError(f"the file store refused: {error.response['Error']['Code']}") from error
        except BotoCoreError as error:
            raise PortError(f"the file store cannot be reached: {type(error).__name__}") from error
