"""The corpus as files: bundles, the one trust file by which they are judged, and what must come of each."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tallystick import canonical
from tallystick.times import format_time
from tallystick.trust import Trust, encode_trust, parse_trust
from tallystick.verify import Report, verify_case
from tests.core.verify.kit import AT, Scene
from tests.evidence_corpus import (
    faults_of_capture,
    faults_of_cards,
    faults_of_cases,
    faults_of_custody,
    faults_of_documents,
    faults_of_facts,
    faults_of_histories,
    faults_of_kinds,
    faults_of_operators,
    faults_of_parts,
    faults_of_platform,
    faults_of_revocation,
    faults_of_roots,
    faults_of_settlements,
    faults_of_time,
)
from tests.evidence_corpus.good import Worlds, trust_of, worlds
from tests.evidence_corpus.shelf import Fault, Honest

FAMILIES = (
    faults_of_cases,
    faults_of_operators,
    faults_of_histories,
    faults_of_time,
    faults_of_parts,
    faults_of_kinds,
    faults_of_facts,
    faults_of_capture,
    faults_of_custody,
    faults_of_platform,
    faults_of_settlements,
    faults_of_roots,
    faults_of_cards,
    faults_of_documents,
    faults_of_revocation,
)
AS_IS = "as-is"
"""Ends the name of a bundle whose manifest is still the honest one."""


@dataclass(frozen=True)
class Made:
    """Every case that the corpus is to have, just made. Signatures are randomised: other bytes each time."""

    honest: tuple[Honest, ...]
    bad: tuple[Fault, ...]
    stranger: Scene

    def without(self, names: Container[str]) -> Made:
        """What of it is not yet there."""
        return replace(
            self,
            honest=tuple(one for one in self.honest if one.name not in names),
            bad=tuple(one for one in self.bad if one.name not in names),
        )

    def trust(self) -> bytes:
        """The trust file by which these are judged."""
        bad = (one.scene for one in self.bad if one.step != 2 and one.scene is not self.stranger)
        return encode_trust(trust_of([*(one.scene for one in self.honest), *bad]))

    def files(self, trust: Trust) -> tuple[dict[str, bytes], dict[str, Any]]:
        """The bundles, and what comes of each. Raises ``ValueError`` where that is not what its fault must come to."""
        files, expected = dict[str, bytes](), dict[str, dict[str, Any]](good={}, bad={})
        for honest in self.honest:
            _put(files, expected, trust, "good", honest.name, honest.bundle())
        for fault in self.bad:
            told = _put(files, expected, trust, "bad", fault.name, fault.signed())
            check(fault, told)
            if (unsigned := fault.as_is()) is not None:
                told = _put(files, expected, trust, "bad", f"{fault.name}.{AS_IS}", unsigned)
                if (told["refused_at"], told["verdict"]) != (1, "not_proved"):
                    raise ValueError(f"{fault.name}, manifest as it was: {told}")
        return files, expected


@contextmanager
def making() -> Iterator[Made]:
    """Make every case; what they are made from is there as long as the context."""
    with tempfile.TemporaryDirectory() as name:
        made = worlds(Path(name))
        bad = tuple(_all(made))  # families add the honest cases that theirs are changes of
        yield Made(tuple(made.honest.values()), bad, made.stranger.scene)


def corpus(made: Made) -> dict[str, bytes]:
    """Path within fixtures/evidence -> file: all of it new."""
    trust = made.trust()
    files, expected = made.files(parse_trust(trust))
    return {**files, "trust.json": trust, "expected.json": _json({"at": format_time(AT), **expected})}


def grown(folder: Path, made: Made) -> dict[str, bytes]:
    """What is to be written into a published corpus so that it has every case: the new ones, the trust file with
    whom they need, and the outcomes. What was published keeps its bytes and its outcomes, or ``ValueError``.
    """
    published = json.loads((folder / "expected.json").read_bytes())
    new = made.without({*published["good"], *published["bad"]})
    trust = _joined((folder / "trust.json").read_bytes(), new)
    judge = parse_trust(trust)
    for kind in ("good", "bad"):
        for name, told in published[kind].items():
            if outcome(verify_case(io.BytesIO((folder / kind / f"{name}.zip").read_bytes()), judge, AT)) != told:
                raise ValueError(f"{kind}/{name} is published, and would come out otherwise")
    files, expected = new.files(judge)
    for kind in ("good", "bad"):
        published[kind] |= expected[kind]
    return {**files, "trust.json": trust, "expected.json": _json(published)}


def _joined(published: bytes, new: Made) -> bytes:
    """A trust file with what the new cases need added: nobody is struck, nothing else is changed."""
    if not new.honest and not new.bad:
        return published
    value, more = json.loads(published), json.loads(new.trust())
    for member in ("logs", "exporters", "c2pa_roots", "pdf_roots"):
        value[member] = [*(kept := value.get(member, [])), *(one for one in more[member] if one not in kept)]
    names = {one["name"] for one in value["tsa_roots"]}
    value["tsa_roots"] += [one for one in more["tsa_roots"] if one["name"] not in names]
    return canonical.encode(value)


def _all(made: Worlds) -> Iterator[Fault]:
    names = set[str]()
    for family in FAMILIES:
        for fault in family.faults(made):
            if fault.name in names or fault.name in made.honest:
                raise ValueError(f"two cases are named {fault.name}")
            names.add(fault.name)
            yield fault


def _put(
    files: dict[str, bytes], expected: dict[str, Any], trust: Trust, folder: str, name: str, bundle: bytes
) -> dict[str, Any]:
    files[f"{folder}/{name}.zip"] = bundle
    expected[folder][name] = told = outcome(verify_case(io.BytesIO(bundle), trust, AT))
    return told


def outcome(report: Report) -> dict[str, Any]:
    """What a verifier must find, whatever its words."""
    claims = {claim.id: claim.outcome for claim in report.claims}
    return {"verdict": report.verdict, "refused_at": report.refused_at, "claims": claims}


def check(fault: Fault, told: dict[str, Any]) -> None:
    """That the step refuses it which must: what is written down as expected was decided before."""
    if (told["refused_at"], told["verdict"]) != (fault.step, fault.verdict):
        raise ValueError(f"{fault.name}: step {fault.step}, {fault.verdict} is expected, found {told}")
    for claim, expected in (fault.claims or {}).items():
        if told["claims"].get(claim) != expected:
            raise ValueError(f"{fault.name}: {claim} {expected} is expected, found {told}")


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()
