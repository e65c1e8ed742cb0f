"""Commands of `flask --app app keys`: the keys that seal personal data and secrets."""

import click
from flask import current_app
from flask.cli import AppGroup

from portal.bootstrap import Portal
from portal.services import key_rotation

key_commands = AppGroup("keys", help="The keys that seal personal data and secrets.")


@key_commands.command("rotate")
def rotate_keys() -> None:
    """Seals everything anew under the first key of ENCRYPTION_KEYS; may be stopped and run again.

    Exits 0 when nothing is left under an older key, so that the older keys may be removed from the settings.
    """
    portal: Portal = current_app.extensions["portal"]
    click.echo(f"newest key: {portal.vault.current_key_name}")
    for done in key_rotation.rotate(portal.db):
        if done.renewed or done.unreadable:
            click.echo(f"{done.place}: {done.renewed} renewed, {done.unreadable} unreadable")
    left = portal.db.read(key_rotation.left)
    for place, count in sorted(left.items()):
        click.echo(f"{place}: {count} still under an older key", err=True)
    if left:
        raise SystemExit(1)
    click.echo("nothing is left under an older key")
