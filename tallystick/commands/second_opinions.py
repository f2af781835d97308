"""What other C2PA engines, where installed, say of the signed files of a bundle: beside the report, never in it."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from tallystick.bundle.container import Member, read_directory, stream
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.times import parse_time
from tallystick.trust import Trust
from tallystick.verify import Report

FOLDER = "data/credentials/"
ENGINE = "encypher_c2pa"
"""The one that is asked so far (``tallystick.c2pa.second``)."""


def second_opinions(bundle: Path, report: Report, trust: Trust) -> Iterator[str]:
    """A line for each engine and file, and one for each disagreement; none where no engine is installed."""
    try:
        importlib.import_module(ENGINE)
    except ImportError:
        return
    judged = {one["file"]: parse_time(one["judged_at"]) for one in report.facts.get("credentials", ())}
    # What is malformed or damaged the report says; there is no second opinion on it.
    with bundle.open("rb") as file, suppress(MalformedInput, VerificationFailed):
        for name, member in read_directory(file).items():
            if name.startswith(FOLDER):
                yield from _opinions(file, name, member, judged.get(name), report.at, trust)


def _opinions(file: BinaryIO, name: str, member: Member, judged_at: int | None, at: int, trust: Trust) -> Iterator[str]:
    """judged_at: the instant as of which we accepted the file, Unix seconds; None: we did not."""
    # Loaded here: a bundle without signed files does not wait for certificates.
    from tallystick.c2pa import media_type_of, roots_of
    from tallystick.c2pa.second import MAX_ASKED, compare, opinions

    if member.size > MAX_ASKED:
        return
    moment = datetime.fromtimestamp(at if judged_at is None else judged_at, UTC)
    found = opinions(b"".join(stream(file, member)), media_type_of(name), None, roots_of(trust)[0], moment)
    signer = {True: "signer trusted", False: "signer not trusted", None: "signer not judged"}
    for one in found:
        if one.verdict != "none":
            faults = f" ({', '.join(one.codes)})" if one.codes else ""
            yield f"{name}: {one.engine} says {one.verdict}, {signer[one.trusted]}{faults}"
    for sentence in compare("step 12" if judged_at is None else None, found):
        yield f"{name}: DISAGREEMENT: {sentence}"
