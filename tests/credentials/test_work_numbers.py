"""Numbers of other registries: published examples are taken, each neighbour of one is refused."""

from __future__ import annotations

import pytest

from credentials.shares import check_shares, parse_share
from credentials.work_numbers import (
    check_character,
    check_doi,
    check_eidr,
    check_isan,
    check_iscc,
    check_reference,
)
from tallystick.errors import MalformedInput

ISAN = "0000-0000-D07A-0090-Q"
"""An example of the registry's own guide (ISAN User Guide)."""
ISAN_VERSION = "0000-0000-D07A-0090-Q-0000-0000-X"
EIDR = "10.5240/7791-8534-2C23-9030-8610-5"
"""An example of the EIDR identifier format paper."""
ISCCS = [
    "ISCC:KECYCUNKNX2SDB4A",
    # From iscc-core's own documentation: four units, two composites and an ID.
    "ISCC:AAAT4EBWK27737D2",
    "ISCC:EAAQMBEYQF6457DP",
    "ISCC:GAA7UJMLDXHPPENG",
    "ISCC:IAA3Y7HR2FEZCU4N",
    "ISCC:KACT4EBWK27737D2AYCJRAL5Z36G76RFRMO4554RU26HZ4ORJGIVHDI",
    "ISCC:KUAG2PRCRS5LNVZVJKAFAVOJXLZZM",
    "ISCC:MEACB7X7777574L6",
]


def test_published_numbers_are_taken() -> None:
    assert check_isan(ISAN) == check_isan(f"isan {ISAN.lower()}") == f"ISAN {ISAN}"
    assert check_isan(ISAN_VERSION) == f"ISAN {ISAN_VERSION}"
    assert check_eidr(EIDR) == check_doi(EIDR) == check_eidr(f"https://doi.org/{EIDR}") == EIDR
    assert check_doi("https://doi.org/10.1000/182") == "10.1000/182"


@pytest.mark.parametrize("code", ISCCS[1:])
def test_published_isccs_are_taken(code: str) -> None:
    assert check_iscc(code) == code


@pytest.mark.parametrize(("text", "check"), [(ISAN, check_isan), (ISAN_VERSION, check_isan), (EIDR, check_eidr)])
def test_every_other_digit_is_refused(text: str, check: object) -> None:
    """The check character finds every single wrong digit."""
    assert callable(check)
    start = len("10.5240/") if text.startswith("10.") else 0
    for at in range(start, len(text)):
        for other in "0123456789ABCDEF":
            if text[at] not in ("-", other):
                with pytest.raises(MalformedInput):
                    check(text[:at] + other + text[at + 1 :])


@pytest.mark.parametrize(
    "code",
    [
        "ISCC:AAAT4EBWK27737D",  # one character short
        "ISCC:AAAT4EBWK27737D2AA",  # longer than its header says
        "ISCC:KACT4EBWK27737D2",  # the header of a composite over one unit
        "ISCC:PAAT4EBWK27737D2",  # a main type that nobody defined
        "ISCC:AABT4EBWK27737D2",  # another length
        "iscc:AAAT4EBWK27737D2",
        "AAAT4EBWK27737D2",
        "ISCC:AAAT4EBWK27737D1",  # 1 is no digit of base32
        "ISCC:KUAG2PRCRS5LNVZVJKAFAVOJXLZZN",  # bits beyond the last byte
    ],
)
def test_isccs_of_another_form_are_refused(code: str) -> None:
    with pytest.raises(MalformedInput):
        check_iscc(code)


@pytest.mark.parametrize("doi", ["10.1000", "10.1000/", "11.1000/1", "10.1000/a b", "10.1000/玉", f"{EIDR[:-1]}6"])
def test_dois_of_another_form_are_refused(doi: str) -> None:
    with pytest.raises(MalformedInput):
        check_doi(doi)


def test_a_reference_is_checked_by_its_name() -> None:
    assert check_reference("ISAN 编号", ISAN.lower()) == f"ISAN {ISAN}"
    assert check_reference("公映许可证 film permit", "电审故字〔2026〕第1号") == "电审故字〔2026〕第1号"
    assert check_reference("Isandlwana", "a place") == "a place"
    with pytest.raises(MalformedInput, match="EIDR"):
        check_reference("EIDR", ISAN)


def test_check_characters_are_those_of_the_standard() -> None:
    """ISO 7064 itself gives A12425GABC1234002 with the check character M for MOD 37,36 (Annex; used by GRid)."""
    assert check_character("A12425GABC1234002") == "M"


@pytest.mark.parametrize(
    "shares",
    [[], ["", ""], ["100 %"], ["50 %", "50%"], ["1/3", "1/3", "1/3"], ["33.3 %", "66.7 %"], ["1/2", "50 %"], ["1/1"]],
)
def test_shares_that_add_up(shares: list[str]) -> None:
    check_shares(shares)


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        (["33.3 %", "33.3 %", "33.3 %"], "99.9 %"),
        (["99.999999 %"], "99.999999 %"),
        (["60 %", "60 %"], "120 %"),
        (["50 %", ""], "some"),
        (["0 %", "100 %"], "not above 0"),
        (["101 %"], "at most"),
        (["-50 %", "150 %"], "no share"),
        (["all"], "no share"),
        (["1/0"], "no share"),
        (["１００ %"], "no share"),
        (["1e2 %"], "no share"),
    ],
)
def test_shares_that_do_not(shares: list[str], said: str) -> None:
    with pytest.raises(MalformedInput, match=said):
        check_shares(shares)


def test_a_share_is_exact() -> None:
    assert parse_share("0.1 %") * 1000 == 1
