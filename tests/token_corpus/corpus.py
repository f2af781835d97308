"""fixtures/tokens: every token as a file named after what is wrong with it, with what must come of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tallystick.base64s import to_base64
from tallystick.trust import Trust, TrustFile, Witnesses, encode_trust, parse_trust, trusted_log
from tests.c2pa_corpus.people import der
from tests.core.licence.paper import ASKED, DAY
from tests.core.token.kit import AUDIENCE, NONCE
from tests.token_corpus import bad_issuers, bad_presentations, bad_tokens
from tests.token_corpus.case import Case, elsewhere, wallet
from tests.token_corpus.good import good
from tests.token_corpus.people import OTHER_ROOT, ROOT
from tests.token_corpus.staples import STAPLES, made

FOLDER = Path(__file__).parents[2] / "fixtures" / "tokens"


def bad() -> Iterator[Case]:
    """All that must not be valid."""
    for module in (bad_tokens, bad_issuers, bad_presentations):
        yield from module.cases()


def trust() -> Trust:
    """Both logs, and the roots of both issuers."""
    worlds = (wallet().paper.world, elsewhere().paper.world)
    logs = tuple(trusted_log(one.signers.keys, one.registrar.signer.public, ()) for one in worlds)
    roots = tuple(to_base64(der(one.certificate)) for one in (ROOT, OTHER_ROOT))
    file = TrustFile(
        4,
        "the token corpus",
        "2026-01-01T00:00:00Z",
        logs,
        (),
        (),
        (),
        (),
        False,
        Witnesses((), 0),
        7 * DAY,
        (),
        token_roots=roots,
    )
    return parse_trust(encode_trust(file))


def corpus() -> dict[str, bytes]:
    """Path within the folder -> bytes. Staples that are there stay as they are."""
    files = {"trust.json": encode_trust(trust().file)}
    expected: dict[str, Any] = {
        "at": wallet().paper.world.now(),
        "question": ASKED,
        "audience": AUDIENCE,
        "nonce": NONCE,
    }
    for folder, cases in (("good", good()), ("bad", bad())):
        told: dict[str, Any] = {}
        for case in cases:
            if case.name in told:
                raise ValueError(f"two cases are called {case.name}")
            told[case.name] = _told(case)
            files[f"{folder}/{case.name}.txt"] = case.token.encode()
        expected[folder] = told
    for name in STAPLES:
        kept = FOLDER / "status" / f"{name}.json"
        files[f"status/{name}.json"] = kept.read_bytes() if kept.exists() else made(name)
    files["expected.json"] = (json.dumps(expected, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
    return files


def _told(case: Case) -> dict[str, Any]:
    found = {"answer": case.answer, "stage": case.stage, "code": case.code, "status": case.status}
    return {**{name: one for name, one in found.items() if one is not None}, **case.asked}


__all__ = ["FOLDER", "bad", "corpus", "good", "trust"]
