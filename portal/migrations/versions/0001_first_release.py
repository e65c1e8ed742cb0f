"""First release: every table as it was released, the guards, and what every portal begins with."""

import sqlalchemy as sa
from alembic import op

from portal import db
from portal.migrations import guards, seeds, two_people

revision = "0001"
down_revision = None


def upgrade() -> None:
    _tables()
    guards.install(op.get_bind())
    two_people.install(op.get_bind())
    seeds.load_banks(op.get_bind())
    seeds.load_roles(op.get_bind())


def _tables() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("owner_kind", sa.String(length=16), nullable=False),
        sa.Column("owner_id", db.BigInt, nullable=False),
        sa.Column("asset", sa.String(length=8), nullable=False),
        sa.Column("bucket", sa.String(length=16), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("balance_units", db.BigInt, nullable=False),
        sa.CheckConstraint("balance_units >= 0 OR owner_kind = 'house'", name=op.f("ck_accounts_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint(
            "owner_kind",
            "owner_id",
            "asset",
            "bucket",
            "slot",
            name=op.f("uq_accounts_owner_kind_owner_id_asset_bucket_slot"),
        ),
    )
    op.create_table(
        "activity",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("customer_id", db.BigInt, nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("direction", sa.String(length=3), nullable=False),
        sa.Column("asset", sa.String(length=8), nullable=False),
        sa.Column("amount_units", db.BigInt, nullable=False),
        sa.Column("net_units", db.BigInt, nullable=False),
        sa.Column("fee_units", db.BigInt, nullable=False),
        sa.Column("counter_asset", sa.String(length=8), nullable=True),
        sa.Column("counter_units", db.BigInt, nullable=True),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("reference", sa.String(length=64), nullable=False),
        sa.Column("counterparty", sa.String(length=200), nullable=True),
        sa.Column("subject_kind", sa.String(length=64), nullable=False),
        sa.Column("subject_id", db.BigInt, nullable=False),
        sa.Column("details", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("updated_at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity")),
        sa.UniqueConstraint("public_id", name=op.f("uq_activity_public_id")),
        sa.UniqueConstraint(
            "subject_kind",
            "subject_id",
            "customer_id",
            "kind",
            name=op.f("uq_activity_subject_kind_subject_id_customer_id_kind"),
        ),
    )
    op.create_index("ix_activity_customer_kind", "activity", ["customer_id", "kind", "asset", "id"], unique=False)
    op.create_index("ix_activity_customer_page", "activity", ["customer_id", "id"], unique=False)
    op.create_table(
        "activity_counts",
        sa.Column("customer_id", db.BigInt, nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("asset", sa.String(length=8), nullable=False),
        sa.Column("rows", db.BigInt, nullable=False),
        sa.Column("first_id", db.BigInt, nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "day", "kind", "asset", name=op.f("pk_activity_counts")),
    )
    op.create_table(
        "address_counters",
        sa.Column("network", sa.String(length=10), nullable=False),
        sa.Column("next_index", db.BigInt, nullable=False),
        sa.PrimaryKeyConstraint("network", name=op.f("pk_address_counters")),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("owner_kind", sa.String(length=12), nullable=False),
        sa.Column("owner_id", db.BigInt, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("passphrase_digest", sa.String(length=200), nullable=True),
        sa.Column("scopes", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("ip_allowlist", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("last_used_at", db.UtcDateTime(), nullable=True),
        sa.Column("expires_at", db.UtcDateTime(), nullable=True),
        sa.Column("revoked_at", db.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("key", name=op.f("uq_api_keys_key")),
    )
    op.create_index(op.f("ix_api_keys_owner_kind_owner_id"), "api_keys", ["owner_kind", "owner_id"], unique=False)
    op.create_table(
        "audit_records",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("outcome", sa.String(length=24), nullable=False),
        sa.Column("details", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("ip", sa.String(length=45), nullable=True),
        sa.Column("at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_records")),
    )
    op.create_index(op.f("ix_audit_records_actor_id"), "audit_records", ["actor", "id"], unique=False)
    op.create_index(op.f("ix_audit_records_subject_id"), "audit_records", ["subject", "id"], unique=False)
    op.create_table(
        "authenticators",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("owner_kind", sa.String(length=12), nullable=False),
        sa.Column("owner_id", db.BigInt, nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("pending_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("pending_until", db.UtcDateTime(), nullable=True),
        sa.Column("last_step", db.BigInt, nullable=False),
        sa.Column("bound_at", db.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_authenticators")),
        sa.UniqueConstraint("owner_kind", "owner_id", name=op.f("uq_authenticators_owner_kind_owner_id")),
    )
    op.create_table(
        "bank_accounts",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("owner_kind", sa.String(length=12), nullable=False),
        sa.Column("owner_id", db.BigInt, nullable=False),
        sa.Column("bank_code", sa.String(length=3), nullable=False),
        sa.Column("branch_code", sa.String(length=4), nullable=False),
        sa.Column("account_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("account_index", sa.String(length=64), nullable=False),
        sa.Column("account_tail", sa.String(length=4), nullable=False),
        sa.Column("holder_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("verified_at", db.UtcDateTime(), nullable=True),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_accounts")),
    )
    op.create_index(op.f("ix_bank_accounts_account_index"), "bank_accounts", ["account_index"], unique=False)
    op.create_index(
        op.f("ix_bank_accounts_owner_kind_owner_id"), "bank_accounts", ["owner_kind", "owner_id"], unique=False
    )
    op.create_index(
        "uq_bank_accounts_of_customers",
        "bank_accounts",
        ["account_index"],
        unique=True,
        sqlite_where=sa.text("status = 'verified' AND owner_kind = 'customer'"),
        postgresql_where=sa.text("status = 'verified' AND owner_kind = 'customer'"),
    )
    op.create_table(
        "bank_closes",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("figures", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("closed_by", sa.String(length=64), nullable=False),
        sa.Column("closed_at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_bank_closes")),
    )
    op.create_table(
        "bank_credits",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("bank_reference", sa.String(length=200), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("asset", sa.String(length=8), nullable=False),
        sa.Column("amount_units", db.BigInt, nullable=False),
        sa.Column("payer_account", sa.String(length=64), nullable=True),
        sa.Column("payer_name", sa.String(length=200), nullable=True),
        sa.Column("outcome", sa.String(length=24), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("matched_kind", sa.String(length=64), nullable=True),
        sa.Column("matched_id", db.BigInt, nullable=True),
        sa.Column("details", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("received_at", db.UtcDateTime(), nullable=False),
        sa.Column("resolved_at", db.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_credits")),
        sa.UniqueConstraint("bank_reference", name=op.f("uq_bank_credits_bank_reference")),
        sa.UniqueConstraint("public_id", name=op.f("uq_bank_credits_public_id")),
    )
    op.create_index(op.f("ix_bank_credits_outcome_id"), "bank_credits", ["outcome", "id"], unique=False)
    op.create_table(
        "bank_mappings",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("columns", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("made_at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_mappings")),
    )
    op.create_table(
        "bank_statements",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("asset", sa.String(length=8), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("format", sa.String(length=64), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("file_digest", sa.String(length=64), nullable=False),
        sa.Column("first_day", sa.String(length=10), nullable=False),
        sa.Column("last_day", sa.String(length=10), nullable=False),
        sa.Column("opening_units", db.BigInt, nullable=True),
        sa.Column("closing_units", db.BigInt, nullable=True),
        sa.Column("lines_new", sa.Integer(), nullable=False),
        sa.Column("lines_known", sa.Integer(), nullable=False),
        sa.Column("imported_by", sa.String(length=64), nullable=False),
        sa.Column("imported_at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_statements")),
        sa.UniqueConstraint("file_digest", name=op.f("uq_bank_statements_file_digest")),
        sa.UniqueConstraint("public_id", name=op.f("uq_bank_statements_public_id")),
    )
    op.create_index(
        op.f("ix_bank_statements_account_last_day"), "bank_statements", ["account", "last_day"], unique=False
    )
    op.create_table(
        "banks",
        sa.Column("code", sa.String(length=3), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_banks")),
    )
    op.create_table(
        "captchas",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("text", sa.String(length=12), nullable=False),
        sa.Column("expires_at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_captchas")),
    )
    op.create_table(
        "card_types",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("currency", sa.String(length=8), nullable=False),
        sa.Column("bank_id", sa.String(length=8), nullable=False),
        sa.Column("description", sa.String(length=200), nullable=False),
        sa.Column("restock_to", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card_types")),
    )
    op.create_table(
        "chain_cursors",
        sa.Column("network", sa.String(length=10), nullable=False),
        sa.Column("block_number", db.BigInt, nullable=False),
        sa.Column("block_hash", sa.String(length=100), nullable=True),
        sa.PrimaryKeyConstraint("network", name=op.f("pk_chain_cursors")),
    )
    op.create_table(
        "companies",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("colour", sa.String(length=7), nullable=False),
        sa.Column("logo", sa.LargeBinary(), nullable=True),
        sa.Column("contact_email", sa.String(length=200), nullable=True),
        sa.Column("sellable_units", db.BigInt, nullable=False),
        sa.Column("settings", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_companies")),
        sa.UniqueConstraint("code", name=op.f("uq_companies_code")),
    )
    op.create_table(
        "deposit_addresses",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("owner_kind", sa.String(length=12), nullable=False),
        sa.Column("owner_id", db.BigInt, nullable=False),
        sa.Column("network", sa.String(length=10), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("derivation_index", db.BigInt, nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deposit_addresses")),
        sa.UniqueConstraint("network", "address", name=op.f("uq_deposit_addresses_network_address")),
        sa.UniqueConstraint("network", "derivation_index", name=op.f("uq_deposit_addresses_network_derivation_index")),
        sa.UniqueConstraint(
            "owner_kind", "owner_id", "network", name=op.f("uq_deposit_addresses_owner_kind_owner_id_network")
        ),
    )
    op.create_table(
        "failure_counters",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("first_at", db.UtcDateTime(), nullable=False),
        sa.Column("last_at", db.UtcDateTime(), nullable=False),
        sa.Column("locked_until", db.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_failure_counters")),
    )
    op.create_table(
        "heartbeats",
        sa.Column("worker", sa.String(length=64), nullable=False),
        sa.Column("beat_at", db.BigInt, nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("worker", name=op.f("pk_heartbeats")),
    )
    op.create_table(
        "holdings",
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("asset", sa.String(length=8), nullable=False),
        sa.Column("units", db.BigInt, nullable=False),
        sa.Column("at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("source", "asset", name=op.f("pk_holdings")),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("scope", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotency_keys")),
        sa.UniqueConstraint("scope", "key", name=op.f("uq_idempotency_keys_scope_key")),
    )
    op.create_index(op.f("ix_idempotency_keys_created_at"), "idempotency_keys", ["created_at"], unique=False)
    op.create_table(
        "institutions",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.String(length=6), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("areas", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("locale", sa.String(length=12), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_institutions")),
        sa.UniqueConstraint("number", name=op.f("uq_institutions_number")),
        sa.UniqueConstraint("public_id", name=op.f("uq_institutions_public_id")),
    )
    op.create_table(
        "jobs",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("payload", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("unique_key", sa.String(length=200), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("run_at", db.UtcDateTime(), nullable=False),
        sa.Column("expires_at", db.UtcDateTime(), nullable=True),
        sa.Column("leased_until", db.UtcDateTime(), nullable=True),
        sa.Column("leased_by", sa.String(length=64), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("finished_at", db.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("unique_key", name=op.f("uq_jobs_unique_key")),
    )
    op.create_index(op.f("ix_jobs_kind_status"), "jobs", ["kind", "status"], unique=False)
    op.create_index(op.f("ix_jobs_status_run_at"), "jobs", ["status", "run_at"], unique=False)
    op.create_table(
        "journals",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("reference", sa.String(length=200), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("details", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("reverses_id", db.BigInt, nullable=True),
        sa.Column("posted_at", db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["reverses_id"], ["journals.id"], name=op.f("fk_journals_reverses_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journals")),
        sa.UniqueConstraint("reference", name=op.f("uq_journals_reference")),
        sa.UniqueConstraint("reverses_id", name=op.f("uq_journals_reverses_id")),
    )
    op.create_table(
        "limit_uses",
        sa.Column("owner_kind", sa.String(length=12), nullable=False),
        sa.Column("owner_id", db.BigInt, nullable=False),
        sa.Column("limit_name", sa.String(length=64), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("used_units", db.BigInt, nullable=False),
        sa.PrimaryKeyConstraint("owner_kind", "owner_id", "limit_name", "day", name=op.f("pk_limit_uses")),
    )
    op.create_table(
        "network_cursors",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("position", db.BigInt, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_network_cursors")),
    )
    op.create_table(
        "notifications",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("customer_id", db.BigInt, nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("facts", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("link", sa.String(length=200), nullable=True),
        sa.Column("read_at", db.UtcDateTime(), nullable=True),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
    )
    op.create_index(op.f("ix_notifications_customer_id_id"), "notifications", ["customer_id", "id"], unique=False)
    op.create_table(
        "parameters",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("value", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("changed_by", sa.String(length=64), nullable=False),
        sa.Column("changed_at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parameters")),
        sa.UniqueConstraint("name", "version", name=op.f("uq_parameters_name_version")),
    )
    op.create_table(
        "partner_counters",
        sa.Column("institution_id", db.BigInt, nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("last", db.BigInt, nullable=False),
        sa.PrimaryKeyConstraint("institution_id", "kind", name=op.f("pk_partner_counters")),
    )
    op.create_table(
        "partner_requests",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("institution_id", db.BigInt, nullable=False),
        sa.Column("api_key", sa.String(length=64), nullable=False),
        sa.Column("method", sa.String(length=8), nullable=False),
        sa.Column("path", sa.String(length=200), nullable=False),
        sa.Column("operation", sa.String(length=64), nullable=False),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("field", sa.String(length=64), nullable=True),
        sa.Column("skew_ms", db.BigInt, nullable=True),
        sa.Column("ip", sa.String(length=45), nullable=False),
        sa.Column("at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_requests")),
    )
    op.create_index(op.f("ix_partner_requests_at"), "partner_requests", ["at"], unique=False)
    op.create_index(
        op.f("ix_partner_requests_institution_id_id"), "partner_requests", ["institution_id", "id"], unique=False
    )
    op.create_table(
        "passkeys",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("owner_kind", sa.String(length=12), nullable=False),
        sa.Column("owner_id", db.BigInt, nullable=False),
        sa.Column("credential_id", sa.String(length=700), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", db.BigInt, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("transports", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("last_used_at", db.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkeys")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkeys_credential_id")),
    )
    op.create_index(op.f("ix_passkeys_owner_kind_owner_id"), "passkeys", ["owner_kind", "owner_id"], unique=False)
    op.create_table(
        "payout_files",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("format", sa.String(length=64), nullable=False),
        sa.Column("payments", sa.Integer(), nullable=False),
        sa.Column("total_units", db.BigInt, nullable=False),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("content_digest", sa.String(length=64), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("made_at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_files")),
        sa.UniqueConstraint("public_id", name=op.f("uq_payout_files_public_id")),
    )
    op.create_table(
        "price_points",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("symbol", sa.String(length=16), nullable=False),
        sa.Column("resolution", sa.Integer(), nullable=False),
        sa.Column("at", db.UtcDateTime(), nullable=False),
        sa.Column("price", db.ExactDecimal(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_points")),
        sa.UniqueConstraint("symbol", "resolution", "at", name=op.f("uq_price_points_symbol_resolution_at")),
    )
    op.create_table(
        "prices",
        sa.Column("symbol", sa.String(length=16), nullable=False),
        sa.Column("price", db.ExactDecimal(), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("symbol", name=op.f("pk_prices")),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("owner_kind", sa.String(length=12), nullable=False),
        sa.Column("owner_id", db.BigInt, nullable=False),
        sa.Column("code_digest", sa.String(length=64), nullable=False),
        sa.Column("used_at", db.UtcDateTime(), nullable=True),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_codes")),
        sa.UniqueConstraint(
            "owner_kind", "owner_id", "code_digest", name=op.f("uq_recovery_codes_owner_kind_owner_id_code_digest")
        ),
    )
    op.create_table(
        "risk_cursors",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("position", db.BigInt, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_risk_cursors")),
    )
    op.create_table(
        "role_permissions",
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("permission", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("role", "permission", name=op.f("pk_role_permissions")),
    )
    op.create_table(
        "spent_nonces",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("expires_at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_spent_nonces")),
    )
    op.create_index(op.f("ix_spent_nonces_expires_at"), "spent_nonces", ["expires_at"], unique=False)
    op.create_table(
        "state_changes",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("machine", sa.String(length=64), nullable=False),
        sa.Column("thing_id", db.BigInt, nullable=False),
        sa.Column("from_state", sa.String(length=24), nullable=False),
        sa.Column("to_state", sa.String(length=24), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("why", sa.String(length=200), nullable=True),
        sa.Column("at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_state_changes")),
    )
    op.create_index(
        op.f("ix_state_changes_machine_thing_id_id"), "state_changes", ["machine", "thing_id", "id"], unique=False
    )
    op.create_table(
        "stored_files",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("owner_kind", sa.String(length=12), nullable=True),
        sa.Column("owner_id", db.BigInt, nullable=True),
        sa.Column("purpose", sa.String(length=64), nullable=True),
        sa.Column("media_type", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("content_digest", sa.String(length=64), nullable=False),
        sa.Column("key_name", sa.String(length=8), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_files")),
        sa.UniqueConstraint("name", name=op.f("uq_stored_files_name")),
        sa.UniqueConstraint("public_id", name=op.f("uq_stored_files_public_id")),
    )
    op.create_index(op.f("ix_stored_files_key_name"), "stored_files", ["key_name"], unique=False)
    op.create_index(
        op.f("ix_stored_files_owner_kind_owner_id"), "stored_files", ["owner_kind", "owner_id"], unique=False
    )
    op.create_index(op.f("ix_stored_files_state_created_at"), "stored_files", ["state", "created_at"], unique=False)
    op.create_table(
        "verification_codes",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("purpose", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("channel", sa.String(length=5), nullable=False),
        sa.Column("target_digest", sa.String(length=64), nullable=False),
        sa.Column("code_digest", sa.String(length=64), nullable=False),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("sends", sa.SmallInteger(), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("sent_at", db.UtcDateTime(), nullable=False),
        sa.Column("expires_at", db.UtcDateTime(), nullable=False),
        sa.Column("used_at", db.UtcDateTime(), nullable=True),
        sa.Column("ended_at", db.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verification_codes")),
    )
    op.create_index(
        op.f("ix_verification_codes_purpose_subject_id"),
        "verification_codes",
        ["purpose", "subject", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_verification_codes_target_digest_created_at"),
        "verification_codes",
        ["target_digest", "created_at"],
        unique=False,
    )
    op.create_table(
        "virtual_accounts",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("account", sa.String(length=20), nullable=False),
        sa.Column("bank_code", sa.String(length=3), nullable=False),
        sa.Column("branch_code", sa.String(length=4), nullable=False),
        sa.Column("purpose", sa.String(length=12), nullable=False),
        sa.Column("subject_id", db.BigInt, nullable=False),
        sa.Column("expires_at", db.UtcDateTime(), nullable=True),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_virtual_accounts")),
        sa.UniqueConstraint("account", name=op.f("uq_virtual_accounts_account")),
    )
    op.create_index(
        op.f("ix_virtual_accounts_purpose_subject_id"), "virtual_accounts", ["purpose", "subject_id"], unique=False
    )
    op.create_table(
        "webauthn_challenges",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("owner_kind", sa.String(length=12), nullable=False),
        sa.Column("owner_id", db.BigInt, nullable=False),
        sa.Column("purpose", sa.String(length=64), nullable=False),
        sa.Column("challenge", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webauthn_challenges")),
    )
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("owner_kind", sa.String(length=12), nullable=False),
        sa.Column("owner_id", db.BigInt, nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("events", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("old_secret_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("old_until", db.UtcDateTime(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", db.UtcDateTime(), nullable=True),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("disabled_at", db.UtcDateTime(), nullable=True),
        sa.Column("disabled_why", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoints")),
        sa.UniqueConstraint("public_id", name=op.f("uq_webhook_endpoints_public_id")),
    )
    op.create_index(
        op.f("ix_webhook_endpoints_owner_kind_owner_id"), "webhook_endpoints", ["owner_kind", "owner_id"], unique=False
    )
    op.create_table(
        "webhook_messages",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("owner_kind", sa.String(length=12), nullable=False),
        sa.Column("owner_id", db.BigInt, nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("event_key", sa.String(length=64), nullable=False),
        sa.Column("data", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_messages")),
        sa.UniqueConstraint(
            "owner_kind",
            "owner_id",
            "event",
            "event_key",
            name=op.f("uq_webhook_messages_owner_kind_owner_id_event_event_key"),
        ),
        sa.UniqueConstraint("public_id", name=op.f("uq_webhook_messages_public_id")),
    )
    op.create_index(
        op.f("ix_webhook_messages_owner_kind_owner_id_id"),
        "webhook_messages",
        ["owner_kind", "owner_id", "id"],
        unique=False,
    )
    op.create_table(
        "audit_seals",
        sa.Column("record_id", db.BigInt, nullable=False),
        sa.Column("chain_hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["record_id"], ["audit_records.id"], name=op.f("fk_audit_seals_record_id")),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_audit_seals")),
    )
    op.create_table(
        "bank_branches",
        sa.Column("bank_code", sa.String(length=3), nullable=False),
        sa.Column("code", sa.String(length=4), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["bank_code"], ["banks.code"], name=op.f("fk_bank_branches_bank_code")),
        sa.PrimaryKeyConstraint("bank_code", "code", name=op.f("pk_bank_branches")),
    )
    op.create_table(
        "bank_refunds",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("bank_credit_id", db.BigInt, nullable=False),
        sa.Column("asset", sa.String(length=8), nullable=False),
        sa.Column("amount_units", db.BigInt, nullable=False),
        sa.Column("bank_code", sa.String(length=3), nullable=False),
        sa.Column("branch_code", sa.String(length=4), nullable=False),
        sa.Column("account_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("account_tail", sa.String(length=4), nullable=False),
        sa.Column("holder_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("reference", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("failure", sa.String(length=200), nullable=True),
        sa.Column("payout_file_id", db.BigInt, nullable=True),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("updated_at", db.UtcDateTime(), nullable=False),
        sa.Column("ordered_at", db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["bank_credit_id"], ["bank_credits.id"], name=op.f("fk_bank_refunds_bank_credit_id")),
        sa.ForeignKeyConstraint(["payout_file_id"], ["payout_files.id"], name=op.f("fk_bank_refunds_payout_file_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_refunds")),
        sa.UniqueConstraint("public_id", name=op.f("uq_bank_refunds_public_id")),
        sa.UniqueConstraint("reference", name=op.f("uq_bank_refunds_reference")),
    )
    op.create_index(op.f("ix_bank_refunds_bank_credit_id"), "bank_refunds", ["bank_credit_id"], unique=False)
    op.create_index(op.f("ix_bank_refunds_status_id"), "bank_refunds", ["status", "id"], unique=False)
    op.create_table(
        "card_stock",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("card_type_id", sa.String(length=16), nullable=False),
        sa.Column("network_id", sa.String(length=64), nullable=False),
        sa.Column("first_six", sa.String(length=6), nullable=False),
        sa.Column("last_four", sa.String(length=4), nullable=False),
        sa.Column("added_at", db.UtcDateTime(), nullable=False),
        sa.Column("taken_at", db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["card_type_id"], ["card_types.id"], name=op.f("fk_card_stock_card_type_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card_stock")),
        sa.UniqueConstraint("network_id", name=op.f("uq_card_stock_network_id")),
    )
    op.create_index(
        op.f("ix_card_stock_card_type_id_taken_at_id"), "card_stock", ["card_type_id", "taken_at", "id"], unique=False
    )
    op.create_table(
        "card_terms",
        sa.Column("institution_id", db.BigInt, nullable=False),
        sa.Column("card_type_id", sa.String(length=16), nullable=False),
        sa.Column("may_open", sa.Boolean(), nullable=False),
        sa.Column("open_fee_units", db.BigInt, nullable=False),
        sa.Column("exchange_rate", db.ExactDecimal(), nullable=False),
        sa.Column("exchange_fee_rate", db.ExactDecimal(), nullable=False),
        sa.Column("loading_tiers", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("bank_transaction_rate", db.ExactDecimal(), nullable=False),
        sa.Column("bank_atm_rate", db.ExactDecimal(), nullable=False),
        sa.Column("bank_atm_fee", db.ExactDecimal(), nullable=False),
        sa.ForeignKeyConstraint(["card_type_id"], ["card_types.id"], name=op.f("fk_card_terms_card_type_id")),
        sa.ForeignKeyConstraint(["institution_id"], ["institutions.id"], name=op.f("fk_card_terms_institution_id")),
        sa.PrimaryKeyConstraint("institution_id", "card_type_id", name=op.f("pk_card_terms")),
    )
    op.create_table(
        "company_bank_accounts",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("company_id", db.BigInt, nullable=False),
        sa.Column("bank_code", sa.String(length=3), nullable=False),
        sa.Column("bank_name", sa.String(length=200), nullable=False),
        sa.Column("branch_name", sa.String(length=200), nullable=False),
        sa.Column("account_name", sa.String(length=200), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_company_bank_accounts_company_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_company_bank_accounts")),
        sa.UniqueConstraint("bank_code", "account", name=op.f("uq_company_bank_accounts_bank_code_account")),
    )
    op.create_index(op.f("ix_company_bank_accounts_company_id"), "company_bank_accounts", ["company_id"], unique=False)
    op.create_table(
        "customers",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("company_id", db.BigInt, nullable=False),
        sa.Column("username", sa.String(length=64), nullable=True),
        sa.Column("username_shown", sa.String(length=64), nullable=True),
        sa.Column("email", sa.String(length=200), nullable=True),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("standing", sa.String(length=16), nullable=False),
        sa.Column("registration", sa.String(length=20), nullable=False),
        sa.Column("kyc_level", sa.SmallInteger(), nullable=False),
        sa.Column("real_name_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("locale", sa.String(length=12), nullable=False),
        sa.Column("price_colours", sa.String(length=8), nullable=False),
        sa.Column("theme", sa.String(length=8), nullable=False),
        sa.Column("is_vip", sa.Boolean(), nullable=False),
        sa.Column("spread_override_bp", sa.Integer(), nullable=True),
        sa.Column("email_verified_at", db.UtcDateTime(), nullable=True),
        sa.Column("phone_verified_at", db.UtcDateTime(), nullable=True),
        sa.Column("password_changed_at", db.UtcDateTime(), nullable=True),
        sa.Column("withdrawals_held_until", db.UtcDateTime(), nullable=True),
        sa.Column("known_addresses_only", sa.Boolean(), nullable=False),
        sa.Column("notification_settings", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.CheckConstraint("kyc_level BETWEEN 0 AND 3", name=op.f("ck_customers_kyc_level")),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_customers_company_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
        sa.UniqueConstraint("email", name=op.f("uq_customers_email")),
        sa.UniqueConstraint("phone", name=op.f("uq_customers_phone")),
        sa.UniqueConstraint("public_id", name=op.f("uq_customers_public_id")),
        sa.UniqueConstraint("username", name=op.f("uq_customers_username")),
    )
    op.create_table(
        "deposits",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("owner_kind", sa.String(length=12), nullable=False),
        sa.Column("owner_id", db.BigInt, nullable=False),
        sa.Column("asset", sa.String(length=8), nullable=False),
        sa.Column("network", sa.String(length=10), nullable=False),
        sa.Column("amount_units", db.BigInt, nullable=False),
        sa.Column("fee_units", db.BigInt, nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("tx_hash", sa.String(length=100), nullable=True),
        sa.Column("log_index", sa.Integer(), nullable=True),
        sa.Column("block_number", db.BigInt, nullable=True),
        sa.Column("block_hash", sa.String(length=100), nullable=True),
        sa.Column("confirmations", sa.Integer(), nullable=False),
        sa.Column("confirmations_needed", sa.Integer(), nullable=False),
        sa.Column("bank_credit_id", db.BigInt, nullable=True),
        sa.Column("details", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("seen_at", db.UtcDateTime(), nullable=False),
        sa.Column("confirmed_at", db.UtcDateTime(), nullable=True),
        sa.Column("expires_at", db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["bank_credit_id"], ["bank_credits.id"], name=op.f("fk_deposits_bank_credit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deposits")),
        sa.UniqueConstraint("bank_credit_id", name=op.f("uq_deposits_bank_credit_id")),
        sa.UniqueConstraint("network", "tx_hash", "log_index", name=op.f("uq_deposits_network_tx_hash_log_index")),
        sa.UniqueConstraint("public_id", name=op.f("uq_deposits_public_id")),
    )
    op.create_index(
        op.f("ix_deposits_owner_kind_owner_id_id"), "deposits", ["owner_kind", "owner_id", "id"], unique=False
    )
    op.create_index(op.f("ix_deposits_status_network"), "deposits", ["status", "network"], unique=False)
    op.create_table(
        "entries",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("journal_id", db.BigInt, nullable=False),
        sa.Column("account_id", db.BigInt, nullable=False),
        sa.Column("asset", sa.String(length=8), nullable=False),
        sa.Column("amount_units", db.BigInt, nullable=False),
        sa.Column("balance_after_units", db.BigInt, nullable=False),
        sa.CheckConstraint("amount_units <> 0", name=op.f("ck_entries_not_zero")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_entries_account_id")),
        sa.ForeignKeyConstraint(["journal_id"], ["journals.id"], name=op.f("fk_entries_journal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entries")),
    )
    op.create_index(op.f("ix_entries_account_id_id"), "entries", ["account_id", "id"], unique=False)
    op.create_index(op.f("ix_entries_journal_id"), "entries", ["journal_id"], unique=False)
    op.create_table(
        "institution_assets",
        sa.Column("institution_id", db.BigInt, nullable=False),
        sa.Column("asset", sa.String(length=8), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("network", sa.String(length=10), nullable=False),
        sa.Column("low_units", db.BigInt, nullable=False),
        sa.Column("warned_at", db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["institutions.id"], name=op.f("fk_institution_assets_institution_id")
        ),
        sa.PrimaryKeyConstraint("institution_id", "asset", name=op.f("pk_institution_assets")),
    )
    op.create_table(
        "partner_kyc",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("institution_id", db.BigInt, nullable=False),
        sa.Column("number", db.BigInt, nullable=False),
        sa.Column("acct_no", sa.String(length=64), nullable=False),
        sa.Column("card_type_id", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("details_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("mail_index", sa.String(length=64), nullable=False),
        sa.Column("mobile_index", sa.String(length=64), nullable=False),
        sa.Column("files", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("submissions", sa.Integer(), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("submitted_at", db.UtcDateTime(), nullable=False),
        sa.Column("decided_at", db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["card_type_id"], ["card_types.id"], name=op.f("fk_partner_kyc_card_type_id")),
        sa.ForeignKeyConstraint(["institution_id"], ["institutions.id"], name=op.f("fk_partner_kyc_institution_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_kyc")),
        sa.UniqueConstraint(
            "institution_id", "acct_no", "card_type_id", name=op.f("uq_partner_kyc_institution_id_acct_no_card_type_id")
        ),
        sa.UniqueConstraint(
            "institution_id",
            "card_type_id",
            "mail_index",
            name=op.f("uq_partner_kyc_institution_id_card_type_id_mail_index"),
        ),
        sa.UniqueConstraint(
            "institution_id",
            "card_type_id",
            "mobile_index",
            name=op.f("uq_partner_kyc_institution_id_card_type_id_mobile_index"),
        ),
        sa.UniqueConstraint("institution_id", "number", name=op.f("uq_partner_kyc_institution_id_number")),
        sa.UniqueConstraint("public_id", name=op.f("uq_partner_kyc_public_id")),
    )
    op.create_index(
        op.f("ix_partner_kyc_institution_id_created_at_number"),
        "partner_kyc",
        ["institution_id", "created_at", "number"],
        unique=False,
    )
    op.create_index(op.f("ix_partner_kyc_status_id"), "partner_kyc", ["status", "id"], unique=False)
    op.create_table(
        "partner_mail_proofs",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("institution_id", db.BigInt, nullable=False),
        sa.Column("token_index", sa.String(length=64), nullable=False),
        sa.Column("mail_index", sa.String(length=64), nullable=False),
        sa.Column("code_index", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("expires_at", db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["institutions.id"], name=op.f("fk_partner_mail_proofs_institution_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_mail_proofs")),
        sa.UniqueConstraint(
            "institution_id", "token_index", name=op.f("uq_partner_mail_proofs_institution_id_token_index")
        ),
    )
    op.create_table(
        "payout_file_parts",
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("thing_id", db.BigInt, nullable=False),
        sa.Column("file_id", db.BigInt, nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["payout_files.id"], name=op.f("fk_payout_file_parts_file_id")),
        sa.PrimaryKeyConstraint("kind", "thing_id", name=op.f("pk_payout_file_parts")),
    )
    op.create_table(
        "policy_versions",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("company_id", db.BigInt, nullable=True),
        sa.Column("terms_type", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("published_at", db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_policy_versions_company_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_versions")),
        sa.UniqueConstraint(
            "company_id", "terms_type", "version", name=op.f("uq_policy_versions_company_id_terms_type_version")
        ),
    )
    op.create_table(
        "statement_lines",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("statement_id", db.BigInt, nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("amount_units", db.BigInt, nullable=False),
        sa.Column("balance_units", db.BigInt, nullable=True),
        sa.Column("reference", sa.String(length=200), nullable=True),
        sa.Column("virtual_account", sa.String(length=64), nullable=True),
        sa.Column("other_account", sa.String(length=64), nullable=True),
        sa.Column("other_name", sa.String(length=200), nullable=True),
        sa.Column("remark", sa.String(length=200), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("match_kind", sa.String(length=64), nullable=True),
        sa.Column("match_id", db.BigInt, nullable=True),
        sa.Column("score", sa.SmallInteger(), nullable=False),
        sa.Column("reasons", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("note", sa.String(length=200), nullable=True),
        sa.Column("booked_by", sa.String(length=64), nullable=True),
        sa.Column("booked_at", db.UtcDateTime(), nullable=True),
        sa.CheckConstraint("amount_units <> 0", name=op.f("ck_statement_lines_not_zero")),
        sa.ForeignKeyConstraint(["statement_id"], ["bank_statements.id"], name=op.f("fk_statement_lines_statement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statement_lines")),
        sa.UniqueConstraint("account", "fingerprint", name=op.f("uq_statement_lines_account_fingerprint")),
    )
    op.create_index(op.f("ix_statement_lines_statement_id_id"), "statement_lines", ["statement_id", "id"], unique=False)
    op.create_index(op.f("ix_statement_lines_status_id"), "statement_lines", ["status", "id"], unique=False)
    op.create_index(
        "uq_statement_lines_booked",
        "statement_lines",
        ["match_kind", "match_id"],
        unique=True,
        sqlite_where=sa.text("status = 'booked' AND match_id IS NOT NULL"),
        postgresql_where=sa.text("status = 'booked' AND match_id IS NOT NULL"),
    )
    op.create_table(
        "stores",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("company_id", db.BigInt, nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("area", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("category", sa.String(length=64), nullable=False),
        sa.Column("about", sa.Text(), nullable=True),
        sa.Column("latitude_micro", sa.Integer(), nullable=True),
        sa.Column("longitude_micro", sa.Integer(), nullable=True),
        sa.Column("discount_type", sa.String(length=8), nullable=False),
        sa.Column("discount_value", db.ExactDecimal(), nullable=False),
        sa.Column("contact_phone", sa.String(length=20), nullable=True),
        sa.Column("contact_email", sa.String(length=200), nullable=True),
        sa.Column("standing", sa.String(length=8), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.CheckConstraint("discount_type IN ('fixed', 'percent')", name=op.f("ck_stores_discount_type")),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_stores_company_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stores")),
        sa.UniqueConstraint("code", name=op.f("uq_stores_code")),
        sa.UniqueConstraint("public_id", name=op.f("uq_stores_public_id")),
    )
    op.create_index(op.f("ix_stores_area_id"), "stores", ["area", "id"], unique=False)
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("message_id", db.BigInt, nullable=False),
        sa.Column("endpoint_id", db.BigInt, nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("tries_left", sa.Integer(), nullable=False),
        sa.Column("next_at", db.UtcDateTime(), nullable=False),
        sa.Column("leased_until", db.UtcDateTime(), nullable=True),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("finished_at", db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["endpoint_id"], ["webhook_endpoints.id"], name=op.f("fk_webhook_deliveries_endpoint_id")
        ),
        sa.ForeignKeyConstraint(["message_id"], ["webhook_messages.id"], name=op.f("fk_webhook_deliveries_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        sa.UniqueConstraint("message_id", "endpoint_id", name=op.f("uq_webhook_deliveries_message_id_endpoint_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_webhook_deliveries_public_id")),
    )
    op.create_index(
        op.f("ix_webhook_deliveries_endpoint_id_id"), "webhook_deliveries", ["endpoint_id", "id"], unique=False
    )
    op.create_index(
        op.f("ix_webhook_deliveries_status_next_at"), "webhook_deliveries", ["status", "next_at"], unique=False
    )
    op.create_table(
        "withdrawals",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("owner_kind", sa.String(length=12), nullable=False),
        sa.Column("owner_id", db.BigInt, nullable=False),
        sa.Column("family", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("asset", sa.String(length=8), nullable=False),
        sa.Column("payout_asset", sa.String(length=8), nullable=False),
        sa.Column("network", sa.String(length=10), nullable=False),
        sa.Column("amount_units", db.BigInt, nullable=False),
        sa.Column("fee_units", db.BigInt, nullable=False),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("bank_account_id", db.BigInt, nullable=True),
        sa.Column("internal_owner_kind", sa.String(length=12), nullable=True),
        sa.Column("internal_owner_id", db.BigInt, nullable=True),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("reference", sa.String(length=64), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("needs_approvals", sa.SmallInteger(), nullable=False),
        sa.Column("tx_hash", sa.String(length=100), nullable=True),
        sa.Column("signed_bytes", sa.LargeBinary(), nullable=True),
        sa.Column("signed_expires_at", db.UtcDateTime(), nullable=True),
        sa.Column("chain_nonce", db.BigInt, nullable=True),
        sa.Column("bank_reference", sa.String(length=200), nullable=True),
        sa.Column("failure", sa.String(length=200), nullable=True),
        sa.Column("travel_rule", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("details", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("updated_at", db.UtcDateTime(), nullable=False),
        sa.Column("verified_at", db.UtcDateTime(), nullable=True),
        sa.Column("confirmed_at", db.UtcDateTime(), nullable=True),
        sa.Column("expires_at", db.UtcDateTime(), nullable=True),
        sa.CheckConstraint("amount_units > fee_units AND fee_units >= 0", name=op.f("ck_withdrawals_amounts")),
        sa.ForeignKeyConstraint(["bank_account_id"], ["bank_accounts.id"], name=op.f("fk_withdrawals_bank_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withdrawals")),
        sa.UniqueConstraint("bank_reference", name=op.f("uq_withdrawals_bank_reference")),
        sa.UniqueConstraint("public_id", name=op.f("uq_withdrawals_public_id")),
        sa.UniqueConstraint("reference", name=op.f("uq_withdrawals_reference")),
        sa.UniqueConstraint("tx_hash", name=op.f("uq_withdrawals_tx_hash")),
    )
    op.create_index(
        op.f("ix_withdrawals_owner_kind_owner_id_id"), "withdrawals", ["owner_kind", "owner_id", "id"], unique=False
    )
    op.create_index(op.f("ix_withdrawals_status_id"), "withdrawals", ["status", "id"], unique=False)
    op.create_table(
        "buy_orders",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("customer_id", db.BigInt, nullable=False),
        sa.Column("company_id", db.BigInt, nullable=False),
        sa.Column("quantity_units", db.BigInt, nullable=False),
        sa.Column("unit_price", db.ExactDecimal(), nullable=False),
        sa.Column("total_units", db.BigInt, nullable=False),
        sa.Column("payment_type", sa.String(length=12), nullable=False),
        sa.Column("payout_account_id", db.BigInt, nullable=False),
        sa.Column("remittance_name", sa.String(length=200), nullable=True),
        sa.Column("virtual_account_id", db.BigInt, nullable=True),
        sa.Column("bank_credit_id", db.BigInt, nullable=True),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("updated_at", db.UtcDateTime(), nullable=False),
        sa.Column("expires_at", db.UtcDateTime(), nullable=False),
        sa.Column("paid_at", db.UtcDateTime(), nullable=True),
        sa.Column("token_at", db.UtcDateTime(), nullable=True),
        sa.CheckConstraint("quantity_units > 0 AND total_units > 0", name=op.f("ck_buy_orders_positive")),
        sa.ForeignKeyConstraint(["bank_credit_id"], ["bank_credits.id"], name=op.f("fk_buy_orders_bank_credit_id")),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_buy_orders_company_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_buy_orders_customer_id")),
        sa.ForeignKeyConstraint(
            ["payout_account_id"], ["company_bank_accounts.id"], name=op.f("fk_buy_orders_payout_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["virtual_account_id"], ["virtual_accounts.id"], name=op.f("fk_buy_orders_virtual_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_buy_orders")),
        sa.UniqueConstraint("bank_credit_id", name=op.f("uq_buy_orders_bank_credit_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_buy_orders_public_id")),
    )
    op.create_index(op.f("ix_buy_orders_customer_id_id"), "buy_orders", ["customer_id", "id"], unique=False)
    op.create_index(
        op.f("ix_buy_orders_payout_account_id_status"), "buy_orders", ["payout_account_id", "status"], unique=False
    )
    op.create_index(op.f("ix_buy_orders_status_expires_at"), "buy_orders", ["status", "expires_at"], unique=False)
    op.create_table(
        "client_sessions",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("customer_id", db.BigInt, nullable=False),
        sa.Column("secret_digest", sa.String(length=64), nullable=False),
        sa.Column("family", sa.String(length=12), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("ip", sa.String(length=45), nullable=False),
        sa.Column("user_agent", sa.String(length=300), nullable=False),
        sa.Column("device_digest", sa.String(length=64), nullable=True),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("last_seen_at", db.UtcDateTime(), nullable=False),
        sa.Column("reauthenticated_at", db.UtcDateTime(), nullable=True),
        sa.Column("expires_at", db.UtcDateTime(), nullable=False),
        sa.Column("ended_at", db.UtcDateTime(), nullable=True),
        sa.Column("ended_why", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_client_sessions_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client_sessions")),
        sa.UniqueConstraint("public_id", name=op.f("uq_client_sessions_public_id")),
        sa.UniqueConstraint("secret_digest", name=op.f("uq_client_sessions_secret_digest")),
    )
    op.create_index(op.f("ix_client_sessions_customer_id_id"), "client_sessions", ["customer_id", "id"], unique=False)
    op.create_table(
        "common_addresses",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("customer_id", db.BigInt, nullable=False),
        sa.Column("network", sa.String(length=10), nullable=False),
        sa.Column("asset", sa.String(length=8), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("active_at", db.UtcDateTime(), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_common_addresses_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_common_addresses")),
        sa.UniqueConstraint(
            "customer_id", "network", "address", name=op.f("uq_common_addresses_customer_id_network_address")
        ),
    )
    op.create_table(
        "conversions",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("customer_id", db.BigInt, nullable=False),
        sa.Column("from_asset", sa.String(length=8), nullable=False),
        sa.Column("from_units", db.BigInt, nullable=False),
        sa.Column("to_asset", sa.String(length=8), nullable=False),
        sa.Column("to_units", db.BigInt, nullable=False),
        sa.Column("spread_units", db.BigInt, nullable=False),
        sa.Column("from_price", db.ExactDecimal(), nullable=False),
        sa.Column("to_price", db.ExactDecimal(), nullable=False),
        sa.Column("spread_percent", db.ExactDecimal(), nullable=False),
        sa.Column("reference", sa.String(length=64), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "from_units > 0 AND to_units > 0 AND from_asset <> to_asset", name=op.f("ck_conversions_amounts")
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_conversions_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversions")),
        sa.UniqueConstraint("public_id", name=op.f("uq_conversions_public_id")),
        sa.UniqueConstraint("reference", name=op.f("uq_conversions_reference")),
    )
    op.create_index(op.f("ix_conversions_customer_id_id"), "conversions", ["customer_id", "id"], unique=False)
    op.create_table(
        "identity_holders",
        sa.Column("number_index", sa.String(length=64), nullable=False),
        sa.Column("customer_id", db.BigInt, nullable=False),
        sa.Column("since", db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_identity_holders_customer_id")),
        sa.PrimaryKeyConstraint("number_index", name=op.f("pk_identity_holders")),
        sa.UniqueConstraint("customer_id", name=op.f("uq_identity_holders_customer_id")),
    )
    op.create_table(
        "institution_members",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("institution_id", db.BigInt, nullable=False),
        sa.Column("customer_id", db.BigInt, nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("removed_at", db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_institution_members_customer_id")),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["institutions.id"], name=op.f("fk_institution_members_institution_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_institution_members")),
        sa.UniqueConstraint(
            "institution_id", "customer_id", name=op.f("uq_institution_members_institution_id_customer_id")
        ),
        sa.UniqueConstraint("public_id", name=op.f("uq_institution_members_public_id")),
    )
    op.create_index(op.f("ix_institution_members_customer_id"), "institution_members", ["customer_id"], unique=False)
    op.create_table(
        "kyc_documents",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("customer_id", db.BigInt, nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("file_id", db.BigInt, nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("decided_at", db.UtcDateTime(), nullable=True),
        sa.CheckConstraint("kind BETWEEN 1 AND 6", name=op.f("ck_kyc_documents_kind")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_kyc_documents_customer_id")),
        sa.ForeignKeyConstraint(["file_id"], ["stored_files.id"], name=op.f("fk_kyc_documents_file_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kyc_documents")),
    )
    op.create_index(
        "uq_kyc_documents_current",
        "kyc_documents",
        ["customer_id", "kind"],
        unique=True,
        sqlite_where=sa.text("status <> 'replaced'"),
        postgresql_where=sa.text("status <> 'replaced'"),
    )
    op.create_table(
        "kyc_identities",
        sa.Column("customer_id", db.BigInt, autoincrement=False, nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("gender", sa.SmallInteger(), nullable=False),
        sa.Column("birthday_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("number_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("number_index", sa.String(length=64), nullable=False),
        sa.Column("number_kind", sa.String(length=64), nullable=False),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("answers_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("updated_at", db.UtcDateTime(), nullable=False),
        sa.Column("verified_at", db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_kyc_identities_customer_id")),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_kyc_identities")),
    )
    op.create_index(op.f("ix_kyc_identities_number_index"), "kyc_identities", ["number_index"], unique=False)
    op.create_table(
        "kyc_levels",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("customer_id", db.BigInt, nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("submitted_at", db.UtcDateTime(), nullable=True),
        sa.Column("decided_at", db.UtcDateTime(), nullable=True),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("bank_account_id", db.BigInt, nullable=True),
        sa.CheckConstraint("level BETWEEN 1 AND 3", name=op.f("ck_kyc_levels_level")),
        sa.ForeignKeyConstraint(["bank_account_id"], ["bank_accounts.id"], name=op.f("fk_kyc_levels_bank_account_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_kyc_levels_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kyc_levels")),
        sa.UniqueConstraint("customer_id", "level", name=op.f("uq_kyc_levels_customer_id_level")),
    )
    op.create_index(
        op.f("ix_kyc_levels_status_submitted_at_id"), "kyc_levels", ["status", "submitted_at", "id"], unique=False
    )
    op.create_table(
        "partner_cards",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("institution_id", db.BigInt, nullable=False),
        sa.Column("number", db.BigInt, nullable=False),
        sa.Column("kyc_id", db.BigInt, nullable=False),
        sa.Column("acct_no", sa.String(length=64), nullable=False),
        sa.Column("card_type_id", sa.String(length=16), nullable=False),
        sa.Column("card_no", sa.String(length=64), nullable=False),
        sa.Column("network_id", sa.String(length=64), nullable=False),
        sa.Column("first_six", sa.String(length=6), nullable=False),
        sa.Column("last_four", sa.String(length=4), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("files", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("activated_at", db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["card_type_id"], ["card_types.id"], name=op.f("fk_partner_cards_card_type_id")),
        sa.ForeignKeyConstraint(["institution_id"], ["institutions.id"], name=op.f("fk_partner_cards_institution_id")),
        sa.ForeignKeyConstraint(["kyc_id"], ["partner_kyc.id"], name=op.f("fk_partner_cards_kyc_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_cards")),
        sa.UniqueConstraint("card_no", name=op.f("uq_partner_cards_card_no")),
        sa.UniqueConstraint(
            "institution_id",
            "acct_no",
            "card_type_id",
            name=op.f("uq_partner_cards_institution_id_acct_no_card_type_id"),
        ),
        sa.UniqueConstraint("institution_id", "number", name=op.f("uq_partner_cards_institution_id_number")),
        sa.UniqueConstraint("network_id", name=op.f("uq_partner_cards_network_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_partner_cards_public_id")),
    )
    op.create_index(
        op.f("ix_partner_cards_institution_id_created_at_number"),
        "partner_cards",
        ["institution_id", "created_at", "number"],
        unique=False,
    )
    op.create_table(
        "partner_kyc_submissions",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("institution_id", db.BigInt, nullable=False),
        sa.Column("cust_tx_id", sa.String(length=200), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("kyc_id", db.BigInt, nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["institutions.id"], name=op.f("fk_partner_kyc_submissions_institution_id")
        ),
        sa.ForeignKeyConstraint(["kyc_id"], ["partner_kyc.id"], name=op.f("fk_partner_kyc_submissions_kyc_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_kyc_submissions")),
        sa.UniqueConstraint(
            "institution_id", "cust_tx_id", name=op.f("uq_partner_kyc_submissions_institution_id_cust_tx_id")
        ),
    )
    op.create_table(
        "payment_requests",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("store_id", db.BigInt, nullable=False),
        sa.Column("customer_id", db.BigInt, nullable=True),
        sa.Column("amount_units", db.BigInt, nullable=False),
        sa.Column("note", sa.String(length=200), nullable=True),
        sa.Column("reference", sa.String(length=64), nullable=True),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("order_id", db.BigInt, nullable=True),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("expires_at", db.UtcDateTime(), nullable=False),
        sa.Column("paid_at", db.UtcDateTime(), nullable=True),
        sa.CheckConstraint("amount_units >= 0", name=op.f("ck_payment_requests_not_negative")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_payment_requests_customer_id")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_payment_requests_store_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_requests")),
        sa.UniqueConstraint("code", name=op.f("uq_payment_requests_code")),
        sa.UniqueConstraint("order_id", name=op.f("uq_payment_requests_order_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_payment_requests_public_id")),
    )
    op.create_index(
        op.f("ix_payment_requests_status_expires_at"), "payment_requests", ["status", "expires_at"], unique=False
    )
    op.create_index(op.f("ix_payment_requests_store_id_id"), "payment_requests", ["store_id", "id"], unique=False)
    op.create_table(
        "portfolio_snapshots",
        sa.Column("customer_id", db.BigInt, nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("worth_units", db.BigInt, nullable=False),
        sa.Column("taken_at", db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_portfolio_snapshots_customer_id")),
        sa.PrimaryKeyConstraint("customer_id", "day", name=op.f("pk_portfolio_snapshots")),
    )
    op.create_table(
        "price_alerts",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("customer_id", db.BigInt, nullable=False),
        sa.Column("asset", sa.String(length=8), nullable=False),
        sa.Column("direction", sa.String(length=5), nullable=False),
        sa.Column("price_micro", db.BigInt, nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("fired_at", db.UtcDateTime(), nullable=True),
        sa.Column("removed_at", db.UtcDateTime(), nullable=True),
        sa.CheckConstraint("price_micro > 0", name=op.f("ck_price_alerts_positive")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_price_alerts_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_alerts")),
    )
    op.create_index(op.f("ix_price_alerts_customer_id_id"), "price_alerts", ["customer_id", "id"], unique=False)
    op.create_index(
        "ix_price_alerts_watched",
        "price_alerts",
        ["asset", "direction", "price_micro"],
        unique=False,
        postgresql_where=sa.text("fired_at IS NULL AND removed_at IS NULL"),
        sqlite_where=sa.text("fired_at IS NULL AND removed_at IS NULL"),
    )
    op.create_table(
        "quotes",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("customer_id", db.BigInt, nullable=False),
        sa.Column("side", sa.String(length=4), nullable=False),
        sa.Column("base_asset", sa.String(length=8), nullable=False),
        sa.Column("order_asset", sa.String(length=8), nullable=False),
        sa.Column("base_units", db.BigInt, nullable=False),
        sa.Column("order_units", db.BigInt, nullable=False),
        sa.Column("spread_units", db.BigInt, nullable=False),
        sa.Column("unit_price", db.ExactDecimal(), nullable=False),
        sa.Column("market_price", db.ExactDecimal(), nullable=False),
        sa.Column("spread_percent", db.ExactDecimal(), nullable=False),
        sa.Column("given", sa.String(length=5), nullable=False),
        sa.Column("valid_ms", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("expires_at", db.UtcDateTime(), nullable=False),
        sa.Column("closed_at", db.UtcDateTime(), nullable=True),
        sa.CheckConstraint("base_units > 0 AND order_units > 0", name=op.f("ck_quotes_positive")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_quotes_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quotes")),
        sa.UniqueConstraint("public_id", name=op.f("uq_quotes_public_id")),
    )
    op.create_index(op.f("ix_quotes_customer_id_id"), "quotes", ["customer_id", "id"], unique=False)
    op.create_table(
        "registrations",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("company_id", db.BigInt, nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.Column("email", sa.String(length=200), nullable=True),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("decoy", sa.Boolean(), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=True),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("address_until", db.UtcDateTime(), nullable=True),
        sa.Column("customer_id", db.BigInt, nullable=True),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("expires_at", db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_registrations_company_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_registrations_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registrations")),
        sa.UniqueConstraint("customer_id", name=op.f("uq_registrations_customer_id")),
    )
    op.create_index(op.f("ix_registrations_expires_at"), "registrations", ["expires_at"], unique=False)
    op.create_index(
        op.f("ix_registrations_phone_company_id_id"), "registrations", ["phone", "company_id", "id"], unique=False
    )
    op.create_table(
        "risk_marks",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("customer_id", db.BigInt, nullable=False),
        sa.Column("label", sa.String(length=64), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("removed_at", db.UtcDateTime(), nullable=True),
        sa.Column("removed_by", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_risk_marks_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_risk_marks")),
    )
    op.create_index(op.f("ix_risk_marks_customer_id_id"), "risk_marks", ["customer_id", "id"], unique=False)
    op.create_table(
        "sign_in_events",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("customer_id", db.BigInt, nullable=True),
        sa.Column("operation_code", sa.Integer(), nullable=False),
        sa.Column("ip", sa.String(length=45), nullable=False),
        sa.Column("browser", sa.String(length=64), nullable=False),
        sa.Column("os", sa.String(length=64), nullable=False),
        sa.Column("at", db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_sign_in_events_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_events")),
    )
    op.create_index(op.f("ix_sign_in_events_customer_id_id"), "sign_in_events", ["customer_id", "id"], unique=False)
    op.create_table(
        "staff",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("email", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("password_changed_at", db.UtcDateTime(), nullable=True),
        sa.Column("standing", sa.String(length=12), nullable=False),
        sa.Column("customer_id", db.BigInt, nullable=True),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.CheckConstraint("standing IN ('active', 'suspended')", name=op.f("ck_staff_standing")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_staff_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("customer_id", name=op.f("uq_staff_customer_id")),
        sa.UniqueConstraint("email", name=op.f("uq_staff_email")),
        sa.UniqueConstraint("public_id", name=op.f("uq_staff_public_id")),
    )
    op.create_table(
        "store_days",
        sa.Column("store_id", db.BigInt, nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("opening_units", db.BigInt, nullable=False),
        sa.Column("payments", db.BigInt, nullable=False),
        sa.Column("bill_units", db.BigInt, nullable=False),
        sa.Column("discount_units", db.BigInt, nullable=False),
        sa.Column("paid_units", db.BigInt, nullable=False),
        sa.Column("refunds", db.BigInt, nullable=False),
        sa.Column("refunded_units", db.BigInt, nullable=False),
        sa.Column("settlements", db.BigInt, nullable=False),
        sa.Column("settled_units", db.BigInt, nullable=False),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_store_days_store_id")),
        sa.PrimaryKeyConstraint("store_id", "day", name=op.f("pk_store_days")),
    )
    op.create_table(
        "store_invitations",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("store_id", db.BigInt, nullable=False),
        sa.Column("email", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("invited_by", db.BigInt, nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("expires_at", db.UtcDateTime(), nullable=False),
        sa.Column("accepted_at", db.UtcDateTime(), nullable=True),
        sa.Column("ended_at", db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["invited_by"], ["customers.id"], name=op.f("fk_store_invitations_invited_by")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_store_invitations_store_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store_invitations")),
        sa.UniqueConstraint("public_id", name=op.f("uq_store_invitations_public_id")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_store_invitations_token_digest")),
    )
    op.create_index(op.f("ix_store_invitations_store_id_id"), "store_invitations", ["store_id", "id"], unique=False)
    op.create_table(
        "store_members",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("store_id", db.BigInt, nullable=False),
        sa.Column("customer_id", db.BigInt, nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("pin_hash", sa.String(length=200), nullable=True),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("removed_at", db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_store_members_customer_id")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_store_members_store_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store_members")),
        sa.UniqueConstraint("public_id", name=op.f("uq_store_members_public_id")),
        sa.UniqueConstraint("store_id", "customer_id", name=op.f("uq_store_members_store_id_customer_id")),
    )
    op.create_index(op.f("ix_store_members_customer_id"), "store_members", ["customer_id"], unique=False)
    op.create_table(
        "swap_orders",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("customer_id", db.BigInt, nullable=False),
        sa.Column("from_asset", sa.String(length=8), nullable=False),
        sa.Column("to_asset", sa.String(length=8), nullable=False),
        sa.Column("quantity_units", db.BigInt, nullable=False),
        sa.Column("received_units", db.BigInt, nullable=False),
        sa.Column("rate", db.ExactDecimal(), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("updated_at", db.UtcDateTime(), nullable=False),
        sa.Column("expires_at", db.UtcDateTime(), nullable=False),
        sa.Column("completed_at", db.UtcDateTime(), nullable=True),
        sa.CheckConstraint("from_asset <> to_asset", name=op.f("ck_swap_orders_two_assets")),
        sa.CheckConstraint("quantity_units > 0 AND received_units > 0", name=op.f("ck_swap_orders_positive")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_swap_orders_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_swap_orders")),
        sa.UniqueConstraint("public_id", name=op.f("uq_swap_orders_public_id")),
    )
    op.create_index(op.f("ix_swap_orders_customer_id_id"), "swap_orders", ["customer_id", "id"], unique=False)
    op.create_index(op.f("ix_swap_orders_status_expires_at"), "swap_orders", ["status", "expires_at"], unique=False)
    op.create_table(
        "transfers",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("sender_id", db.BigInt, nullable=False),
        sa.Column("receiver_id", db.BigInt, nullable=False),
        sa.Column("asset", sa.String(length=8), nullable=False),
        sa.Column("amount_units", db.BigInt, nullable=False),
        sa.Column("note", sa.String(length=200), nullable=True),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("reference", sa.String(length=64), nullable=False),
        sa.Column("link_digest", sa.String(length=64), nullable=True),
        sa.Column("link_sent_at", db.UtcDateTime(), nullable=True),
        sa.Column("link_expires_at", db.UtcDateTime(), nullable=True),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("updated_at", db.UtcDateTime(), nullable=False),
        sa.Column("expires_at", db.UtcDateTime(), nullable=False),
        sa.Column("completed_at", db.UtcDateTime(), nullable=True),
        sa.CheckConstraint("amount_units > 0", name=op.f("ck_transfers_positive")),
        sa.CheckConstraint("sender_id <> receiver_id", name=op.f("ck_transfers_not_to_oneself")),
        sa.ForeignKeyConstraint(["receiver_id"], ["customers.id"], name=op.f("fk_transfers_receiver_id")),
        sa.ForeignKeyConstraint(["sender_id"], ["customers.id"], name=op.f("fk_transfers_sender_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfers")),
        sa.UniqueConstraint("link_digest", name=op.f("uq_transfers_link_digest")),
        sa.UniqueConstraint("public_id", name=op.f("uq_transfers_public_id")),
        sa.UniqueConstraint("reference", name=op.f("uq_transfers_reference")),
    )
    op.create_index(op.f("ix_transfers_receiver_id_id"), "transfers", ["receiver_id", "id"], unique=False)
    op.create_index(op.f("ix_transfers_sender_id_id"), "transfers", ["sender_id", "id"], unique=False)
    op.create_table(
        "voucher_cards",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("customer_id", db.BigInt, nullable=False),
        sa.Column("card_no", sa.String(length=20), nullable=False),
        sa.Column("claimed_no", sa.String(length=20), nullable=True),
        sa.Column("name", sa.String(length=64), nullable=True),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("lapses_at", db.UtcDateTime(), nullable=True),
        sa.Column("verified_at", db.UtcDateTime(), nullable=True),
        sa.Column("deleted_at", db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_voucher_cards_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voucher_cards")),
        sa.UniqueConstraint("claimed_no", name=op.f("uq_voucher_cards_claimed_no")),
        sa.UniqueConstraint("public_id", name=op.f("uq_voucher_cards_public_id")),
    )
    op.create_index(
        op.f("ix_voucher_cards_customer_id_status_id"), "voucher_cards", ["customer_id", "status", "id"], unique=False
    )
    op.create_index(op.f("ix_voucher_cards_status_lapses_at"), "voucher_cards", ["status", "lapses_at"], unique=False)
    op.create_table(
        "webhook_attempts",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("delivery_id", db.BigInt, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("response_status", sa.Integer(), nullable=True),
        sa.Column("response_start", sa.String(length=200), nullable=True),
        sa.Column("error", sa.String(length=200), nullable=True),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.Column("at", db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["webhook_deliveries.id"], name=op.f("fk_webhook_attempts_delivery_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_attempts")),
    )
    op.create_index(op.f("ix_webhook_attempts_delivery_id_id"), "webhook_attempts", ["delivery_id", "id"], unique=False)
    op.create_table(
        "withdrawal_approvals",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("withdrawal_id", db.BigInt, nullable=False),
        sa.Column("decided_by", sa.String(length=64), nullable=False),
        sa.Column("decision", sa.String(length=24), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("decided_at", db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["withdrawal_id"], ["withdrawals.id"], name=op.f("fk_withdrawal_approvals_withdrawal_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withdrawal_approvals")),
        sa.UniqueConstraint(
            "withdrawal_id", "decided_by", name=op.f("uq_withdrawal_approvals_withdrawal_id_decided_by")
        ),
    )
    op.create_table(
        "approvals",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("payload", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("maker_id", db.BigInt, nullable=False),
        sa.Column("checker_id", db.BigInt, nullable=True),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("decision_reason", sa.String(length=200), nullable=True),
        sa.Column("result", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("decided_at", db.UtcDateTime(), nullable=True),
        sa.CheckConstraint("(status = 'pending') = (decided_at IS NULL)", name=op.f("ck_approvals_decided")),
        sa.CheckConstraint(
            "(status IN ('approved', 'rejected')) = (checker_id IS NOT NULL)", name=op.f("ck_approvals_checked")
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'approved', 'rejected', 'withdrawn')", name=op.f("ck_approvals_status")
        ),
        sa.CheckConstraint("checker_id IS NULL OR checker_id <> maker_id", name=op.f("ck_approvals_two_people")),
        sa.ForeignKeyConstraint(["checker_id"], ["staff.id"], name=op.f("fk_approvals_checker_id")),
        sa.ForeignKeyConstraint(["maker_id"], ["staff.id"], name=op.f("fk_approvals_maker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
        sa.UniqueConstraint("public_id", name=op.f("uq_approvals_public_id")),
    )
    op.create_index(op.f("ix_approvals_status_id"), "approvals", ["status", "id"], unique=False)
    op.create_index(op.f("ix_approvals_subject_id"), "approvals", ["subject", "id"], unique=False)
    op.create_table(
        "card_loads",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("institution_id", db.BigInt, nullable=False),
        sa.Column("number", db.BigInt, nullable=False),
        sa.Column("card_id", db.BigInt, nullable=False),
        sa.Column("acct_no", sa.String(length=64), nullable=False),
        sa.Column("card_no", sa.String(length=64), nullable=False),
        sa.Column("tx_id", sa.String(length=32), nullable=False),
        sa.Column("cust_tx_id", sa.String(length=200), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("asset", sa.String(length=8), nullable=False),
        sa.Column("currency", sa.String(length=8), nullable=False),
        sa.Column("amount_units", db.BigInt, nullable=False),
        sa.Column("exchange_fee_units", db.BigInt, nullable=False),
        sa.Column("loading_fee_units", db.BigInt, nullable=False),
        sa.Column("deposit_units", db.BigInt, nullable=False),
        sa.Column("currency_units", db.BigInt, nullable=False),
        sa.Column("exchange_rate", db.ExactDecimal(), nullable=False),
        sa.Column("exchange_fee_rate", db.ExactDecimal(), nullable=False),
        sa.Column("loading_fee_rate", db.ExactDecimal(), nullable=False),
        sa.Column("remark", sa.String(length=200), nullable=True),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("failure", sa.String(length=200), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("settled_at", db.UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "amount_units = exchange_fee_units + loading_fee_units + deposit_units AND deposit_units > 0",
            name=op.f("ck_card_loads_amounts"),
        ),
        sa.ForeignKeyConstraint(["card_id"], ["partner_cards.id"], name=op.f("fk_card_loads_card_id")),
        sa.ForeignKeyConstraint(["institution_id"], ["institutions.id"], name=op.f("fk_card_loads_institution_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card_loads")),
        sa.UniqueConstraint("institution_id", "cust_tx_id", name=op.f("uq_card_loads_institution_id_cust_tx_id")),
        sa.UniqueConstraint("institution_id", "number", name=op.f("uq_card_loads_institution_id_number")),
        sa.UniqueConstraint("tx_id", name=op.f("uq_card_loads_tx_id")),
    )
    op.create_index(op.f("ix_card_loads_card_id_id"), "card_loads", ["card_id", "id"], unique=False)
    op.create_index(
        op.f("ix_card_loads_institution_id_acct_no_id"), "card_loads", ["institution_id", "acct_no", "id"], unique=False
    )
    op.create_index(
        op.f("ix_card_loads_institution_id_created_at_number"),
        "card_loads",
        ["institution_id", "created_at", "number"],
        unique=False,
    )
    op.create_index(op.f("ix_card_loads_status_id"), "card_loads", ["status", "id"], unique=False)
    op.create_table(
        "card_transactions",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("network_number", db.BigInt, nullable=False),
        sa.Column("card_id", db.BigInt, nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("description", sa.String(length=200), nullable=False),
        sa.Column("currency", sa.String(length=8), nullable=False),
        sa.Column("debit_units", db.BigInt, nullable=False),
        sa.Column("credit_units", db.BigInt, nullable=False),
        sa.Column("outcome", sa.String(length=24), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("posted", sa.Boolean(), nullable=False),
        sa.Column("at", db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["card_id"], ["partner_cards.id"], name=op.f("fk_card_transactions_card_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card_transactions")),
        sa.UniqueConstraint("network_number", name=op.f("uq_card_transactions_network_number")),
    )
    op.create_index(op.f("ix_card_transactions_card_id_id"), "card_transactions", ["card_id", "id"], unique=False)
    op.create_table(
        "risk_cases",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("customer_id", db.BigInt, nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("opened_by", sa.String(length=64), nullable=False),
        sa.Column("assigned_to", db.BigInt, nullable=True),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("updated_at", db.UtcDateTime(), nullable=False),
        sa.Column("closed_at", db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["assigned_to"], ["staff.id"], name=op.f("fk_risk_cases_assigned_to")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_risk_cases_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_risk_cases")),
        sa.UniqueConstraint("public_id", name=op.f("uq_risk_cases_public_id")),
    )
    op.create_index(op.f("ix_risk_cases_customer_id_id"), "risk_cases", ["customer_id", "id"], unique=False)
    op.create_index(op.f("ix_risk_cases_status_id"), "risk_cases", ["status", "id"], unique=False)
    op.create_table(
        "shopping_orders",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("customer_id", db.BigInt, nullable=False),
        sa.Column("store_id", db.BigInt, nullable=False),
        sa.Column("payment_request_id", db.BigInt, nullable=True),
        sa.Column("bill_units", db.BigInt, nullable=False),
        sa.Column("discount_units", db.BigInt, nullable=False),
        sa.Column("amount_units", db.BigInt, nullable=False),
        sa.Column("refunded_units", db.BigInt, nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("updated_at", db.UtcDateTime(), nullable=False),
        sa.Column("expires_at", db.UtcDateTime(), nullable=False),
        sa.Column("paid_at", db.UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "bill_units = discount_units + amount_units AND discount_units >= 0", name=op.f("ck_shopping_orders_parts")
        ),
        sa.CheckConstraint("refunded_units BETWEEN 0 AND amount_units", name=op.f("ck_shopping_orders_refunds")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_shopping_orders_customer_id")),
        sa.ForeignKeyConstraint(
            ["payment_request_id"], ["payment_requests.id"], name=op.f("fk_shopping_orders_payment_request_id")
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_shopping_orders_store_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shopping_orders")),
        sa.UniqueConstraint("public_id", name=op.f("uq_shopping_orders_public_id")),
    )
    op.create_index(op.f("ix_shopping_orders_customer_id_id"), "shopping_orders", ["customer_id", "id"], unique=False)
    op.create_index(
        op.f("ix_shopping_orders_status_expires_at"), "shopping_orders", ["status", "expires_at"], unique=False
    )
    op.create_index(
        op.f("ix_shopping_orders_store_id_paid_at_id"), "shopping_orders", ["store_id", "paid_at", "id"], unique=False
    )
    op.create_index(
        op.f("ix_shopping_orders_store_id_status_id"), "shopping_orders", ["store_id", "status", "id"], unique=False
    )
    op.create_table(
        "staff_notes",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("staff_id", db.BigInt, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_notes_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_notes")),
    )
    op.create_index(op.f("ix_staff_notes_subject_id"), "staff_notes", ["subject", "id"], unique=False)
    op.create_table(
        "staff_roles",
        sa.Column("staff_id", db.BigInt, nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("since", db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_roles_staff_id")),
        sa.PrimaryKeyConstraint("staff_id", "role", name=op.f("pk_staff_roles")),
    )
    op.create_table(
        "staff_sessions",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("staff_id", db.BigInt, nullable=False),
        sa.Column("secret_digest", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("ip", sa.String(length=45), nullable=False),
        sa.Column("user_agent", sa.String(length=300), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("last_seen_at", db.UtcDateTime(), nullable=False),
        sa.Column("expires_at", db.UtcDateTime(), nullable=False),
        sa.Column("ended_at", db.UtcDateTime(), nullable=True),
        sa.Column("ended_why", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_sessions_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_sessions")),
        sa.UniqueConstraint("public_id", name=op.f("uq_staff_sessions_public_id")),
        sa.UniqueConstraint("secret_digest", name=op.f("uq_staff_sessions_secret_digest")),
    )
    op.create_index(op.f("ix_staff_sessions_staff_id_id"), "staff_sessions", ["staff_id", "id"], unique=False)
    op.create_table(
        "refunds",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("order_id", db.BigInt, nullable=False),
        sa.Column("store_id", db.BigInt, nullable=False),
        sa.Column("customer_id", db.BigInt, nullable=False),
        sa.Column("amount_units", db.BigInt, nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.CheckConstraint("amount_units > 0", name=op.f("ck_refunds_positive")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_refunds_customer_id")),
        sa.ForeignKeyConstraint(["order_id"], ["shopping_orders.id"], name=op.f("fk_refunds_order_id")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_refunds_store_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
        sa.UniqueConstraint("public_id", name=op.f("uq_refunds_public_id")),
    )
    op.create_index(op.f("ix_refunds_order_id_id"), "refunds", ["order_id", "id"], unique=False)
    op.create_index(op.f("ix_refunds_store_id_id"), "refunds", ["store_id", "id"], unique=False)
    op.create_table(
        "risk_case_entries",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("case_id", db.BigInt, nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("at", db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["risk_cases.id"], name=op.f("fk_risk_case_entries_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_risk_case_entries")),
    )
    op.create_index(op.f("ix_risk_case_entries_case_id_id"), "risk_case_entries", ["case_id", "id"], unique=False)
    op.create_table(
        "risk_signals",
        sa.Column("id", db.BigInt, autoincrement=True, nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("customer_id", db.BigInt, nullable=False),
        sa.Column("fingerprint", sa.String(length=200), nullable=False),
        sa.Column("facts", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("case_id", db.BigInt, nullable=True),
        sa.Column("held_until", db.UtcDateTime(), nullable=True),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("decided_at", db.UtcDateTime(), nullable=True),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("why", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["risk_cases.id"], name=op.f("fk_risk_signals_case_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_risk_signals_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_risk_signals")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_risk_signals_fingerprint")),
    )
    op.create_index(op.f("ix_risk_signals_case_id"), "risk_signals", ["case_id"], unique=False)
    op.create_index(op.f("ix_risk_signals_customer_id_id"), "risk_signals", ["customer_id", "id"], unique=False)
    op.create_index(op.f("ix_risk_signals_status_id"), "risk_signals", ["status", "id"], unique=False)
