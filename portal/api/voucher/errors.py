"""Refusal name → voucher code, HTTP status and text, in one table. Codes and texts: voucher.json, errors.

The document has many codes of one meaning (six `…_invalid_otp`); which one is said depends on the area of the call
(reading V16).
"""

from portal.errors import Refusal

#: HTTP status of codes that are not 400 (readings V10, V11).
STATUS: dict[str, int] = {
    "unauthenticated": 401,
    "totp_required": 401,
    "totp_invalid": 401,
    "illegal_request": 403,
    "resource_missing": 404,
    "method_not_allowed": 405,
    "idempotency_key_reused": 409,
    "parameter_invalid": 422,
    "too_many_requests": 429,
    "user_request_otp_too_often": 429,
    "withdrawal_request_otp_too_often": 429,
    "store_request_otp_too_often": 429,
    "card_request_otp_too_often": 429,
    "redeem_request_otp_too_often": 429,
    "password_reset_throttled": 429,
    "user_failed": 500,
    "order_failed": 500,
    "password_failed": 500,
    "unexpected_failure": 500,
    "withdrawal_broadcast_txhash_failed": 502,
    "store_checkout_broadcast_txhash_failed": 502,
    "service_unavailable": 503,
}

#: The document's texts; where an example shows another text than the table, the example's.
MESSAGES: dict[str, str] = {
    "user_invalid_status_or_verified": "狀態異常,該用戶不存在或該用戶已通過驗證",
    "user_request_otp_too_often": "取得驗證碼次數過於頻繁",
    "user_invalid_otp": "輸入錯誤的驗證碼",
    "user_otp_expired": "驗證碼逾期",
    "user_email_was_taken": "該信箱已被使用",
    "user_unauthorized_bank_account": "銀行帳號未驗證通過",
    "user_bank_account_was_verified": "銀行帳號已驗證過",
    "user_bank_account_was_taken": "銀行帳號已被使用",
    "user_invalid_fund_password": "交易密碼錯誤",
    "user_failed": "未預期的失敗",
    "order_invalid_fund_password": "輸入錯誤的資金密碼",
    "order_insufficient_voucher_of_system": "系統可售出的禮券數量不足",
    "order_insufficient_voucher_of_user": "用戶可使用的禮券數量不足",
    "order_invalid_otp": "輸入錯誤的驗證碼",
    "order_otp_session_expired": "驗證碼逾期",
    "order_failed": "未預期的失敗",
    "account_invalid_wallet": "無法取得錢包",
    "withdrawal_insufficient_balance": "提領的餘額不足",
    "withdrawal_invalid_status": "狀態異常",
    "withdrawal_invalid_fund_password": "輸入錯誤的資金密碼",
    "withdrawal_request_otp_too_often": "取得驗證碼次數過於頻繁",
    "withdrawal_invalid_otp": "輸入錯誤的驗證碼",
    "withdrawal_otp_expired": "驗證碼逾期",
    "withdrawal_broadcast_txhash_failed": "提領失敗,請聯絡管理員",
    "store_insufficient_balance_of_user": "用戶可消費的餘額不足",
    "store_invalid_order_status": "訂單狀態異常",
    "store_request_otp_too_often": "取得驗證碼次數過於頻繁",
    "store_checkout_broadcast_txhash_failed": "廣播雜湊簽章至區塊鏈網路失敗",
    "store_invalid_otp": "輸入錯誤的驗證碼",
    "store_otp_expired": "驗證碼逾期",
    "card_registered_by_myself": "卡片已存在於列表清單中,不可重複註冊。",
    "card_registered_by_someone": "卡片已被其他人註冊",
    "card_request_otp_too_often": "取得驗證碼次數過於頻繁",
    "card_invalid_status_or_verified": "狀態異常,該卡片不存在或卡片已通過驗證",
    "card_invalid_otp": "驗證碼異常",
    "card_otp_expired": "驗證碼逾期",
    "card_reach_maximum_limited": "已達卡片最大註冊上限,限至為 10 張",
    "password_invalid_user": "用戶不存在",
    "password_reset_throttled": "短時間重設的次數過多次",
    "password_invalid_token": "Failed: This password reset token is invalid.",
    "password_failed": "未預期的失敗",
    "redeem_insufficient_balance": "提領的餘額不足",
    "redeem_request_otp_too_often": "取得驗證碼次數過於頻繁",
    "redeem_invalid_otp": "輸入錯誤的驗證碼",
    "redeem_invalid_fund_password": "交易密碼錯誤",
    "redeem_otp_expired": "驗證碼逾期",
    "redeem_invalid_status": "狀態異常",
    "resource_missing": "No such resource.",
    # Not in the document (readings V11 and our own).
    "unauthenticated": "Unauthenticated.",
    "totp_required": "請輸入驗證器的驗證碼",
    "totp_invalid": "驗證器的驗證碼錯誤或已使用過",
    "parameter_invalid": "參數錯誤",
    "illegal_request": "不允許的請求",
    "method_not_allowed": "不支援的請求方法",
    "idempotency_key_reused": "Idempotency-Key 已用於不同內容的請求",
    "account_restricted": "帳戶目前無法進行此操作",
    "too_many_requests": "請求過於頻繁,請稍後再試",
    "service_unavailable": "服務暫時無法使用,請稍後再試",
    "unexpected_failure": "未預期的失敗",
}

#: Refusals that are said alike everywhere.
COMMON: dict[str, str] = {
    "session_required": "unauthenticated",
    "second_factor_required": "unauthenticated",
    "illegal_request": "illegal_request",
    "forbidden": "illegal_request",
    "not_found": "resource_missing",
    "input_invalid": "parameter_invalid",
    "input_missing": "parameter_invalid",
    "amount_invalid": "parameter_invalid",
    "amount_too_precise": "parameter_invalid",
    "amount_out_of_range": "parameter_invalid",
    "currency_unknown": "parameter_invalid",
    "idempotency_conflict": "idempotency_key_reused",
    "too_many_requests": "too_many_requests",
    "unavailable": "service_unavailable",
    "wallet_unavailable": "account_invalid_wallet",
    "address_unavailable": "account_invalid_wallet",
    "account_restricted": "account_restricted",
    "code_too_soon": "user_request_otp_too_often",
    "bank_account_unverified": "user_unauthorized_bank_account",
    "bank_account_unknown": "user_unauthorized_bank_account",
    "phone_missing": "user_invalid_status_or_verified",
    "email_invalid": "parameter_invalid",
    "phone_invalid": "parameter_invalid",
    "address_invalid": "parameter_invalid",
    "amount_not_whole": "parameter_invalid",
    "order_not_whole": "parameter_invalid",
    "limit_exceeded": "parameter_invalid",
    "password_missing": "parameter_invalid",
    "password_short": "parameter_invalid",
    "password_weak": "parameter_invalid",
    "password_common": "parameter_invalid",
    "password_invalid": "parameter_invalid",
    "password_mismatch": "parameter_invalid",
}

#: What an area of calls says in words of its own.
AREAS: dict[str, dict[str, str]] = {
    "user": {
        "code_wrong": "user_invalid_otp",
        "code_expired": "user_otp_expired",
        "state_conflict": "user_invalid_status_or_verified",
        "registration_out_of_step": "user_invalid_status_or_verified",
        "bank_account_not_waiting": "user_invalid_status_or_verified",
        "registration_email_taken": "user_email_was_taken",
        "fund_password_wrong": "user_invalid_fund_password",
        "bank_account_verified": "user_bank_account_was_verified",
        "bank_account_taken": "user_bank_account_was_taken",
    },
    "password": {
        "sign_in_wrong": "password_invalid_user",
        "login_name_missing": "parameter_invalid",
        "second_factor_required": "totp_required",
        "session_required": "totp_required",
        "totp_unbound": "totp_required",
        "totp_wrong": "totp_invalid",
        "totp_locked": "totp_invalid",
        "recovery_code_wrong": "totp_invalid",
        "verification_failed": "password_invalid_token",
        "code_too_soon": "password_reset_throttled",
    },
    "order": {
        "code_wrong": "order_invalid_otp",
        "code_expired": "order_otp_session_expired",
        "state_conflict": "order_invalid_otp",
        "order_closed": "order_invalid_otp",
        "swap_closed": "order_invalid_otp",
        "fund_password_wrong": "order_invalid_fund_password",
        "vouchers_sold_out": "order_insufficient_voucher_of_system",
        "insufficient_balance": "order_insufficient_voucher_of_user",
    },
    "store": {
        "code_wrong": "store_invalid_otp",
        "code_expired": "store_otp_expired",
        "code_too_soon": "store_request_otp_too_often",
        "state_conflict": "store_invalid_order_status",
        "payment_closed": "store_invalid_order_status",
        "payment_request_closed": "store_invalid_order_status",
        "payment_request_of_another": "store_invalid_order_status",
        "insufficient_balance": "store_insufficient_balance_of_user",
    },
    "withdrawal": {
        "code_wrong": "withdrawal_invalid_otp",
        "code_expired": "withdrawal_otp_expired",
        "code_too_soon": "withdrawal_request_otp_too_often",
        "state_conflict": "withdrawal_invalid_status",
        "voucher_withdrawal_not_waiting": "withdrawal_invalid_status",
        "withdrawal_not_waiting": "withdrawal_invalid_status",
        "withdrawals_held": "withdrawal_invalid_status",
        "withdrawals_not_allowed": "withdrawal_invalid_status",
        "address_not_known": "withdrawal_invalid_status",
        "fund_password_wrong": "withdrawal_invalid_fund_password",
        "insufficient_balance": "withdrawal_insufficient_balance",
    },
    "redeem": {
        "code_wrong": "redeem_invalid_otp",
        "code_expired": "redeem_otp_expired",
        "code_too_soon": "redeem_request_otp_too_often",
        "state_conflict": "redeem_invalid_status",
        "voucher_withdrawal_not_waiting": "redeem_invalid_status",
        "withdrawal_not_waiting": "redeem_invalid_status",
        "withdrawals_held": "redeem_invalid_status",
        "withdrawals_not_allowed": "redeem_invalid_status",
        "address_not_known": "redeem_invalid_status",
        "fund_password_wrong": "redeem_invalid_fund_password",
        "insufficient_balance": "redeem_insufficient_balance",
    },
    "card": {
        "code_wrong": "card_invalid_otp",
        "code_expired": "card_otp_expired",
        "code_too_soon": "card_request_otp_too_often",
        "state_conflict": "card_invalid_status_or_verified",
        "card_not_waiting": "card_invalid_status_or_verified",
        "card_mine": "card_registered_by_myself",
        "card_of_another": "card_registered_by_someone",
        "card_limit": "card_reach_maximum_limited",
    },
}

#: Areas whose unexpected failures have a code in the document.
FAILED = {"user": "user_failed", "order": "order_failed", "password": "password_failed"}

#: What an HTTP failure outside any route is called.
HTTP_FAILURES = {
    401: "unauthenticated",
    403: "illegal_request",
    404: "resource_missing",
    405: "method_not_allowed",
    429: "too_many_requests",
    503: "service_unavailable",
}


def code_of(refusal: Refusal, area: str) -> str:
    """The code by which an area says a refusal."""
    own = AREAS.get(area, {}).get(refusal.name)
    return own or COMMON.get(refusal.name, "illegal_request")


def message_of(code: str, field: str | None = None) -> str:
    """The text of a code; a bad parameter is named."""
    text = MESSAGES[code]
    return f"{text}: {field}" if code == "parameter_invalid" and field else text
