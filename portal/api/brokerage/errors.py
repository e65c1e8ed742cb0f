"""Refusal name → brokerage code and message, in one table. Codes and texts: brokerage.json, errors."""

from collections import defaultdict

#: Anything not listed is an illegal request; a name belongs here as soon as a route of this family can raise it.
ERRORS: defaultdict[str, tuple[int, str]] = defaultdict(
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
    },
)

#: HTTP status of refusals that are not 400.
STATUS: dict[str, int] = {
    "session_required": 401,
    "second_factor_required": 401,
    "illegal_request": 403,
    "forbidden": 403,
    "idempotency_conflict": 409,
    "too_many_requests": 429,
    "unavailable": 503,
}
