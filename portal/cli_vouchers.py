"""Commands for companies and stores: `flask --app app company …` and `flask --app app store …`."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import TypeVar

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy.orm import Session

from portal.bootstrap import Portal
from portal.errors import Refusal
from portal.money import AmountError, parse_units, plain_text
from portal.services import companies, stores

company_commands = AppGroup("company", help="Companies that sell vouchers.")
store_commands = AppGroup("store", help="Stores that take vouchers.")

ACTOR = "system"

R = TypeVar("R")


def _portal() -> Portal:
    found: Portal = current_app.extensions["portal"]
    return found


def _vouchers(context: click.Context, parameter: click.Parameter, value: str) -> int:
    try:
        return parse_units(value, "TWIP")
    except AmountError as error:
        raise click.BadParameter("not an amount of vouchers") from error


def _number(context: click.Context, parameter: click.Parameter, value: str) -> Decimal:
    try:
        return Decimal(value)
    except InvalidOperation as error:
        raise click.BadParameter("not a number") from error


@company_commands.command("create")
@click.argument("code")
@click.argument("name")
@click.option("--sellable", default="0", callback=_vouchers, help="How many TWIP it may sell.")
@click.option("--bank-account", help="The account it is paid into, as 009-5251234567890.")
@click.option("--bank-name", default="", help="That account's bank.")
@click.option("--branch-name", default="", help="That account's branch.")
@click.option("--account-name", default="", help="That account's holder; the company's name when left out.")
@click.option("--colour", default="#0b6b57", show_default=True)
@click.option("--contact-email")
@click.option("--contact-phone")
@click.option("--address")
def create_company(
    code: str, name: str, sellable: int, bank_account: str | None, bank_name: str, branch_name: str, account_name: str,
    colour: str, contact_email: str | None, contact_phone: str | None, address: str | None,
) -> None:  # fmt: skip
    """Makes a company, with the account it is paid into."""

    def make(session: Session) -> None:
        made = companies.create(
            session, code, name, sellable_units=sellable, colour=colour, contact_email=contact_email,
            contact_phone=contact_phone, address=address, actor=ACTOR,
        )  # fmt: skip
        if bank_account:
            companies.add_bank_account(
                session, made.id, bank_account, bank_name, branch_name, account_name or name, actor=ACTOR
            )

    _run(make)
    click.echo(f"company {code} may sell {plain_text(sellable, 'TWIP')} TWIP")


@company_commands.command("restock")
@click.argument("code")
@click.argument("amount")
def restock(code: str, amount: str) -> None:
    """Adds TWIP to what a company may sell; a leading minus takes away (write it after --)."""
    sign, text = (-1, amount[1:]) if amount.startswith("-") else (1, amount)
    units = sign * _vouchers(click.get_current_context(), click.Argument(["amount"]), text)

    def change(session: Session) -> int:
        company = companies.by_code(session, code)
        companies.restock(session, company.id, units, ACTOR)
        return companies.sellable_units(session, company.id)

    click.echo(f"company {code} may sell {plain_text(_run(change), 'TWIP')} TWIP")


@store_commands.command("create")
@click.argument("company")
@click.argument("name")
@click.argument("address")
@click.option("--area", default="", help="City and district, for the list of stores.")
@click.option("--category", default="")
@click.option("--discount-type", type=click.Choice(["fixed", "percent"]), default="fixed", show_default=True)
@click.option("--discount-value", default="0", callback=_number, show_default=True)
@click.option("--contact-email")
@click.option("--contact-phone")
def create_store(
    company: str, name: str, address: str, area: str, category: str, discount_type: str, discount_value: Decimal,
    contact_email: str | None, contact_phone: str | None,
) -> None:  # fmt: skip
    """Makes a store of a company."""

    def make(session: Session) -> tuple[str, str]:
        owner = companies.by_code(session, company)
        made = stores.create(
            session, owner.id, name, address, area=area, category=category, discount_type=discount_type,
            discount_value=discount_value, contact_email=contact_email, contact_phone=contact_phone, actor=ACTOR,
        )  # fmt: skip
        return made.public_id, made.code

    public_id, code = _run(make)
    click.echo(f"store {public_id} pays at {_portal().settings.public_url}/pay/{code}")


def _run(work: Callable[[Session], R]) -> R:
    try:
        return _portal().db.transact(work)
    except Refusal as refusal:
        said = f"{refusal.field}: {refusal.message}" if refusal.field else refusal.message
        raise click.ClickException(said) from refusal
