"""Numbers by which others know a work: ISAN, EIDR, DOI, ISCC. Each is read strictly, and its check digits computed.

A wrong digit on a certificate names another film. What a number stands for is the registry's word, which nobody asks
here: a number that is well formed may still be of another work.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable

from tallystick.errors import MalformedInput

_HEX, _ALNUM = "0123456789ABCDEF", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ISAN = re.compile(
    rf"(?:ISAN[ :]?)?([0-9A-F]{{4}}(?:-[0-9A-F]{{4}}){{3}})-([{_ALNUM}])"
    rf"(?:-([0-9A-F]{{4}}-[0-9A-F]{{4}})-([{_ALNUM}]))?",
    re.ASCII,
)
_EIDR = re.compile(rf"(?:https://doi\.org/)?(10\.5240/([0-9A-F]{{4}}(?:-[0-9A-F]{{4}}){{4}})-([{_ALNUM}]))", re.ASCII)
_DOI = re.compile(
    r"(?:https://doi\.org/|doi:)?(10\.[1-9][0-9]{3,8}(?:\.[0-9]+)*/[!-~]{1,200})", re.ASCII | re.IGNORECASE
)
_ISCC = re.compile(r"ISCC:([A-Z2-7]{10,73})", re.ASCII)
_MAIN_TYPES, _ID = 7, 6
"""ISO 24138: META, SEMANTIC, CONTENT, DATA, INSTANCE, ISCC, ID."""
_COMPOSITE = 5
_COMPOSITE_SUM, _COMPOSITE_SUM_WIDE = 5, 7


def check_isan(value: str) -> str:
    """An ISAN (ISO 15706) of 16 digits, or with version of 24, as it is written with both check characters."""
    found = _ISAN.fullmatch(value.strip().upper())
    if found is None:
        raise MalformedInput(
            f"{value!r} is no ISAN: expected 0000-0000-XXXX-XXXX-C or 0000-0000-XXXX-XXXX-C-XXXX-XXXX-C, in hexadecimal"
        )
    root, check, version, last = found.groups()
    _require(value, "ISAN", root, check)
    if version is None:
        return f"ISAN {root}-{check}"
    _require(value, "ISAN", root + version, last)
    return f"ISAN {root}-{check}-{version}-{last}"


def check_eidr(value: str) -> str:
    """An EIDR identifier, which is a DOI below 10.5240 with a check character of its own."""
    found = _EIDR.fullmatch(value.strip())
    if found is None:
        raise MalformedInput(f"{value!r} is no EIDR identifier: expected 10.5240/XXXX-XXXX-XXXX-XXXX-XXXX-C")
    whole, suffix, check = found.groups()
    _require(value, "EIDR identifier", suffix, check)
    return whole


def check_doi(value: str) -> str:
    """A DOI, without its resolver's address. It has no check digit, but where it is EIDR's."""
    found = _DOI.fullmatch(value.strip())
    if found is None:
        raise MalformedInput(f"{value!r} is no DOI: expected 10.<registrant>/<suffix>")
    return check_eidr(found[1]) if found[1].startswith("10.5240/") else found[1]


def check_iscc(value: str) -> str:
    """An ISCC (ISO 24138) in its one form: header of known values, and a body as long as the header says."""
    found = _ISCC.fullmatch(value.strip())
    if found is None:
        raise MalformedInput(f"{value!r} is no ISCC: expected ISCC: and base32 in capitals, without padding")
    text = found[1]
    try:
        data = base64.b32decode(text + "=" * (-len(text) % 8))
    except ValueError:
        raise MalformedInput(f"{value!r} is no ISCC: its base32 is cut short") from None
    if base64.b32encode(data).decode().rstrip("=") != text:
        raise MalformedInput(f"{value!r} is no ISCC: its last character has bits that mean nothing")
    main, sub, version, units = _nibbles(data[:2])
    if main >= _MAIN_TYPES or version != 0 or len(data) - 2 != _body_bytes(main, sub, units):
        raise MalformedInput(f"{value!r} is no ISCC: its header does not go with a body of {len(data) - 2} bytes")
    return f"ISCC:{text}"


CHECKS: dict[str, Callable[[str], str]] = {
    "isan": check_isan,
    "eidr": check_eidr,
    "doi": check_doi,
    "iscc": check_iscc,
}
"""By the member of a request; also by the word in the name of a reference."""


def check_reference(name: str, value: str) -> str:
    """The value as it is to be printed: of a name that holds the word ISAN, EIDR, DOI or ISCC, checked as that."""
    words = re.findall(r"[a-z]+", name.lower())
    for scheme, check in CHECKS.items():
        if scheme in words:
            return check(value)
    return value


def check_character(digits: str) -> str:
    """ISO 7064 MOD 37,36 over letters and digits; everything else is passed over."""
    remainder = 36
    for character in digits:
        if character in _ALNUM:
            remainder = (remainder + _ALNUM.index(character)) % 36 or 36
            remainder = 2 * remainder % 37
    return _ALNUM[(37 - remainder) % 36]


def _require(value: str, scheme: str, digits: str, check: str) -> None:
    right = check_character(digits)
    if right != check:
        raise MalformedInput(
            f"{value!r} is no {scheme}: after {digits} the check character is {right}, not {check}: "
            "compare the digits with the registry's"
        )


def _nibbles(header: bytes) -> tuple[int, int, int, int]:
    """The four fields of a two-byte header; each below 8, as every one known today is."""
    fields = (header[0] >> 4, header[0] & 15, header[1] >> 4, header[1] & 15)
    if max(fields) > 7:
        raise MalformedInput("an ISCC with a longer header than is known today")
    return fields


def _body_bytes(main: int, sub: int, units: int) -> int:
    """ISO 24138: a unit has 32 bits for each step; a composite joins DATA and INSTANCE with what its units say."""
    if main == _COMPOSITE:
        wide = sub == _COMPOSITE_SUM_WIDE
        if wide or sub == _COMPOSITE_SUM:
            return 32 if wide else 16
        return 8 * (2 + units.bit_count())
    return 8 + units if main == _ID else 4 * (units + 1)
