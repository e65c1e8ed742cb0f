"""Commands for the staff of a portal: `flask --app app staff create`."""

import click
from flask import current_app
from flask.cli import AppGroup

from portal.bootstrap import Portal
from portal.errors import Refusal
from portal.permissions import ROLES
from portal.services import staff_accounts

staff_commands = AppGroup("staff", help="The members of staff.")


@staff_commands.command("create")
@click.option("--email", required=True, help="The address they sign in with.")
@click.option("--name", required=True, help="What colleagues call them.")
@click.option(
    "--role", "roles", multiple=True, required=True, type=click.Choice(list(ROLES)), help="Repeat for more roles."
)
def create(email: str, name: str, roles: tuple[str, ...]) -> None:
    """Makes a member of staff and prints a password for the first sign-in, which binds the second factor.

    Meant for the first two people; further ones are invited in the console, by two people.
    """
    portal: Portal = current_app.extensions["portal"]
    password = staff_accounts.one_time_password()
    try:
        portal.db.transact(staff_accounts.create, email, name, password, roles, actor="system")
    except Refusal as refusal:
        raise click.ClickException(refusal.message) from refusal
    click.echo(f"{email}: sign in at {portal.settings.public_url}/staff with the password {password}")
