"""Commands of `flask --app app`: ledger check, audit verify, machines, doctor, demo, worker."""

import importlib

import click
from alembic.runtime.migration import MigrationContext
from flask import Flask, current_app
from flask.cli import AppGroup
from sqlalchemy.exc import SQLAlchemyError

from portal.bootstrap import Portal
from portal.cli_banks import bank_commands
from portal.cli_chain import chain_commands
from portal.cli_keys import key_commands
from portal.cli_merchant import merchant_commands
from portal.cli_staff import staff_commands
from portal.cli_vouchers import company_commands, store_commands
from portal.ledger import check
from portal.machines import MACHINES
from portal.migrations.run import head_revision, migrate
from portal.money import plain_text
from portal.services import audit, doctor

ledger_commands = AppGroup("ledger", help="The double-entry ledger.")
audit_commands = AppGroup("audit", help="The audit log.")


def _portal() -> Portal:
    found: Portal = current_app.extensions["portal"]
    return found


@ledger_commands.command("check")
def ledger_check() -> None:
    """Proves that every journal balances and every balance is the sum of its entries."""
    report = _portal().db.read(check.check)
    for asset, (people, house) in sorted(report.totals.items()):
        click.echo(f"{asset}: people {plain_text(people, asset)}, house {plain_text(house, asset)}")
    for violation in report.violations:
        click.echo(violation, err=True)
    click.echo(f"{report.journals} journals, {report.entries} entries, {len(report.violations)} violations")
    if not report.clean:
        raise SystemExit(1)


@audit_commands.command("verify")
def audit_verify() -> None:
    """Recomputes the hash chain of the audit log."""
    problems = _portal().db.read(audit.verify)
    for problem in problems:
        click.echo(problem, err=True)
    click.echo(f"audit log: {len(problems)} problems")
    if problems:
        raise SystemExit(1)


@click.command("machines")
def machines() -> None:
    """Prints every life cycle as a Mermaid diagram."""
    for name, machine in sorted(MACHINES.items()):
        click.echo(f"## {name}\n\n```mermaid\n{machine.mermaid()}\n```\n")


@click.command("migrate")
def migrate_database() -> None:
    """Brings the database up to the newest schema."""
    migrate(_portal().settings)
    click.echo(f"database at migration {head_revision()}")


@click.command("doctor")
def examine() -> None:
    """Examines this deployment; exits 0 or names what is wrong."""
    found = _portal()
    try:
        with found.db.engine.connect() as connection:
            revision = MigrationContext.configure(connection).get_current_revision()
    except SQLAlchemyError as error:
        click.echo(f"database: it does not answer ({type(error).__name__})", err=True)
        raise SystemExit(1) from error
    if revision != head_revision():
        click.echo(f"migrations: the database is at {revision}, the newest is {head_revision()}", err=True)
        raise SystemExit(1)
    assert found.db.context is not None
    troubles = {**found.db.read(doctor.examine), **doctor.examine_outside(found.db.context)}
    for name, trouble in troubles.items():
        click.echo(f"{name}: {trouble}", err=True)
    click.echo(f"{len(troubles)} problems")
    if troubles:
        raise SystemExit(1)


@click.command("demo")
def demo() -> None:
    """Fills the sandbox with a small world; harmless when it is there already."""
    load = importlib.import_module("portal.sandbox.demo").load
    click.echo("demo world loaded" if load(_portal()) else "demo world was there already")


@click.command("worker")
def worker() -> None:
    """Runs the worker's duties until it is stopped."""
    importlib.import_module("portal.worker.loop").run_forever(_portal())


def register(app: Flask) -> None:
    """Adds the commands."""
    app.cli.add_command(ledger_commands)
    app.cli.add_command(audit_commands)
    app.cli.add_command(bank_commands)
    app.cli.add_command(chain_commands)
    app.cli.add_command(key_commands)
    app.cli.add_command(merchant_commands)
    app.cli.add_command(staff_commands)
    app.cli.add_command(company_commands)
    app.cli.add_command(store_commands)
    for command in (machines, examine, migrate_database, demo, worker):
        app.cli.add_command(command)
