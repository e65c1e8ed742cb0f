"""LIMIT: accepting a quote as one hand-written SQL function on a schema in which no two customers share a row.

It does what the portal's acceptance does: claims the idempotency key, closes the quote by compare-and-set, moves two
balances, writes a journal with its entries, the history line and its count, the life-cycle line and the receipt's job.
"""

import time
from multiprocessing.synchronize import Barrier

import psycopg

SCHEMA = """
CREATE SCHEMA bare;
CREATE TABLE bare.keys (scope text, key text, fingerprint text, answer jsonb, at timestamptz, PRIMARY KEY (scope, key));
CREATE TABLE bare.quotes (id uuid PRIMARY KEY, customer bigint, base bigint, ord bigint, status text, expires timestamptz);
CREATE TABLE bare.wallets (customer bigint, asset text, units bigint CHECK (units >= 0), PRIMARY KEY (customer, asset));
CREATE TABLE bare.journals (id bigserial PRIMARY KEY, kind text, reference text UNIQUE, actor text, at timestamptz);
CREATE TABLE bare.entries (id bigserial PRIMARY KEY, journal bigint, account text, asset text, units bigint, after bigint);
CREATE INDEX ON bare.entries (journal);
CREATE INDEX ON bare.entries (account, id);
CREATE TABLE bare.activity (id bigserial PRIMARY KEY, public_id uuid UNIQUE, customer bigint, kind text, asset text,
  units bigint, counter_units bigint, status text, reference text, details jsonb, at timestamptz);
CREATE INDEX ON bare.activity (customer, id);
CREATE INDEX ON bare.activity (customer, kind, asset, id);
CREATE TABLE bare.counts (customer bigint, day date, kind text, asset text, rows bigint, PRIMARY KEY (customer, day, kind, asset));
CREATE TABLE bare.moves (id bigserial PRIMARY KEY, thing uuid, before text, after text, actor text, at timestamptz);
CREATE TABLE bare.jobs (id bigserial PRIMARY KEY, kind text, payload jsonb, status text, run_at timestamptz);
CREATE INDEX ON bare.jobs (status, run_at);
CREATE FUNCTION bare.accept(quote uuid, request text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE q bare.quotes; a bigint; b bigint; j bigint; said jsonb; moment timestamptz := clock_timestamp();
BEGIN
  INSERT INTO bare.keys VALUES ('accept', request, md5(request), NULL, moment) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN RETURN (SELECT keys.answer FROM bare.keys WHERE scope = 'accept' AND key = request); END IF;
  UPDATE bare.quotes SET status = 'executed' WHERE id = quote AND status = 'quoted' AND expires > moment RETURNING * INTO q;
  IF NOT FOUND THEN RAISE EXCEPTION 'closed'; END IF;
  UPDATE bare.wallets SET units = units - q.ord WHERE customer = q.customer AND asset = 'TWD' RETURNING units INTO a;
  UPDATE bare.wallets SET units = units + q.base WHERE customer = q.customer AND asset = 'USDT' RETURNING units INTO b;
  INSERT INTO bare.journals (kind, reference, actor, at) VALUES ('trade', 'quote:' || quote, 'customer:' || q.customer, moment)
    RETURNING id INTO j;
  INSERT INTO bare.entries (journal, account, asset, units, after) VALUES
    (j, 'c' || q.customer, 'TWD', -q.ord, a), (j, 'c' || q.customer, 'USDT', q.base, b),
    (j, 'h', 'TWD', q.ord - 3, 0), (j, 'h', 'USDT', -q.base, 0), (j, 's', 'TWD', 3, 0);
  INSERT INTO bare.activity (public_id, customer, kind, asset, units, counter_units, status, reference, details, at)
    VALUES (quote, q.customer, 'buy', 'USDT', q.base, q.ord, 'completed', 'q', '{"price": "32"}', moment);
  INSERT INTO bare.counts VALUES (q.customer, moment::date, 'buy', 'USDT', 1)
    ON CONFLICT (customer, day, kind, asset) DO UPDATE SET rows = bare.counts.rows + 1;
  INSERT INTO bare.moves (thing, before, after, actor, at) VALUES (quote, 'quoted', 'executed', 'c', moment);
  INSERT INTO bare.jobs (kind, payload, status, run_at) VALUES ('mail', '{"template": "receipt"}', 'queued', moment);
  said := jsonb_build_object('status', 30007, 'base', q.base, 'order', q.ord);
  UPDATE bare.keys SET answer = said WHERE scope = 'accept' AND key = request;
  RETURN said;
END $$;
"""


def prepare(url: str, customers: int, quotes_each: int) -> None:
    """Makes the schema, wallets and open quotes anew."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS bare CASCADE")
        connection.execute(SCHEMA)
        connection.execute(
            "INSERT INTO bare.wallets SELECT n, asset, 1000000000000 FROM generate_series(1, %s) n, (VALUES ('TWD'), ('USDT')) v(asset)",
            [customers],
        )
        connection.execute(
            "INSERT INTO bare.quotes SELECT gen_random_uuid(), c, 1000000, 320000, 'quoted', now() + interval '1 day'"
            " FROM generate_series(1, %s) c, generate_series(1, %s)",
            [customers, quotes_each],
        )
        connection.execute("ANALYZE")


def client(url: str, customer: int, count: int, start: Barrier) -> list[float]:
    """One client's quotes accepted one after the other: when it began and when each was done."""
    with psycopg.connect(url, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT id FROM bare.quotes WHERE customer = %s AND status = 'quoted' LIMIT %s", [customer, count]
        ).fetchall()
        start.wait()
        stamps = [time.perf_counter()]
        for (quote,) in rows:
            connection.execute("SELECT bare.accept(%s, %s)", [quote, f"key-{quote}"], prepare=True)
            stamps.append(time.perf_counter())
        return stamps
