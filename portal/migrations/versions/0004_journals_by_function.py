"""On PostgreSQL a journal is written by one function of the database, and entries by nothing else.

`post_journal` moves the balances line by line, writes down what each UPDATE answered under the row's own lock, and refuses
lines that do not sum to zero in each asset. An entry is taken only inside of it and for the journal it has just made: a
journal never gets another line. That takes the place of two foreign keys, whose look-ups for each single entry cost more than
everything else about a journal. SQLite keeps the foreign keys.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

#: The plan finds rows by their numbers; made while the tables were small it must not go on reading them whole.
#: Lines are given in the order in which their accounts are to be locked. A balance that does not suffice is told as a
#: serialisation failure: whoever looked at it before looks again.
POST = """
CREATE FUNCTION post_journal(
  journal_kind text, journal_reference text, journal_actor text, journal_details json, reversed_id bigint,
  posted timestamptz, account_ids bigint[], assets text[], units bigint[]
) RETURNS void LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  new_id bigint;
  place int;
  after bigint;
  afters bigint[] := '{}';
  sums bigint[] := array_fill(0::bigint, ARRAY[cardinality(units)]);
BEGIN
  INSERT INTO journals (kind, reference, actor, details, reverses_id, posted_at)
    VALUES (journal_kind, journal_reference, journal_actor, journal_details, reversed_id, posted)
    ON CONFLICT DO NOTHING RETURNING id INTO new_id;
  IF new_id IS NULL THEN
    RAISE EXCEPTION 'journal % is posted', journal_reference USING ERRCODE = 'not_null_violation';
  END IF;
  FOR n IN 1 .. cardinality(units) LOOP
    UPDATE accounts SET balance_units = balance_units + units[n]
      WHERE id = account_ids[n] AND asset = assets[n] AND (balance_units + units[n] >= 0 OR owner_kind = 'house')
      RETURNING balance_units INTO after;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'account % does not bear %', account_ids[n], units[n] USING ERRCODE = 'serialization_failure';
    END IF;
    afters := afters || after;
    place := array_position(assets, assets[n]);
    sums[place] := sums[place] + units[n];
  END LOOP;
  IF 0 <> ANY (sums) THEN
    RAISE EXCEPTION 'journal % is not balanced', journal_reference USING ERRCODE = 'check_violation';
  END IF;
  PERFORM set_config('portal.journal', new_id::text, true);
  INSERT INTO entries (journal_id, account_id, asset, amount_units, balance_after_units)
    SELECT new_id, line.* FROM unnest(account_ids, assets, units, afters) AS line;
  PERFORM set_config('portal.journal', '', true);
END $$
"""

REFUSE = """
CREATE FUNCTION refuse_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'entries are written by post_journal' USING ERRCODE = 'integrity_constraint_violation';
END $$
"""

TRIGGERS = (
    "CREATE TRIGGER entries_by_journal BEFORE INSERT ON entries FOR EACH ROW"
    " WHEN (new.journal_id::text IS DISTINCT FROM current_setting('portal.journal', true)) EXECUTE FUNCTION refuse_entry()",
    # What the foreign key from the entries did for an account: it stays. Journals are append-only already.
    "CREATE TRIGGER accounts_stay BEFORE DELETE ON accounts FOR EACH ROW EXECUTE FUNCTION refuse_change()",
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        return
    for statement in (POST, REFUSE, *TRIGGERS):
        op.execute(sa.text(statement))
    op.drop_constraint("fk_entries_account_id", "entries", type_="foreignkey")
    op.drop_constraint("fk_entries_journal_id", "entries", type_="foreignkey")
