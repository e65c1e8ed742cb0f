"""Refusal name → brokerage code and message, in one table. Codes and texts: brokerage.json, errors."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from portal.errors import N_, Refusal, declare

declare(
    {
        "crypto_not_cancellable": N_("A crypto deposit or withdrawal cannot be cancelled."),
        "operation_unknown": N_("There is no such operation."),
        "update_failed": N_("This could not be saved."),
        "reset_code_wrong": N_("The code is not right."),
        "mail_not_sent": N_("The mail could not be sent. Please try again later."),
        "sms_not_sent": N_("The text message could not be sent. Please try again later."),
        "second_step_failed": N_("The second step did not succeed."),
        "sms_code_wrong": N_("The code is not right."),
    }
)

#: Anything not listed is an illegal request; a name belongs here as soon as a route of this family can raise it.
ERRORS: defaultdict[str, tuple[int, str | None]] = defaultdict(
    lambda: (-19, "非法请求"),
    {
        "input_invalid": (-2, "Invalid parameter"),
        "input_missing": (-2, "Missing parameter"),
        "amount_invalid": (-2, "Invalid amount"),
        "amount_too_precise": (-2, "Invalid amount"),
        "amount_out_of_range": (-2, "Amount outside the limits"),
        "currency_unknown": (-2023, "未知的币种"),
        "not_found": (-20, "未知操作"),
        "state_conflict": (-20, "未知操作"),
        "idempotency_conflict": (-19, "非法请求"),
        "illegal_request": (-19, "非法请求"),
        "forbidden": (-19, "非法请求"),
        "session_required": (10002, "token过期"),
        "second_factor_required": (10002, "token过期"),
        "insufficient_balance": (8, "可用餘額不足"),
        "already_posted": (-20, "未知操作"),
        "too_many_requests": (-19, "Too many requests"),
        "unavailable": (-1, "Service unavailable"),
        # accounts and security
        "update_failed": (-1, "更新失敗"),
        "username_invalid": (-2, "Invalid username"),
        "email_invalid": (-2, "Invalid email"),
        "password_invalid": (-2, "Invalid password"),
        "password_common": (-2, "Invalid password"),
        "login_name_missing": (10003, "用户为空"),
        "sign_in_wrong": (10006, "用户名或密码错误"),
        "password_wrong": (10006, "用户名或密码错误"),
        "username_taken": (10086, "用户名或邮箱已存在"),
        "email_taken": (10013, "邮箱已存在"),
        "captcha_needed": (10083, "圖形验证码错误"),
        "captcha_wrong": (10083, "圖形验证码错误"),
        "verification_failed": (10022, "邮箱验证未通过，链接仅5分钟有效"),
        "reset_code_wrong": (10029, "驗證碼錯誤"),
        "mail_not_sent": (10063, "邮件发送失败，请稍后再试"),
        "sms_not_sent": (10018, "获取短信验证码失败,请稍候重试"),
        "totp_unbound": (10011, "您没有设置谷歌"),
        "totp_locked": (10026, "谷歌验证码错误多次,请2小时后再试"),
        "totp_wrong": (10027, "谷歌验证码错误"),
        "totp_bound": (-19, "非法请求"),
        "totp_secret_foreign": (-19, "非法请求"),
        "second_step_failed": (10070, "二次认证失败"),
        # KYC
        "file_invalid": (-2, "Invalid file."),
        "file_too_large": (-2, "Invalid file."),
        "kyc_image_kind_unknown": (-2, "Invalid type."),
        "kyc_image_missing": (-2, "Missing image."),
        "kyc_bank_account_missing": (-2, "Missing bank account."),
        "kyc_bank_account_taken": (-2, "Invalid bank account."),
        "identity_name_invalid": (-2, "Invalid name."),
        "identity_number_invalid": (-2, "Invalid identityNumber."),
        "identity_birthday_invalid": (-2, "Invalid birthday."),
        "identity_too_young": (-2, "Invalid birthday."),
        "identity_number_taken": (10031, "身份证号码已被实名验证,不能重复验证"),
        "phone_taken": (10012, "手机号已存在"),
        "phone_invalid": (10017, "请填写真实手机号"),
        "sms_code_wrong": (10027, "谷歌验证码错误"),
        "kyc_under_review": (5601, "实名信息已提交,请等待审核"),
        "kyc_completed": (5605, "用户已完成实名认证"),
        "kyc_void": (5606, "kyc历史记录失效"),
        "kyc_answers_invalid": (5608, "Invalid questionnaire"),
        "kyc_out_of_order": (-19, "非法请求"),
        # market, trading and wallet
        "chart_range_invalid": (-2, "Invalid type."),
        "side_invalid": (-2, "Invalid side"),
        "one_amount": (-2, "Give quoteAmountInBase or quoteAmountInOrder"),
        "stock_short": (-2, "Amount outside the limits"),
        "price_unknown": (-4041, "获取币种列表出错"),
        "price_stale": (-1, "Service unavailable"),
        "trading_not_allowed": (40049, "当前用户状态无法进行虚拟币买卖"),
        "deposit_not_allowed": (40039, "当前用户状态无法存款"),
        "bank_account_missing": (3006, None),
        "address_unavailable": (-4038, "获取虚拟币钱包地址出错"),
        # what is paused is on no list of the family either, so that it is no currency for the time being
        "deposits_paused": (-4038, "获取虚拟币钱包地址出错"),
        "withdrawals_paused": (-2023, "未知的币种"),
        "trading_paused": (-2023, "未知的币种"),
        "history_query_invalid": (-2, "Invalid query"),
        # withdrawals, transfers and conversions; 40059 is ours, beside 40039 (deposits) and 40049 (trading)
        "withdrawals_held": (40059, "当前用户状态无法提现"),
        "withdrawals_not_allowed": (40059, "当前用户状态无法提现"),
        "address_not_known": (40059, "当前用户状态无法提现"),
        "transfer_not_allowed": (40059, "当前用户状态无法提现"),
        "bank_account_unknown": (3006, "No bank info"),
        "address_invalid": (-2, "Invalid address"),
        "address_own": (-2, "Invalid address"),
        "amount_not_whole": (-2, "Invalid amount"),
        "travel_name_missing": (-2, "Missing parameter"),
        "limit_exceeded": (-2, "Amount outside the limits"),
        "withdrawal_unknown": (3500, "Error getting user balance"),
        "withdrawal_not_waiting": (3500, "Error getting user balance"),
        "crypto_not_cancellable": (3516, "Error updating crypto wallet"),
        "deposit_not_cancellable": (3519, "Error in cancellation request"),
        "withdrawal_too_late": (3521, "Error performing cancellation request"),
        "code_wrong": (10029, "驗證碼錯誤"),
        "code_expired": (10029, "驗證碼錯誤"),
        "code_too_soon": (10063, "邮件发送失败，请稍后再试"),
        "receiver_unknown": (10004, "用户不存在"),
        "transfer_to_oneself": (-2, "Invalid receiver"),
        "transfer_unknown": (-20, "未知操作"),
        "transfer_not_confirmed": (-20, "未知操作"),
        "transfer_link_invalid": (-20, "未知操作"),
        "operation_unknown": (-20, "未知操作"),
        "conversion_same_asset": (-2, "Invalid toAsset"),
        "conversion_worse": (-2, "The price has moved"),
        "api_key_refused": (10002, "token过期"),
        "api_key_scope": (-19, "非法请求"),
    },
)

#: HTTP status of refusals that are not 400.
STATUS: dict[str, int] = {
    "api_key_refused": 401,
    "api_key_scope": 403,
    "session_required": 401,
    "second_factor_required": 401,
    "illegal_request": 403,
    "forbidden": 403,
    "idempotency_conflict": 409,
    "too_many_requests": 429,
    "unavailable": 503,
}


@contextmanager
def saying(**names: str) -> Iterator[None]:
    """Renames refusals inside: one service's `code_wrong` has another number in each call of the contract."""
    try:
        yield
    except Refusal as refusal:
        if refusal.name not in names:
            raise
        raise Refusal(names[refusal.name], field=refusal.field, **refusal.facts) from refusal
