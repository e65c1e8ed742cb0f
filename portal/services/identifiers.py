"""Names, mail addresses and phone numbers in the one form under which they are unique over the portal.

Look-alikes (case, full-width letters, ligatures) fold into one canonical form; what cannot be folded safely (other scripts,
dotless i, NUL, right-to-left marks, endless text) is refused.
"""

import re
import unicodedata

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from portal.errors import N_, Refusal, declare

MAX_EMAIL = 190
_MAX_PHONE = 40
_USERNAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{1,30})[a-z0-9]", re.ASCII)
#: Names that only the portal itself may bear.
_RESERVED = frozenset({"admin", "administrator", "root", "support", "system", "staff", "service", "official", "portal"})
_MOBILE = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
#: Taiwan's plan keeps 09 and eight digits for mobile services; the library's list ends at 098.
_TAIWAN_MOBILE = re.compile(r"\+8869[0-9]{8}")

declare(
    {
        "username_invalid": N_("A user name has 3 to 32 letters, digits, dots, hyphens or underscores."),
        "email_invalid": N_("This is not an e-mail address."),
        "phone_invalid": N_("Enter a real mobile number, for example 0912 345 678 or +886 912 345 678."),
    }
)


def canonical_username(text: str, field: str = "username") -> str:
    """The unique form of a user name: ASCII, lower case. Raises Refusal `username_invalid`."""
    name = shown_username(text).lower() if len(text) <= 64 else ""
    if not _USERNAME.fullmatch(name) or name in _RESERVED:
        raise Refusal("username_invalid", field=field)
    return name


def shown_username(text: str) -> str:
    """The user name as its owner likes to write it, in plain letters."""
    return unicodedata.normalize("NFKC", text).strip()


def canonical_email(text: str, field: str = "email") -> str:
    """The unique form of a mail address: lower case, an ASCII local part, the domain in Punycode. Raises `email_invalid`."""
    if len(text) > MAX_EMAIL:
        raise Refusal("email_invalid", field=field)
    try:
        plain = unicodedata.normalize("NFKC", text).strip()
        found = validate_email(plain, check_deliverability=False, allow_smtputf8=False, test_environment=True)
    except (EmailNotValidError, ValueError) as error:
        raise Refusal("email_invalid", field=field) from error
    address = (found.ascii_email or "").lower()
    if not address.isascii() or not 0 < len(address) <= MAX_EMAIL:
        raise Refusal("email_invalid", field=field)
    return address


def canonical_phone(text: str, country: str = "TW", field: str = "mobilePhone") -> str:
    """A mobile number as E.164 (`+886912345678`); a national number is read as one of `country`. Raises `phone_invalid`."""
    try:
        if len(text) > _MAX_PHONE or not text.isprintable():
            raise ValueError("not a phone number")
        number = phonenumbers.parse(unicodedata.normalize("NFKC", text), country)
    except (phonenumbers.NumberParseException, ValueError) as error:
        raise Refusal("phone_invalid", field=field) from error
    canonical = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    known = phonenumbers.is_valid_number(number) and phonenumbers.number_type(number) in _MOBILE
    if number.extension or not (known or _TAIWAN_MOBILE.fullmatch(canonical)):
        raise Refusal("phone_invalid", field=field)
    return canonical


def login_key(text: str) -> str:
    """What a typed login name counts as: a canonical mail address or user name, or a cut of what it is when it is neither.

    Total on purpose: sign-in treats every text alike, so that nothing tells a malformed name from an unknown one.
    """
    try:
        return canonical_email(text) if "@" in text or "＠" in text else canonical_username(text)
    except Refusal:
        return "?" + text.encode("utf-8", "backslashreplace").hex()[:60]
