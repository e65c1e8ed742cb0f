"""Accepting a quote is foreseen when its price is held, paying at a counter when the bill is made; on PostgreSQL one call
then does all of it, or nothing.

The functions know no business rule: what is to be written was worked out by the portal beforehand, and whatever is not as it
was foreseen (the thing itself, its customer, their session, the code, the house's stock, a balance, the day) leaves the
matter to the portal, which decides as ever and has the words for it.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"

#: Answers the quote's number, or nothing. Its parts are written in the order in which the portal writes them.
ACCEPT = """
CREATE FUNCTION accept_foreseen(
  wanted text, owner bigint, given_digest text, moment timestamptz, today text, level int,
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
        SELECT FROM client_sessions WHERE secret_digest = given_digest AND client_sessions.customer_id = owner
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
  UPDATE quotes SET status = 'executed', closed_at = moment, foreseen = NULL WHERE id = held.id;
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

#: Answers the facts of the payment, which it keeps under the request's key, or nothing. A right code is used up with the
#: payment or not at all, and a wrong one is not counted here.
PAY = """
CREATE FUNCTION pay_foreseen(
  wanted text, wanted_store text, owner bigint, given_digest text, moment timestamptz, today text,
  code_purpose text, code_subject text, given_code text, most_tries int,
  key_scope text, key_name text, key_fingerprint text
) RETURNS json LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  held record;
  told jsonb;
  said json;
BEGIN
  SELECT shopping_orders.id, shopping_orders.store_id, payment_request_id, bill_units, discount_units, amount_units,
         shopping_orders.created_at, foreseen, stores.public_id AS store, stores.name, stores.address INTO held
    FROM shopping_orders JOIN stores ON stores.id = shopping_orders.store_id
    JOIN customers ON customers.id = shopping_orders.customer_id
    WHERE shopping_orders.public_id = wanted AND shopping_orders.customer_id = owner
      AND shopping_orders.status = 'otp_pending' AND shopping_orders.foreseen ->> 'day' = today
      AND stores.public_id = wanted_store AND stores.standing = 'open'
      AND customers.standing = 'normal' AND customers.phone <> '' AND customers.phone_verified_at IS NOT NULL
      AND EXISTS (
        SELECT FROM client_sessions WHERE secret_digest = given_digest AND client_sessions.customer_id = owner
          AND scope = 'full' AND ended_at IS NULL AND client_sessions.expires_at > moment)
      AND NOT EXISTS (
        SELECT FROM webhook_endpoints WHERE owner_kind = 'store' AND owner_id = shopping_orders.store_id
          AND disabled_at IS NULL)
    FOR UPDATE OF shopping_orders;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  told := held.foreseen;
  UPDATE verification_codes SET tries = tries + 1, used_at = moment
    WHERE id = (
        SELECT id FROM verification_codes WHERE purpose = code_purpose AND subject = code_subject
          AND used_at IS NULL AND ended_at IS NULL ORDER BY id DESC LIMIT 1)
      AND code_digest = given_code AND expires_at > moment AND tries < most_tries
      AND used_at IS NULL AND ended_at IS NULL;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  IF held.payment_request_id IS NOT NULL THEN
    UPDATE payment_requests SET status = 'paid', order_id = held.id, paid_at = moment
      WHERE id = held.payment_request_id AND status = 'open' AND expires_at > moment;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'the request is not open' USING ERRCODE = 'serialization_failure';
    END IF;
    INSERT INTO state_changes (machine, thing_id, from_state, to_state, actor, at)
      VALUES ('payment_request', held.payment_request_id, 'open', 'paid', told ->> 'actor', moment);
  END IF;
  UPDATE shopping_orders SET status = 'paid', updated_at = moment, paid_at = moment, foreseen = NULL WHERE id = held.id;
  INSERT INTO state_changes (machine, thing_id, from_state, to_state, actor, at)
    SELECT 'shopping_order', held.id, step ->> 0, step ->> 1, told ->> 'actor', moment
      FROM jsonb_array_elements(told -> 'steps') WITH ORDINALITY AS taken (step, place) ORDER BY place;
  WITH line AS (
    INSERT INTO activity (
      public_id, customer_id, kind, direction, asset, amount_units, net_units, fee_units, status, reference, counterparty,
      subject_kind, subject_id, details, created_at, updated_at
    ) VALUES (
      wanted, owner, 'payment', 'out', 'TWIP', held.amount_units, held.amount_units, 0, 'paid', told ->> 'reference',
      told ->> 'counterparty', 'shopping_order', held.id, (told -> 'details')::json, moment, moment
    ) RETURNING id
  ) INSERT INTO activity_counts (customer_id, day, kind, asset, rows, first_id)
    SELECT owner, today, 'payment', 'TWIP', 1, id FROM line
    ON CONFLICT (customer_id, day, kind, asset) DO UPDATE
      SET rows = activity_counts.rows + 1, first_id = least(activity_counts.first_id, excluded.first_id);
  INSERT INTO notifications (customer_id, event, facts, link, created_at)
    VALUES (owner, told ->> 'event', (told -> 'facts')::json, told ->> 'link', moment);
  UPDATE store_days SET payments = payments + 1, bill_units = bill_units + held.bill_units,
      discount_units = discount_units + held.discount_units, paid_units = paid_units + held.amount_units
    WHERE store_id = held.store_id AND day = today;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the day is not begun' USING ERRCODE = 'serialization_failure';
  END IF;
  said := json_build_object(
    'id', wanted, 'store', held.store, 'name', held.name, 'address', held.address, 'amount_units', held.amount_units,
    'created_at', held.created_at);
  IF key_name IS NOT NULL THEN
    INSERT INTO idempotency_keys (scope, key, fingerprint, answer, created_at)
      VALUES (key_scope, key_name, key_fingerprint, said, moment);
  END IF;
  PERFORM post_journal(
    'payment', 'payment:' || held.id, told ->> 'actor', NULL, NULL, moment,
    (told ->> 'accounts')::bigint[], (told ->> 'assets')::text[], (told ->> 'units')::bigint[]
  );
  RETURN said;
END $$
"""


def upgrade() -> None:
    kind = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    for table in ("quotes", "shopping_orders"):
        op.add_column(table, sa.Column("foreseen", kind, nullable=True))
    if op.get_bind().dialect.name != "sqlite":
        for function in (ACCEPT, PAY):
            op.execute(sa.text(function))
