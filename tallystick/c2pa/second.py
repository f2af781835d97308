"""A second opinion: C2PA engines of other people that are installed here look at the same file.

They are consulted where they are present, and never decide: nothing becomes proved because a second engine says so,
and nothing is refused. What they say stands beside our verdict, and a disagreement is named. `encypher-c2pa` has a core
of its own; it is told to keep quiet: no network, no telemetry, no saved preference.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from cryptography.hazmat.primitives.serialization import Encoding

from tallystick.c2pa.chain import SignerRoots
from tallystick.c2pa.refusal import CredentialRefused
from tallystick.lazy_dataclass import dataclass

MAX_ASKED = 128 << 20
"""Bytes of the largest file that is given to a second engine: it is held in memory."""
_ENCYPHER = "encypher_c2pa"
_QUIET: dict[str, Any] = {
    "no_default_trust": True,
    "online": False,
    "telemetry": {"enabled": False, "endpoint": None, "sdk_name": "python"},
}
_NOT_BYTES = ("signer.", "time.", "signingCredential.", "credential.absent")
"""How our codes begin that say nothing about hashes and signatures."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one engine says of a file.

    verdict: whether hashes, signatures and binding hold; "none": it has no answer. trusted: whether the signer stands
    under the given roots at the given time; None: it was not asked, or has no answer. codes: its failures.
    """

    engine: str
    verdict: Literal["valid", "invalid", "none"]
    codes: tuple[str, ...]
    detail: str
    trusted: bool | None = None


def opinions(
    source: bytes | Path,
    media_type: str,
    sidecar: bytes | None = None,
    roots: SignerRoots | None = None,
    at: datetime | None = None,
) -> tuple[Opinion, ...]:
    """The opinion of each second engine that is installed; none if none is. It raises nothing.

    With `roots` and `at` they are asked about the signer too.
    """
    try:
        engine = importlib.import_module(_ENCYPHER)
    except ImportError:
        return ()
    name = f"encypher-c2pa {getattr(engine, '__version__', '')}".strip()
    try:
        data = source if isinstance(source, bytes) else _read(source)
        return (_encypher(engine, name, data, media_type, sidecar, roots, at),)
    except Exception as error:  # whatever a stranger's code raises is his opinion, not our failure
        return (Opinion(name, "none", (), f"no answer: {str(error)[:300]}"),)


def compare(refused: CredentialRefused | str | None, found: Sequence[Opinion]) -> tuple[str, ...]:
    """A sentence for each engine that says otherwise than we do; `refused`: our refusal or its code, None: accepted."""
    code = refused.code if isinstance(refused, CredentialRefused) else refused
    told = []
    for one in found:
        faults = ", ".join(one.codes) or one.detail
        if code is None and one.verdict == "invalid":
            told.append(f"{one.engine} refuses what we accept: {faults}")
        elif code is None and one.trusted is False:
            told.append(f"{one.engine} does not trust the signer whom we trust")
        elif code is not None and one.trusted:
            told.append(f"{one.engine} accepts what we refuse ({code})")
        elif code is not None and one.verdict == "valid" and not code.startswith(_NOT_BYTES):
            told.append(f"{one.engine} finds hashes and signatures good where we refuse ({code})")
    return tuple(told)


def _read(path: Path) -> bytes:
    with path.open("rb") as stream:
        data = stream.read(MAX_ASKED + 1)
    if len(data) > MAX_ASKED:
        raise ValueError(f"the file is larger than the {MAX_ASKED} bytes that it is given")
    return data


def _encypher(
    engine: Any,
    name: str,
    data: bytes,
    media_type: str,
    sidecar: bytes | None,
    roots: SignerRoots | None,
    at: datetime | None,
) -> Opinion:
    options = dict(_QUIET)
    if roots is not None and at is not None:
        pem = b"".join(certificate.public_bytes(Encoding.PEM) for certificate in roots.certificates)
        options |= {
            "trust_pem": pem.decode() or None,
            "validation_time": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    # Not its `verify`: that one saves the telemetry preference in the user's home.
    if sidecar is None:
        text = engine.verify_bytes(data, media_type, json.dumps(options))
    else:
        text = engine.verify_detached_bytes(data, sidecar, media_type, json.dumps(options))
    report = json.loads(text)
    if not report.get("present"):
        return Opinion(name, "none", (), "it finds no credential")
    codes = tuple(str(line["code"]) for line in report["validation_results"]["failure"])
    good = report["integrity"] == "valid" and report["signature"] == "valid" and report["hard_binding"] == "match"
    asked = roots is not None and at is not None
    trusted = report["validation_state"] == "Trusted" if asked and good else None
    return Opinion(name, "valid" if good else "invalid", codes, str(report["validation_state"]), trusted)
