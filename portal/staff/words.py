"""Words of the console for what the books and the logs keep as codes: subjects, accounts, journals, acts, rules.

A code that is not listed shows as itself with blanks for underscores, so that nothing is ever hidden.
"""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_pgettext, pgettext

from portal.money import SCALES
from portal.web.presentation import money_text

SUBJECTS: dict[str, Any] = {
    "customer": lazy_pgettext("subject", "Customer"),
    "store": lazy_pgettext("subject", "Store"),
    "institution": lazy_pgettext("subject", "Institution"),
    "house": lazy_pgettext("subject", "House"),
    "card": lazy_pgettext("subject", "Card"),
    "company": lazy_pgettext("subject", "Company"),
    "staff": lazy_pgettext("subject", "Staff"),
    "system": lazy_pgettext("subject", "The portal itself"),
    "setting": lazy_pgettext("subject", "Rule"),
    "role": lazy_pgettext("subject", "Role"),
    "bank_credit": lazy_pgettext("subject", "Bank credit"),
    "bank_refund": lazy_pgettext("subject", "Refund"),
    "bank": lazy_pgettext("subject", "Bank account"),
    "statement": lazy_pgettext("subject", "Statement"),
    "statement_line": lazy_pgettext("subject", "Bank line"),
    "withdrawal": lazy_pgettext("subject", "Withdrawal"),
    "deposit": lazy_pgettext("subject", "Deposit"),
    "transfer": lazy_pgettext("subject", "Transfer"),
    "conversion": lazy_pgettext("subject", "Conversion"),
    "order": lazy_pgettext("subject", "Order"),
    "buy_order": lazy_pgettext("subject", "Voucher purchase"),
    "buying_order": lazy_pgettext("subject", "Voucher purchase"),
    "swap_order": lazy_pgettext("subject", "Voucher swap"),
    "swapping_order": lazy_pgettext("subject", "Voucher swap"),
    "shopping_order": lazy_pgettext("subject", "Payment in a store"),
    "payment": lazy_pgettext("subject", "Payment in a store"),
    "kyc_level": lazy_pgettext("subject", "Identity check"),
    "partner_kyc": lazy_pgettext("subject", "Partner's identity check"),
    "partner_card": lazy_pgettext("subject", "Partner's card"),
    "card_load": lazy_pgettext("subject", "Loading a card"),
    "risk_case": lazy_pgettext("subject", "Case"),
    "risk_signal": lazy_pgettext("subject", "Risk signal"),
    "job": lazy_pgettext("subject", "Job"),
    "payouts": lazy_pgettext("subject", "Pay-outs"),
    "payout_file": lazy_pgettext("subject", "Pay-out file"),
    "approval": lazy_pgettext("subject", "Proposal"),
    "bank_account": lazy_pgettext("subject", "Bank account"),
    "price": lazy_pgettext("subject", "Price"),
    "anonymous": lazy_pgettext("subject", "Somebody unknown"),
}

BUCKETS: dict[str, Any] = {
    "available": lazy_pgettext("bucket", "Available"),
    "frozen": lazy_pgettext("bucket", "Held"),
    "float": lazy_pgettext("bucket", "Float"),
    "balance": lazy_pgettext("bucket", "Balance"),
    "inventory": lazy_pgettext("bucket", "Trading stock"),
    "bank": lazy_pgettext("bucket", "At the bank"),
    "chain": lazy_pgettext("bucket", "On the chains"),
    "fees": lazy_pgettext("bucket", "Fee income"),
    "spread": lazy_pgettext("bucket", "Spread income"),
    "rounding": lazy_pgettext("bucket", "Rounding"),
    "suspense": lazy_pgettext("bucket", "Suspense"),
    "issuance": lazy_pgettext("bucket", "Vouchers in circulation"),
    "clearing": lazy_pgettext("bucket", "On its way"),
    "card_network": lazy_pgettext("bucket", "Card network"),
    "adjustments": lazy_pgettext("bucket", "Corrections"),
}

JOURNALS: dict[str, Any] = {
    "adjustment": lazy_pgettext("journal", "Correction"),
    "bank_opening": lazy_pgettext("journal", "Opening balance of a bank account"),
    "bank_refund": lazy_pgettext("journal", "Bank credit sent back"),
    "bank_fee": lazy_pgettext("journal", "Bank fee"),
    "bank_interest": lazy_pgettext("journal", "Interest"),
    "bank_credit_suspense": lazy_pgettext("journal", "Bank credit into suspense"),
    "capital": lazy_pgettext("journal", "Capital"),
    "card_load": lazy_pgettext("journal", "Loading a card"),
    "card_load_refunded": lazy_pgettext("journal", "Loading given back"),
    "card_load_settled": lazy_pgettext("journal", "Loading settled"),
    "card_open_fee": lazy_pgettext("journal", "Fee for opening a card"),
    "conversion": lazy_pgettext("journal", "Conversion"),
    "deposit": lazy_pgettext("journal", "Deposit"),
    "payment": lazy_pgettext("journal", "Payment in a store"),
    "refund": lazy_pgettext("journal", "Refund"),
    "transfer": lazy_pgettext("journal", "Transfer"),
    "voucher_buy": lazy_pgettext("journal", "Vouchers issued"),
    "voucher_payment": lazy_pgettext("journal", "Vouchers paid for"),
    "voucher_swap": lazy_pgettext("journal", "Voucher swap"),
    "withdrawal": lazy_pgettext("journal", "Withdrawal"),
    "withdrawal_hold": lazy_pgettext("journal", "Withdrawal held"),
    "withdrawal_refund": lazy_pgettext("journal", "Withdrawal given back"),
    "trade": lazy_pgettext("journal", "Trade"),
}

WITHDRAWALS: dict[str, Any] = {
    "crypto": lazy_pgettext("withdrawal", "Digital asset"),
    "fiat": lazy_pgettext("withdrawal", "Bank transfer"),
    "voucher": lazy_pgettext("withdrawal", "Voucher"),
    "redemption": lazy_pgettext("withdrawal", "Redemption"),
    "settlement": lazy_pgettext("withdrawal", "Settlement"),
}

LANGUAGES: dict[str, Any] = {
    "zh_Hant_TW": lazy_pgettext("language", "Traditional Chinese"),
    "en": lazy_pgettext("language", "English"),
}

ACTS: dict[str, Any] = {
    "account.known_addresses_only": lazy_pgettext("act", "Known addresses only"),
    "account.lock": lazy_pgettext("act", "Account locked"),
    "api_key.create": lazy_pgettext("act", "API key made"),
    "api_key.revoke": lazy_pgettext("act", "API key ended"),
    "approval.propose": lazy_pgettext("act", "Proposed"),
    "approval.approve": lazy_pgettext("act", "Approved"),
    "approval.reject": lazy_pgettext("act", "Turned down"),
    "approval.withdraw": lazy_pgettext("act", "Taken back"),
    "bank.book": lazy_pgettext("act", "Bank line booked"),
    "bank.close": lazy_pgettext("act", "Day closed"),
    "bank.import": lazy_pgettext("act", "Statement imported"),
    "bank.mapping": lazy_pgettext("act", "Column mapping kept"),
    "bank_account.verify": lazy_pgettext("act", "Bank account verified"),
    "bank_credit.assign": lazy_pgettext("act", "Bank credit given to a customer"),
    "bank_credit.assign_order": lazy_pgettext("act", "Bank credit given to an order"),
    "bank_credit.refund": lazy_pgettext("act", "Bank credit sent back"),
    "bank_credit.return": lazy_pgettext("act", "Bank credit sent back"),
    "card.delete": lazy_pgettext("act", "Card deleted"),
    "card.register": lazy_pgettext("act", "Card registered"),
    "card.terms": lazy_pgettext("act", "Card terms changed"),
    "card_load.ordered": lazy_pgettext("act", "Card loaded"),
    "company.bank_account": lazy_pgettext("act", "Company's bank account"),
    "company.brand": lazy_pgettext("act", "Company's look"),
    "company.create": lazy_pgettext("act", "Company made"),
    "company.restock": lazy_pgettext("act", "Vouchers a company may sell"),
    "customer.hold": lazy_pgettext("act", "Withdrawals held"),
    "customer.open": lazy_pgettext("act", "Customer looked at"),
    "customer.search": lazy_pgettext("act", "Customers searched"),
    "customer.second_factor_reset": lazy_pgettext("act", "Second factor taken off"),
    "customer.sign_out": lazy_pgettext("act", "All devices signed out"),
    "customer.standing": lazy_pgettext("act", "Standing changed"),
    "customer.terms": lazy_pgettext("act", "VIP and spread"),
    "institution.create": lazy_pgettext("act", "Institution made"),
    "institution.member_added": lazy_pgettext("act", "Institution's member added"),
    "institution.member_removed": lazy_pgettext("act", "Institution's member removed"),
    "job.revive": lazy_pgettext("act", "Job run again"),
    "job.revive_all": lazy_pgettext("act", "Jobs run again"),
    "kyc.document": lazy_pgettext("act", "Document looked at"),
    "kyc.open": lazy_pgettext("act", "Identity case looked at"),
    "kyc_approve": lazy_pgettext("act", "Identity level approved"),
    "kyc_reject": lazy_pgettext("act", "Identity level sent back"),
    "ledger.adjust": lazy_pgettext("act", "Correction posted"),
    "note.write": lazy_pgettext("act", "Note written"),
    "partner_card.opened": lazy_pgettext("act", "Partner's card opened"),
    "payout_file.make": lazy_pgettext("act", "Pay-out file made"),
    "payout_file.open": lazy_pgettext("act", "Pay-out file taken"),
    "payouts.resume": lazy_pgettext("act", "Pay-outs let go on"),
    "payouts.stop": lazy_pgettext("act", "Pay-outs stopped"),
    "policy.publish": lazy_pgettext("act", "Policy put in force"),
    "price.believe": lazy_pgettext("act", "Price believed"),
    "regulator.export": lazy_pgettext("act", "Export for the regulator"),
    "risk.case": lazy_pgettext("act", "Case opened"),
    "risk.clear": lazy_pgettext("act", "Signal cleared"),
    "risk.mark": lazy_pgettext("act", "Risk mark set"),
    "risk.unmark": lazy_pgettext("act", "Risk mark taken off"),
    "role.permissions": lazy_pgettext("act", "Role's permissions"),
    "setting.change": lazy_pgettext("act", "Rule changed"),
    "staff.bind_second_factor": lazy_pgettext("act", "Second factor bound"),
    "staff.create": lazy_pgettext("act", "Member of staff made"),
    "staff.own_account": lazy_pgettext("act", "Own customer account named"),
    "staff.passkey": lazy_pgettext("act", "Passkey set up"),
    "staff.passkey_removed": lazy_pgettext("act", "Passkey removed"),
    "staff.password": lazy_pgettext("act", "Password changed"),
    "staff.refused": lazy_pgettext("act", "Refused"),
    "staff.renew_access": lazy_pgettext("act", "Access renewed"),
    "staff.roles": lazy_pgettext("act", "Roles changed"),
    "staff.sign_in": lazy_pgettext("act", "Signed in"),
    "staff.sign_out": lazy_pgettext("act", "Signed out"),
    "store.bank_propose": lazy_pgettext("act", "Store's bank account proposed"),
    "store.create": lazy_pgettext("act", "Store opened"),
    "store.discount": lazy_pgettext("act", "Store's discount"),
    "store.invite": lazy_pgettext("act", "Store's member invited"),
    "store.invite_withdraw": lazy_pgettext("act", "Invitation taken back"),
    "store.key_create": lazy_pgettext("act", "Store's key made"),
    "store.key_revoke": lazy_pgettext("act", "Store's key ended"),
    "store.member_add": lazy_pgettext("act", "Store's member added"),
    "store.member_remove": lazy_pgettext("act", "Store's member removed"),
    "store.member_role": lazy_pgettext("act", "Store member's role"),
    "store.pin_clear": lazy_pgettext("act", "Till's PIN taken off"),
    "store.pin_set": lazy_pgettext("act", "Till's PIN set"),
    "webhook.added": lazy_pgettext("act", "Webhook added"),
    "webhook.changed": lazy_pgettext("act", "Webhook changed"),
    "webhook.removed": lazy_pgettext("act", "Webhook removed"),
    "webhook.resend": lazy_pgettext("act", "Webhook sent again"),
    "webhook.rotated": lazy_pgettext("act", "Webhook's secret changed"),
    "withdrawal.approve": lazy_pgettext("act", "Withdrawal approved"),
    "withdrawal.reject": lazy_pgettext("act", "Withdrawal rejected"),
    "withdrawal.put_aside": lazy_pgettext("act", "Withdrawal put aside"),
}

OUTCOMES: dict[str, Any] = {
    "done": lazy_pgettext("outcome", "done"),
    "refused": lazy_pgettext("outcome", "refused"),
    "failed": lazy_pgettext("outcome", "failed"),
}

FACTS: dict[str, Any] = {
    "address": lazy_pgettext("fact", "address"),
    "network": lazy_pgettext("fact", "network"),
    "withdrawals": lazy_pgettext("fact", "withdrawals"),
    "worth_twd": lazy_pgettext("fact", "worth in TWD"),
    "hours": lazy_pgettext("fact", "hours"),
    "customers": lazy_pgettext("fact", "customers"),
    "movements": lazy_pgettext("fact", "movements"),
    "total_twd": lazy_pgettext("fact", "together in TWD"),
    "payer": lazy_pgettext("fact", "payer"),
    "payer_name": lazy_pgettext("fact", "payer's name"),
    "found": lazy_pgettext("fact", "found"),
    "kind": lazy_pgettext("fact", "kind"),
    "payload": lazy_pgettext("fact", "contents"),
    "before": lazy_pgettext("fact", "before"),
    "after": lazy_pgettext("fact", "after"),
    "asset": lazy_pgettext("fact", "asset"),
    "bucket": lazy_pgettext("fact", "account"),
    "counter": lazy_pgettext("fact", "against"),
    "units": lazy_pgettext("fact", "amount"),
    "owner_kind": lazy_pgettext("fact", "whose"),
    "owner_id": lazy_pgettext("fact", "number"),
    "approval": lazy_pgettext("fact", "proposal"),
    "reason": lazy_pgettext("fact", "reason"),
    "why": lazy_pgettext("fact", "why"),
    "needs": lazy_pgettext("fact", "needs"),
    "level": lazy_pgettext("fact", "level"),
    "label": lazy_pgettext("fact", "mark"),
    "name": lazy_pgettext("fact", "name"),
    "version": lazy_pgettext("fact", "version"),
    "thing": lazy_pgettext("fact", "thing"),
    "file": lazy_pgettext("fact", "file"),
    "account": lazy_pgettext("fact", "account number"),
    "customer": lazy_pgettext("fact", "customer"),
    "case": lazy_pgettext("fact", "case"),
    "roles": lazy_pgettext("fact", "roles"),
    "email": lazy_pgettext("fact", "e-mail"),
    "hold_hours": lazy_pgettext("fact", "hours held"),
    "first": lazy_pgettext("fact", "from"),
    "last": lazy_pgettext("fact", "to"),
    "rows": lazy_pgettext("fact", "rows"),
    "form": lazy_pgettext("fact", "format"),
    "day": lazy_pgettext("fact", "day"),
}

ENTRIES: dict[str, Any] = {
    "opened": lazy_pgettext("entry", "Opened"),
    "signal": lazy_pgettext("entry", "Signal added"),
    "note": lazy_pgettext("entry", "Note"),
}

RULES: dict[str, Any] = {
    "bank.virtual_accounts": lazy_pgettext("rule", "Virtual accounts"),
    "bank.refunds": lazy_pgettext("rule", "Refunds of bank credits"),
    "bank.payout_account": lazy_pgettext("rule", "Account that pays out"),
    "partner_calls": lazy_pgettext("rule", "Calls of partners"),
    "prices": lazy_pgettext("rule", "Prices"),
    "trading": lazy_pgettext("rule", "Trading and spread"),
    "kyc": lazy_pgettext("rule", "Identity check"),
    "deposit.watch": lazy_pgettext("rule", "Watching the chains"),
    "deposit.fiat.TWD": lazy_pgettext("rule", "Deposits of TWD"),
    "deposit.crypto.USDT": lazy_pgettext("rule", "Deposits of USDT"),
    "deposit.crypto.ETH": lazy_pgettext("rule", "Deposits of ETH"),
    "withdrawal.fiat.TWD": lazy_pgettext("rule", "Withdrawals of TWD"),
    "withdrawal.crypto.USDT": lazy_pgettext("rule", "Withdrawals of USDT"),
    "withdrawal.crypto.ETH": lazy_pgettext("rule", "Withdrawals of ETH"),
    "withdrawal.voucher.TWIP": lazy_pgettext("rule", "Withdrawals of TWIP"),
    "withdrawal.voucher.TWIG": lazy_pgettext("rule", "Withdrawals of TWIG"),
    "withdrawal.redemption.TWIP": lazy_pgettext("rule", "Redemption of TWIP"),
    "withdrawal.settlement.TWIP": lazy_pgettext("rule", "Settlement of stores"),
    "withdrawal_approval": lazy_pgettext("rule", "Approval of withdrawals"),
    "withdrawal": lazy_pgettext("rule", "Life of a withdrawal"),
    "conversion": lazy_pgettext("rule", "Conversion"),
    "transfer": lazy_pgettext("rule", "Transfers"),
    "voucher_buying": lazy_pgettext("rule", "Buying vouchers"),
    "voucher_swap": lazy_pgettext("rule", "Swapping vouchers"),
    "merchant.requests": lazy_pgettext("rule", "Payment requests"),
    "merchant.refunds": lazy_pgettext("rule", "Refunds of stores"),
    "payouts": lazy_pgettext("rule", "Pay-outs"),
    "stuck": lazy_pgettext("rule", "Stuck things"),
    "cover": lazy_pgettext("rule", "Cover"),
    "regulator": lazy_pgettext("rule", "Exports for the regulator"),
    "risk.velocity": lazy_pgettext("rule", "Many withdrawals"),
    "risk.shared_address": lazy_pgettext("rule", "One address, several customers"),
    "risk.shared_device": lazy_pgettext("rule", "One device, several customers"),
    "risk.structuring": lazy_pgettext("rule", "Just under the limit"),
    "risk.new_payer": lazy_pgettext("rule", "New payer name"),
}


def word(table: Mapping[str, Any], code: str) -> str:
    """The word of a code, or the code itself made readable."""
    return str(table[code]) if code in table else code.replace("_", " ")


def subject(text: str | None) -> str:
    """`customer:3` as “Customer #3”, `setting:cover` as “Rule: Cover”; whatever else is shown as it is."""
    kind, colon, number = (text or "").partition(":")
    if kind not in SUBJECTS:
        return text or "—"
    if not colon or (kind == "house" and number == "0"):
        return str(SUBJECTS[kind])
    if kind == "setting":
        return f"{SUBJECTS[kind]}{pgettext('between two words', ': ')}{word(RULES, number)}"
    return f"{SUBJECTS[kind]} {f'#{number}' if number.isdigit() else number}"


def details(found: Mapping[str, Any] | None) -> str:
    """What an act's record says, as `name: value` pairs; an amount in units is written in its asset."""
    return " · ".join(_pairs(found or {})) or "—"


def _pairs(found: Mapping[str, Any], before: str = "") -> list[str]:
    pairs = []
    for key, value in found.items():
        name = f"{before}{word(FACTS, key)}"
        if isinstance(value, Mapping):
            pairs += _pairs(value, f"{name}, ")
        else:
            pairs.append(f"{name}: {_value(key, value, found)}")
    return pairs


def _value(key: str, value: Any, found: Mapping[str, Any]) -> str:
    asset = found.get("asset", "TWD" if key == "units" else None)
    if key == "units" and isinstance(value, int) and asset in SCALES:
        return money_text(value, str(asset), sign=True, code=True)
    if isinstance(value, bool):
        return pgettext("yes or no", "yes") if value else pgettext("yes or no", "no")
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "—" if value is None else str(value)
