"""Customers and stores of the voucher family's tests."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.support import people, vouchers
from tests.support.families import VoucherClient


@pytest.fixture
def companies(portal: Any) -> None:
    """Both companies may sell 50,000,000 TWIP each."""
    vouchers.open_companies(portal)


@pytest.fixture
def amy(portal: Any, companies: None) -> people.Person:
    """A customer with 1000 TWIP and a verified bank account."""
    return people.customer(portal, twip="1000")


@pytest.fixture
def ben(portal: Any, companies: None) -> people.Person:
    """Somebody else, with 500 TWIP."""
    return people.customer(portal, twip="500")


@pytest.fixture
def as_customer(app: Flask) -> Callable[[people.Person], VoucherClient]:
    """`as_customer(amy)` calls with a bearer token of hers."""
    return lambda person: VoucherClient(app, person.voucher_token())


@pytest.fixture
def code(app: Flask) -> Callable[[people.Person], str]:
    """`code(amy)` is the newest code on her phone."""
    return lambda person: vouchers.code(app, person.phone)
