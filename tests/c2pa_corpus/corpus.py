"""The corpus as files: what is judged, the trust file by which it is, and what must come of each."""

from __future__ import annotations

import functools
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tallystick.base64s import to_base64
from tallystick.c2pa import SignerRoots
from tallystick.c2pa.second import opinions
from tallystick.schema import write
from tallystick.trust import TimeAuthority, TrustFile, Witnesses, trusted_log
from tests.c2pa_corpus import bad_contents, bad_signatures, bad_signers, bad_stores, chains, differences
from tests.c2pa_corpus import good as accepted
from tests.c2pa_corpus.case import Case
from tests.c2pa_corpus.people import CLOCK_ROOT, IDENTITY_ROOT, ROOT, der
from tests.world import World

AT = "2025-07-01T00:00:00Z"
PURPOSES = ("1.3.6.1.4.1.62558.2.1", *(f"1.3.6.1.5.5.7.3.{last}" for last in (4, 8, 9, 36)))
"""Those that c2patool takes from its users by default, and c2pa-kp-claimSigning."""
MOMENT = datetime(2025, 7, 1, tzinfo=UTC)


def good() -> Iterator[Case]:
    return accepted.cases()


def bad() -> Iterator[Case]:
    for one in (bad_signers, bad_signatures, bad_contents, bad_stores, chains):
        yield from one.cases()


def corpus() -> dict[str, bytes]:
    """Path within fixtures/c2pa -> file. The same bytes on every machine."""
    files: dict[str, bytes] = {}
    expected: dict[str, dict[str, Any]] = {"good": {}, "bad": {}}
    for folder, cases in (("good", good()), ("bad", bad())):
        for case in cases:
            if case.name in expected["good"] | expected["bad"]:
                raise ValueError(f"two files are named {case.name}")
            files[f"{folder}/{case.file}"] = case.data
            if case.sidecar is not None:
                files[f"{folder}/{case.name}.c2pa"] = case.sidecar
            verdict = {"code": case.code} if case.code else {}
            expected[folder][case.name] = {"file": case.file, **verdict, **engines(case)}
    files["trust.json"] = _json(write(trust()))
    files["README.md"] = (README + differences.table()).encode()
    files["expected.json"] = _json({"at": AT, **expected})
    return files


README = """# A corpus of signed files

Files with a C2PA credential ([the rules](../../docs/evidence/credentials.md#2-verdict)): those of `good/` must be
accepted by the trust file `trust.json` as of the time in `expected.json`, each of `bad/` refused with the code that
stands there; the name says what is wrong with it. A sidecar (`.c2pa`) stands beside its file. Keys and certificates are
made up (`tests/c2pa_corpus`); every byte follows from names, so `python -m fixtures.generate` makes the same files
everywhere.

`expected.json` says too what two independent engines make of each file, with the same roots: c2pa-python (which judges
certificates by today's clock) and encypher-c2pa (at the same time as we). Where one of them accepts as trusted what we
refuse, or does not accept what we do:

"""


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()


def trust() -> TrustFile:
    """One root for each purpose."""
    world = World("c2pa", "log.example/test")
    return TrustFile(
        v=4,
        publisher="The test court",
        issued="2025-01-01T00:00:00Z",
        logs=(trusted_log(world.signers.keys, world.roles["registrar"].public, ()),),
        exporters=(),
        c2pa_roots=(to_base64(der(ROOT.certificate)),),
        evm_targets=(),
        tsa_roots=(TimeAuthority("clock", to_base64(der(CLOCK_ROOT.certificate)), True),),
        independent_time=True,
        witnesses=Witnesses((), 0),
        status_max_age=86_400,
        required=(),
        cawg_roots=(to_base64(der(IDENTITY_ROOT.certificate)),),
    )


# --- what others say --------------------------------------------------------------------------


def engines(case: Case) -> dict[str, str]:
    """What the two independent engines say of a case, each with the same roots, each in one word.

    c2pa-python judges by today's clock, encypher-c2pa at `AT`.
    """
    return {"c2pa-python": _c2pa(case), "encypher-c2pa": _encypher(case)}


def _encypher(case: Case) -> str:
    [one] = opinions(case.data, case.media_type, case.sidecar, SignerRoots((ROOT.certificate,)), MOMENT)
    return "trusted" if one.trusted else one.verdict


@functools.cache
def _context() -> Any:
    import c2pa

    def anchor(kind: str, root: x509.Certificate) -> dict[str, str]:
        return {"trust_kind": kind, "trust_anchors": root.public_bytes(Encoding.PEM).decode()}

    listed = [("manifest", ROOT), ("tsa", CLOCK_ROOT), ("cawg", IDENTITY_ROOT)]
    return c2pa.Context.from_dict(
        {
            "version": 1,
            "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
            "trust": {
                "anchors": [anchor(kind, who.certificate) for kind, who in listed],
                "trust_config": "\n".join(PURPOSES) + "\n",
            },
        }
    )


def _c2pa(case: Case) -> str:
    import c2pa

    try:
        with c2pa.Reader(case.media_type, io.BytesIO(case.data), case.sidecar, context=_context()) as reader:
            return str(json.loads(reader.json())["validation_state"]).lower()
    except c2pa.C2paError:
        return "error"
