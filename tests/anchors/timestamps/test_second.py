"""What rfc3161-client checks and what it does not: why the core reads tokens itself (ADR 23)."""

from __future__ import annotations

import warnings
from dataclasses import replace

import pytest

from anchors.timestamps.second import Disagreement, second_opinion
from tests.core.timestamp.forge import MESSAGE, token
from tests.core.timestamp.test_verify import CHAINS, GOOD, REFUSED, ROOT, TSA

# It accepts these. All are refused by ``tallystick.timestamp``.
NOT_CHECKED = {
    "a weak hash in the signature",
    "another certificate is named",
    "another is named by the older attribute",
    "named by a weak hash",
    "in the name of another",
    "RSA said of an EC key",
    "another hash said of the signature",
    "by a certificate authority",
    "by a weak key",
    "by a key of another curve",
}
# It does not read these: certificates in an order that is not DER's.
NOT_READ = set(CHAINS)


def accepts(made: bytes) -> bool:
    """Whether it raises nothing: it accepts the token, or cannot read it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            second_opinion(made, MESSAGE, [ROOT.der], [])
        except Disagreement:
            return False
    return True


@pytest.mark.parametrize("fault", REFUSED)
def test_what_it_refuses_and_what_not(fault: str) -> None:
    recipe, _ = REFUSED[fault]
    assert accepts(token(recipe)) is (fault in NOT_CHECKED)


@pytest.mark.parametrize(
    "change",
    [{}, {"accuracy": {"millis": 500}}, {"ess": (1, 2)}, {"tsa": TSA.certificate.subject}, {"imprint": "sha512"}],
)
def test_what_both_accept(change: dict[str, object]) -> None:
    assert accepts(token(replace(GOOD, **change)))  # type: ignore[arg-type]


@pytest.mark.parametrize("change", [{"ess": ()}, {"extensions": (("1.2.3.4.5", True, b"\x05\x00"),)}])
def test_forms_that_it_lets_pass(change: dict[str, object]) -> None:
    assert accepts(token(replace(GOOD, **change)))  # type: ignore[arg-type]


def test_the_intermediate_is_told_to_it_too() -> None:
    from tests.core.timestamp.forge import AUTHORITY, Recipe, holder

    between = holder("between two", ROOT, AUTHORITY)
    made = token(Recipe(holder("below them", between)))
    second_opinion(made, MESSAGE, [ROOT.der], [between.der])
    with pytest.raises(Disagreement):
        second_opinion(made, MESSAGE, [ROOT.der], [])
