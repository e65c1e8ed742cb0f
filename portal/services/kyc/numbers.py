"""Taiwan's identity numbers: national IDs and resident certificates (ARC), old and new. Pure.

All have ten signs, the last a check digit over the others with weights 1, 9 8 7 6 5 4 3 2 1, 1; the first letter counts as
two digits by the place of registration (Ministry of the Interior). A national ID has 1 or 2 as its second sign, the resident
certificate since 2021 has 8 or 9, the older one a letter of A to D that counts as the last digit of its own two.
"""

import re

NATIONAL = "national"
RESIDENT = "resident"
RESIDENT_OLD = "resident_old"

_NEW = re.compile(r"[A-Z][1289][0-9]{8}", re.ASCII)
_OLD = re.compile(r"[A-Z][A-D][0-9]{8}", re.ASCII)
_LETTERS = {letter: number for number, letter in enumerate("ABCDEFGHJKLMNPQRSTUVXYWZIO", 10)}
_WEIGHTS = (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)


def kind_of(number: str) -> str | None:
    """NATIONAL, RESIDENT or RESIDENT_OLD for a number (upper case) whose check digit is right; else None."""
    if _NEW.fullmatch(number):
        second = number[1]
        kind = NATIONAL if second in "12" else RESIDENT
    elif _OLD.fullmatch(number):
        second = str(_LETTERS[number[1]] % 10)
        kind = RESIDENT_OLD
    else:
        return None
    digits = f"{_LETTERS[number[0]]}{second}{number[2:]}"
    total = sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=True))
    return kind if total % 10 == 0 else None


def canonical(text: str) -> str:
    """The number as it is compared: without outer blanks, upper case."""
    return text.strip().upper() if text.isascii() else text


def gender_in(number: str) -> int | None:
    """The gender a right number carries: 0 female, 1 male; a hint for reviewers. None when there is none."""
    return {"1": 1, "2": 0, "8": 1, "9": 0, "A": 1, "B": 0, "C": 1, "D": 0}.get(number[1:2])


def masked(number: str) -> str:
    """`A12****89`, as the brokerage contract shows it."""
    return f"{number[:3]}****{number[-2:]}"
