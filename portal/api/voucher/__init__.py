"""The voucher family."""

from flask import Flask


def register(app: Flask) -> None:
    """Serves the family under `/api/v1`."""
