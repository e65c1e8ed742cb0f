"""Commands of `flask --app app chain`: moving deposits to the hot wallet."""

import click
from flask import current_app
from flask.cli import AppGroup

from portal.bootstrap import Portal
from portal.money import AmountError, parse_units
from portal.ports import PortError, PortRejected
from portal.services import addresses, networks

chain_commands = AppGroup("chain", help="The chains.")


@chain_commands.command("sweep")
@click.argument("network", type=click.Choice([networks.TRON, networks.ETHEREUM]))
@click.argument("asset")
@click.option("--minimum", default="0", help="Only addresses that received at least this much in all, in whole coins.")
def sweep(network: str, asset: str, minimum: str) -> None:
    """Moves what lies on deposit addresses to the hot wallet; run it again until it says 0 steps."""
    portal: Portal = current_app.extensions["portal"]
    step = getattr(portal.ports.chains[network], "sweep", None)
    if step is None or asset not in networks.ASSETS[network]:
        raise click.ClickException(f"{asset} on {network} cannot be swept here")
    try:
        units = parse_units(minimum, asset)
    except AmountError as error:
        raise click.BadParameter("not an amount", param_hint="--minimum") from error
    taken, after_id = 0, 0
    while rows := portal.db.read(addresses.used, network, asset, units, after_id):
        for row in rows:
            try:
                tx_hash = step(row.derivation_index, row.address, asset)
            except (PortError, PortRejected) as error:
                click.echo(f"{row.address}: {error}", err=True)
                continue
            if tx_hash:
                click.echo(f"{row.address}: {tx_hash}")
                taken += 1
        after_id = rows[-1].id
    click.echo(f"{taken} steps")
