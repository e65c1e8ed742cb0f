"""Commands for the stores' people and bank accounts: `flask --app app merchant …`."""

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy.orm import Session

from portal.bootstrap import Portal
from portal.errors import Refusal
from portal.services import accounts, store_bank_accounts, store_members, stores

merchant_commands = AppGroup("merchant", help="The people and bank accounts of stores.")


def _portal() -> Portal:
    found: Portal = current_app.extensions["portal"]
    return found


@merchant_commands.command("member")
@click.argument("store_id")
@click.argument("login")
@click.option("--role", type=click.Choice(list(store_members.ROLES)), default=store_members.OWNER, show_default=True)
def member(store_id: str, login: str, role: str) -> None:
    """Makes the customer with a sign-in name a member of a store; meant for its first owner, who invites the others."""
    try:
        name = _portal().db.transact(_add, store_id, login, role)
    except Refusal as refusal:
        raise click.ClickException(refusal.message) from refusal
    click.echo(f"{login} is {role} of {name}")


def _add(session: Session, store_id: str, login: str, role: str) -> str:
    store = stores.find(session, store_id)
    customer = accounts.by_login_name(session, login)
    if customer is None:
        raise Refusal("not_found", field="login")
    store_members.add(session, store, customer.id, role, "system")
    return store.name


@merchant_commands.command("bank-accounts")
def bank_accounts() -> None:
    """Lists the accounts of stores that wait for a decision."""
    for account, store in _portal().db.read(store_bank_accounts.waiting):
        click.echo(f"{store.public_id}  {store.name}  {account.bank_code} …{account.account_tail}")


@merchant_commands.command("bank-account")
@click.argument("store_id")
@click.argument("decision", type=click.Choice(["approve", "reject"]))
@click.option("--reason", default="", help="Why it is rejected; the owners read it.")
def bank_account(store_id: str, decision: str, reason: str) -> None:
    """Approves or rejects the account that waits for a store."""
    try:
        found = _portal().db.transact(_decide, store_id, decision == "approve", reason)
    except Refusal as refusal:
        raise click.ClickException(refusal.message) from refusal
    click.echo(f"the account ending in {found} is {decision}d" if decision == "approve" else f"…{found} is rejected")


def _decide(session: Session, store_id: str, approve: bool, reason: str) -> str:
    return store_bank_accounts.decide(session, stores.find(session, store_id), approve, "system", reason).account_tail
