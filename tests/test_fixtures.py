"""What the other tests stand on: fresh databases, real engines, guarded tables."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import DBAPIError

from portal.models.ledger import Journal
from tests.support import postgres
from tests.support.families import body_text, canonical_body
from tests.support.pages import Page


def _journals(portal: Any) -> int:
    with portal.db.session() as session:
        return int(session.scalar(sa.text("SELECT COUNT(*) FROM journals")))


def _write_journal(portal: Any) -> None:
    with portal.db.session() as session:
        session.add(Journal(kind="test", reference="test:1", actor="test", posted_at=portal.clock.now()))
        session.commit()


@pytest.mark.parametrize("time", ["first", "second"])
def test_every_test_starts_from_an_empty_ledger(sqlite_app: Flask, postgres_app: Flask, time: str) -> None:
    for app in (sqlite_app, postgres_app):
        assert _journals(app.extensions["portal"]) == 0, time


def test_what_one_test_writes_the_next_does_not_see(portals: Any) -> None:
    for engine in ("sqlite", "postgres"):
        first = portals.fresh(engine).extensions["portal"]
        _write_journal(first)
        assert _journals(first) == 1
        first.db.engine.dispose()
        second = portals.fresh(engine).extensions["portal"]
        assert _journals(second) == 0
        second.db.engine.dispose()


def test_journals_are_append_only_by_a_rule_of_the_database(portals: Any) -> None:
    for engine in ("sqlite", "postgres"):
        portal = portals.fresh(engine).extensions["portal"]
        _write_journal(portal)
        for statement in ("DELETE FROM journals", "UPDATE journals SET kind = 'other'"):
            with pytest.raises(DBAPIError, match="append-only"), portal.db.session() as session:
                session.execute(sa.text(statement))
        assert _journals(portal) == 1
        portal.db.engine.dispose()


def test_the_postgres_of_the_tests_is_a_real_one(postgres_app: Flask) -> None:
    with postgres_app.extensions["portal"].db.engine.connect() as connection:
        assert str(connection.scalar(sa.text("SELECT version()"))).startswith("PostgreSQL ")


def test_a_server_of_ones_own_keeps_what_it_acknowledged() -> None:
    import psycopg

    with postgres.durable_server() as server:
        with psycopg.connect(postgres.database_url(server, "postgres")) as connection:
            row = connection.execute("SHOW fsync").fetchone()
        assert row == ("on",)


def test_the_clock_of_a_test_moves_only_for_that_test(portal: Any, travel: Callable[[int], Any]) -> None:
    before = portal.clock.now()
    assert (travel(3600) - before).total_seconds() >= 3600


def test_a_flawed_page_is_told_apart_from_a_sound_one() -> None:
    head = '<!doctype html><html lang="en"><head><title>Send</title></head><body><main><h1>Send</h1>'
    policy = {"Content-Security-Policy": "script-src 'self' 'nonce-x'"}
    sound = '<form method="post"><input type="hidden" name="csrf_token" value="x"><label>To <input name="to"></label></form>'
    assert Page(head + sound, "/send", policy).problems() == []
    flawed = (
        '<form method="post"><input name="to" id="a" style="color:red"></form><img id="a" src="//cdn.example/x.png">'
    )
    told = "; ".join(Page(head + flawed, "/send", policy).problems())
    for expected in ("no CSRF token", "no label", "inline style", "ids used twice", "from outside", "alternative text"):
        assert expected in told


def test_partner_bodies_are_signed_as_the_document_shows() -> None:
    sent = '{"ont_id":"did:ont:Ae9ujqUnAtH9yRiepRvLUE3t9R2NbCTZPG","amount":190,"to_address":"AUol16ghiT9AtxRDtNeq3ovhWJ5iaY6iyd"}'
    assert canonical_body(sent) == (
        "amount=190&ont_id=did:ont:Ae9ujqUnAtH9yRiepRvLUE3t9R2NbCTZPG&to_address=AUol16ghiT9AtxRDtNeq3ovhWJ5iaY6iyd"
    )


def test_amounts_are_sent_as_the_exact_numbers_they_are() -> None:
    from decimal import Decimal

    assert body_text({"amount": Decimal("0.100000000000000001")}) == '{"amount":0.100000000000000001}'
