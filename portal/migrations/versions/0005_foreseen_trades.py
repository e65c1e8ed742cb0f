"""Accepting a quote is foreseen when the price is held; on PostgreSQL one call then does all of it, or nothing.

`accept_foreseen` knows no business rule: what is to be written was worked out by the portal with the quote, and whatever is
not as it was foreseen (the quote, its customer, their session, the house's stock, a balance, the day) leaves the matter to
the portal, which decides as ever and has the words for it.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"

#: Answers the quote's number, or nothing. Its parts are written in the order in which the portal writes them.
ACCEPT = """
CREATE FUNCTION accept_foreseen(
  wanted text, owner bigint, token_digest text, moment timestamptz, today text, level int,
  key_scope text, key_name text, key_fingerprint text
) RETURNS bigint LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  held record;
  told jsonb;
BEGIN
  SELECT quotes.id, side, base_asset, base_units, order_asset, order_units, foreseen INTO held
    FROM quotes JOIN customers ON customers.id = quotes.customer_id
    WHERE quotes.public_id = wanted AND quotes.customer_id = owner AND quotes.status = 'quoted'
      AND quotes.expires_at > moment AND quotes.foreseen ->> 'day' = today
      AND customers.standing = 'normal' AND customers.kyc_level >= level
      AND EXISTS (
        SELECT FROM client_sessions WHERE secret_digest = token_digest AND client_sessions.customer_id = owner
          AND scope = 'full' AND ended_at IS NULL AND client_sessions.expires_at > moment)
    FOR UPDATE OF quotes;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  told := held.foreseen;
  IF (SELECT COALESCE(sum(balance_units), 0) FROM accounts
        WHERE owner_kind = 'house' AND owner_id = 0 AND bucket = 'inventory' AND asset = told ->> 'stock')
     < (told ->> 'least')::bigint THEN
    RETURN NULL;
  END IF;
  WITH line AS (
    INSERT INTO activity (
      public_id, customer_id, kind, direction, asset, amount_units, net_units, fee_units, counter_asset, counter_units,
      status, reference, subject_kind, subject_id, details, created_at, updated_at
    ) VALUES (
      wanted, owner, held.side, told ->> 'direction', held.base_asset, held.base_units, held.base_units, 0,
      held.order_asset, held.order_units, 'executed', told ->> 'reference', 'quote', held.id, (told -> 'details')::json,
      moment, moment
    ) RETURNING id
  ) INSERT INTO activity_counts (customer_id, day, kind, asset, rows, first_id)
    SELECT owner, today, held.side, held.base_asset, 1, id FROM line
    ON CONFLICT (customer_id, day, kind, asset) DO UPDATE
      SET rows = activity_counts.rows + 1, first_id = least(activity_counts.first_id, excluded.first_id);
  INSERT INTO notifications (customer_id, event, facts, link, created_at)
    VALUES (owner, told ->> 'event', (told -> 'facts')::json, told ->> 'link', moment);
  INSERT INTO jobs (kind, payload, status, attempts, max_attempts, run_at, created_at)
    VALUES (told ->> 'job', (told -> 'payload')::json, 'queued', 0, (told ->> 'attempts')::int, moment, moment);
  UPDATE quotes SET status = 'executed', closed_at = moment WHERE id = held.id;
  INSERT INTO state_changes (machine, thing_id, from_state, to_state, actor, at)
    VALUES ('quote', held.id, 'quoted', 'executed', told ->> 'actor', moment);
  IF key_name IS NOT NULL THEN
    INSERT INTO idempotency_keys (scope, key, fingerprint, answer, created_at)
      VALUES (key_scope, key_name, key_fingerprint, json_build_object('quote', wanted), moment);
  END IF;
  PERFORM post_journal(
    held.side, 'quote:' || held.id, told ->> 'actor', NULL, NULL, moment,
    (told ->> 'accounts')::bigint[], (told ->> 'assets')::text[], (told ->> 'units')::bigint[]
  );
  RETURN held.id;
END $$
"""


def upgrade() -> None:
    kind = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    op.add_column("quotes", sa.Column("foreseen", kind, nullable=True))
    if op.get_bind().dialect.name != "sqlite":
        op.execute(sa.text(ACCEPT))
