"""Commands of `flask --app app banks`: the list of Taiwan's banks."""

from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup

from portal.bootstrap import Portal
from portal.services import banks

bank_commands = AppGroup("banks", help="The list of Taiwan's banks and branches.")


@bank_commands.command("import")
@click.argument("csv_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_banks(csv_file: Path) -> None:
    """Puts the clearing house's list of banks and branches in force (a CSV file, UTF-8 or Big5)."""
    portal: Portal = current_app.extensions["portal"]
    try:
        rows = banks.read_list(csv_file)
    except banks.ListError as error:
        raise click.ClickException(str(error)) from error
    counted = portal.db.transact(banks.replace, rows)
    click.echo(f"{counted[0]} banks, {counted[1]} branches")
