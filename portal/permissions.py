"""What staff may do, by name, and which roles start with which; the table `role_permissions` says what holds."""

from portal.errors import N_

SUPPORT, COMPLIANCE, TREASURY, FINANCE, ADMIN = "support", "compliance", "treasury", "finance", "admin"

ROLES: dict[str, str] = {
    SUPPORT: N_("Support"),
    COMPLIANCE: N_("Compliance"),
    TREASURY: N_("Treasury"),
    FINANCE: N_("Finance"),
    ADMIN: N_("Administration"),
}

CUSTOMERS_VIEW = "customers.view"
CUSTOMERS_NOTE = "customers.note"
CUSTOMERS_LOCK = "customers.lock"
CUSTOMERS_RELEASE = "customers.release"
CUSTOMERS_SECOND_FACTOR = "customers.second_factor"
CUSTOMERS_TERMS = "customers.terms"
CUSTOMERS_TERMS_APPROVE = "customers.terms.approve"
KYC_REVIEW = "kyc.review"
WITHDRAWALS_VIEW = "withdrawals.view"
WITHDRAWALS_DECIDE = "withdrawals.decide"
BANK_VIEW = "bank.view"
BANK_MANAGE = "bank.manage"
BANK_REFUND = "bank.refund"
BANK_REFUND_APPROVE = "bank.refund.approve"
BANK_PAYOUT = "bank.payout"
JOBS_VIEW = "jobs.view"
JOBS_REVIVE = "jobs.revive"
LEDGER_VIEW = "ledger.view"
LEDGER_ADJUST = "ledger.adjust"
LEDGER_APPROVE = "ledger.approve"
PAYOUTS_STOP = "payouts.stop"
PAYOUTS_RESUME = "payouts.resume"
SETTINGS_VIEW = "settings.view"
SETTINGS_CHANGE = "settings.change"
SETTINGS_APPROVE = "settings.approve"
RISK_VIEW = "risk.view"
RISK_DECIDE = "risk.decide"
REGULATOR_EXPORT = "regulator.export"
AUDIT_VIEW = "audit.view"
STAFF_VIEW = "staff.view"
STAFF_MANAGE = "staff.manage"
STAFF_APPROVE = "staff.approve"

#: Every permission and what it allows, as the page of roles says it.
PERMISSIONS: dict[str, str] = {
    CUSTOMERS_VIEW: N_("Find and see customers"),
    CUSTOMERS_NOTE: N_("Write notes about customers"),
    CUSTOMERS_LOCK: N_("Lock and suspend accounts"),
    CUSTOMERS_RELEASE: N_("Release locked accounts"),
    CUSTOMERS_SECOND_FACTOR: N_("Reset a customer's second factor"),
    CUSTOMERS_TERMS: N_("Propose VIP and spread"),
    CUSTOMERS_TERMS_APPROVE: N_("Approve VIP and spread"),
    KYC_REVIEW: N_("Review identities"),
    WITHDRAWALS_VIEW: N_("See withdrawals"),
    WITHDRAWALS_DECIDE: N_("Approve and reject withdrawals"),
    BANK_VIEW: N_("See the bank cockpit"),
    BANK_MANAGE: N_("Import statements, match and close"),
    BANK_REFUND: N_("Send bank credits back"),
    BANK_REFUND_APPROVE: N_("Approve large refunds"),
    BANK_PAYOUT: N_("Make pay-out files"),
    JOBS_VIEW: N_("See jobs and webhooks"),
    JOBS_REVIVE: N_("Run dead jobs again"),
    LEDGER_VIEW: N_("See the books"),
    LEDGER_ADJUST: N_("Propose adjustments"),
    LEDGER_APPROVE: N_("Approve adjustments"),
    PAYOUTS_STOP: N_("Stop pay-outs"),
    PAYOUTS_RESUME: N_("Let pay-outs go on"),
    SETTINGS_VIEW: N_("See settings"),
    SETTINGS_CHANGE: N_("Propose settings"),
    SETTINGS_APPROVE: N_("Approve settings"),
    RISK_VIEW: N_("See risk signals and cases"),
    RISK_DECIDE: N_("Decide risk signals and cases"),
    REGULATOR_EXPORT: N_("Export for the regulator"),
    AUDIT_VIEW: N_("Read the audit log"),
    STAFF_VIEW: N_("See staff"),
    STAFF_MANAGE: N_("Invite staff and propose roles"),
    STAFF_APPROVE: N_("Approve roles"),
}

_SEE = (CUSTOMERS_VIEW, CUSTOMERS_NOTE)

#: What each role may do when the portal is set up; changed afterwards by two people.
STARTING_ROLES: dict[str, tuple[str, ...]] = {
    SUPPORT: (*_SEE, CUSTOMERS_LOCK, CUSTOMERS_SECOND_FACTOR, WITHDRAWALS_VIEW, BANK_VIEW, JOBS_VIEW),
    COMPLIANCE: (
        *_SEE, CUSTOMERS_LOCK, CUSTOMERS_RELEASE, CUSTOMERS_SECOND_FACTOR, KYC_REVIEW, WITHDRAWALS_VIEW,
        WITHDRAWALS_DECIDE, RISK_VIEW, RISK_DECIDE, REGULATOR_EXPORT, AUDIT_VIEW, SETTINGS_VIEW, PAYOUTS_STOP,
    ),
    TREASURY: (
        *_SEE, WITHDRAWALS_VIEW, WITHDRAWALS_DECIDE, LEDGER_VIEW, LEDGER_APPROVE, BANK_VIEW, BANK_PAYOUT,
        BANK_REFUND_APPROVE, PAYOUTS_STOP, PAYOUTS_RESUME, SETTINGS_VIEW, SETTINGS_CHANGE, CUSTOMERS_TERMS, JOBS_VIEW,
    ),
    FINANCE: (
        *_SEE, BANK_VIEW, BANK_MANAGE, BANK_REFUND, LEDGER_VIEW, LEDGER_ADJUST, WITHDRAWALS_VIEW, PAYOUTS_STOP,
        SETTINGS_VIEW, JOBS_VIEW, JOBS_REVIVE,
    ),
    ADMIN: (
        CUSTOMERS_VIEW, SETTINGS_VIEW, SETTINGS_CHANGE, SETTINGS_APPROVE, CUSTOMERS_TERMS_APPROVE, STAFF_VIEW,
        STAFF_MANAGE, STAFF_APPROVE, AUDIT_VIEW, JOBS_VIEW, JOBS_REVIVE, PAYOUTS_STOP, LEDGER_VIEW, RISK_VIEW,
    ),
}  # fmt: skip
