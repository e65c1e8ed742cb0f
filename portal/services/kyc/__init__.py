"""Knowing the customer: levels 1 to 3, their documents, and the staff's decisions.

Customers: `submit_basic_data`, `check_phone`, `verify_phone`, `add_document`, `apply_level_2`, `apply_level_3`, `standing`.
Staff: `queue`, `case`, `decide`, `withdraw`, `reopen`. Files go through services/files.py.
"""

from portal.services.kyc.identity import (
    check_phone,
    named_phone,
    send_phone_code,
    submit_basic_data,
    verify_phone,
    wrong_entries,
)
from portal.services.kyc.records import (
    ADDRESS,
    ID_BACK,
    ID_FRONT,
    LEVEL_OF_KIND,
    MAX_FILE_BYTES,
    PASSBOOK,
    SECOND_ID,
    SELFIE,
    SUPPLEMENT,
    UNVERIFIED,
    VERIFIED,
    VERIFYING,
    VOID,
)
from portal.services.kyc.review import (
    APPROVE,
    REJECT,
    Case,
    Waiting,
    admit,
    case,
    decide,
    queue,
    reopen,
    waiting_count,
    withdraw,
)
from portal.services.kyc.standing import Paper, Standing, masked_phone, standing
from portal.services.kyc.submissions import (
    LEVEL_2_KINDS,
    QUESTIONS,
    add_document,
    apply_level_2,
    apply_level_3,
    check_account,
    clean_answers,
    may_apply,
    may_send_document,
    wrong_account,
    wrong_answers,
)

__all__ = [
    "ADDRESS", "APPROVE", "Case", "ID_BACK", "ID_FRONT", "LEVEL_2_KINDS", "LEVEL_OF_KIND", "MAX_FILE_BYTES", "PASSBOOK",
    "Paper", "QUESTIONS", "REJECT", "SECOND_ID", "SELFIE", "SUPPLEMENT", "Standing", "UNVERIFIED", "VERIFIED", "VERIFYING",
    "VOID", "Waiting", "add_document", "admit", "apply_level_2", "apply_level_3", "case", "check_account", "check_phone",
    "clean_answers", "decide", "masked_phone", "may_apply", "may_send_document", "named_phone", "queue", "reopen", "send_phone_code", "standing", "submit_basic_data",
    "verify_phone", "waiting_count", "withdraw", "wrong_account", "wrong_answers",
    "wrong_entries",
]  # fmt: skip
