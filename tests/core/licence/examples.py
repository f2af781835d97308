"""Complete terms and the pieces that tests vary. Plain JSON, as a registrar would write it."""

from __future__ import annotations

import copy
from typing import Any

from tallystick.identifiers import Letter, new_identifier
from tallystick.licence.terms import DisclosedTerms, disclosed_terms

LICENSEE = new_identifier(Letter.PARTY, b"licensee00")
LICENSOR = new_identifier(Letter.PARTY, b"licensor00")
OBJECT = new_identifier(Letter.OBJECT, b"object0000")
LICENCE = new_identifier(Letter.LICENCE, b"licence000")

WITHIN = "2026-12-01T00:00:00Z"

TERMS: dict[str, Any] = {
    "licensee": {"party": LICENSEE, "holder_kid": "ab" * 32},
    "asset": {"object": OBJECT, "sha256": "cd" * 32, "edit": "theatrical cut"},
    "use": {"include": ["adapt", "display", "play"], "exclude": ["advertise"]},
    "exclusivity": "non-exclusive",
    "territory": {"include": ["AT", "CH", "DE"], "exclude": ["FR"]},
    "window": {"start": "2026-11-01T00:00:00Z", "end": "2028-11-01T00:00:00Z"},
    "media": {"include": ["streaming", "theatrical"], "exclude": ["streaming-avod"]},
    "sublicensing": {"allowed": True, "max_depth": 1},
    "ai_use": {
        "data_mining": "prohibited",
        "inference": "permitted",
        "generative_training": "prohibited",
        "other_training": "prohibited",
    },
    "channel": ["Kanal 1"],
    "format": {"include": ["hd", "uhd"], "exclude": []},
    "language": {"include": ["de", "en", "zh-Hans"], "exclude": ["de-CH"]},
    "holdback": [
        {
            "media": ["streaming-svod"],
            "territory": ["CH"],
            "start": "2026-11-01T00:00:00Z",
            "end": "2027-06-01T00:00:00Z",
        }
    ],
    "count": {"limit": 100, "unit": "screening"},
    "derivatives": "with-approval",
    "attribution": "© Example Studio",
    "payment": {
        "amount": "1200000",
        "currency": "EUR",
        "shares": sorted(
            [{"party": LICENSOR, "basis_points": 7000}, {"party": LICENSEE, "basis_points": 3000}],
            key=lambda share: str(share["party"]),
        ),
    },
    "consent": [{"kind": "voice", "sha256": "ef" * 32}],
    "contract": {
        "sha256": "01" * 32,
        "governing_law": "DE",
        "forum": "Landgericht Berlin",
        "controlling_language": "de",
    },
    "windows": [{"start": "2026-11-01T00:00:00Z", "end": "2028-11-01T00:00:00Z"}],
}


def terms(**changes: Any) -> dict[str, Any]:
    """A copy of ``TERMS`` with terms replaced; ``None`` leaves one out."""
    changed = {**copy.deepcopy(TERMS), **changes}
    return {name: value for name, value in changed.items() if value is not None}


def disclosed(*withheld: str, **changes: Any) -> DisclosedTerms:
    """``terms(**changes)`` with the named ones withheld."""
    value = terms(**changes)
    return disclosed_terms(value.keys(), {name: each for name, each in value.items() if name not in withheld})
