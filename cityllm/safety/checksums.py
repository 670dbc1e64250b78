"""Check digits of the numbers that carry one: resident ID, bank card, unified credit code.

Sources: GB 11643-1999 (ISO 7064 MOD 11-2), ISO/IEC 7812-1 (Luhn), GB 32100-2015 (modulus 31).
"""

from __future__ import annotations

from datetime import date

PROVINCES = frozenset("11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 "
                      "54 61 62 63 64 65 71 81 82 83".split())
"""First two digits of a resident ID (GB/T 2260), 83 being residence permits of 台湾."""
CREDIT = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""The 31 signs of a unified credit code: no I, O, S, V, Z."""


def resident_id(number: str) -> bool:
    """Whether 18 signs are a resident ID with a province, a real birth date and the check digit."""
    if not plausible_id(number):
        return False
    total = sum(int(digit) * (2 ** (17 - place) % 11) for place, digit in enumerate(number[:17]))
    return "10X98765432"[total % 11] == number[17].upper()


def plausible_id(number: str) -> bool:
    """Province and birth date of an ID with 18 or (old) 15 signs; the check digit may be wrong,
    since a mistyped number still leads to a person."""
    if len(number) not in (15, 18) or number[:2] not in PROVINCES or not number[:-1].isdigit():
        return False
    born = number[6:14] if len(number) == 18 else "19" + number[6:12]
    try:
        return 1880 <= date(int(born[:4]), int(born[4:6]), int(born[6:])).year <= 2100
    except ValueError:
        return False


def bank_card(number: str) -> bool:
    """Luhn's rule over 16 to 19 digits that are not all the same."""
    if not (number.isdigit() and 16 <= len(number) <= 19) or len(set(number)) == 1:
        return False
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def credit_code(code: str) -> bool:
    """Whether 18 signs are a unified credit code with a right check sign."""
    code = code.upper()
    if len(code) != 18 or any(sign not in CREDIT for sign in code):
        return False
    total = sum(CREDIT.index(sign) * pow(3, place, 31) for place, sign in enumerate(code[:17]))
    return CREDIT[(31 - total % 31) % 31] == code[17]
