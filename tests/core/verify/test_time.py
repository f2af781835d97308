"""Step 11: what independents bound, what the operator says, and what he cannot say when they say otherwise."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from tallystick.case import CaseMaterial, TimestampMaterial
from tallystick.cosignature import cosign_ed25519
from tallystick.events.log import TimeMark
from tallystick.evm.anchor import verify
from tallystick.evm.proof import decode
from tallystick.note import COSIGNATURE_ED25519, Note, parse_note, verifier_key
from tallystick.report.as_text import text_report
from tallystick.time_interval import UNSTATED
from tallystick.times import format_time, parse_time
from tallystick.trust import Trust, Witnesses
from tallystick.verify import Report
from tests.core.verify.kit import AT, Kit, Scene
from tests.core.verify.mutate import flipped
from tests.core.verify.test_timestamps import OWN as OWN_SIGNER
from tests.core.verify.test_timestamps import OWN_ROOT, ROOT, judged, stamp, trusting
from tests.world import START, World, key_from

HOUR = 3600
EARLY, LATE = START + 60, START + 4 * HOUR
"""When a witness saw the tree that log.time names, and when it saw the tree of the case."""


def cosigned(note: bytes, times: Mapping[str, int]) -> bytes:
    """The note with the cosignatures of witnesses at these times."""
    parsed = parse_note(note)
    lines = [cosign_ed25519(parsed.text, name, key_from(name), seconds) for name, seconds in times.items()]
    return Note(parsed.text, (*parsed.signatures, *lines)).encode().encode()


def digest(note: bytes, name: str) -> str:
    """What log.time says of a witness's cosignature."""
    return hashlib.sha256(next(one.signature for one in parse_note(note).signatures if one.name == name)).hexdigest()


@dataclass
class Timed:
    """A log with an anchored, cosigned tree; then log.time, which names that cosignature; then the object."""

    scene: Scene
    case: CaseMaterial
    position: int

    def trust(self, *independent: str, known: tuple[str, ...] = ("w1", "w2"), quorum: int = 0, **more: Any) -> Trust:
        keys = tuple(verifier_key(name, COSIGNATURE_ED25519, key_from(name).public.raw) for name in known)
        logs = (replace(self.scene.first, replaced=()),)
        told = {"v": 3, "independent_witnesses": independent} if independent else {"v": 2}
        return self.scene.trust(**told, logs=logs, witnesses=Witnesses(keys, quorum), **more)

    def judge(self, trust: Trust, at: int = AT, **changes: Any) -> Report:
        return self.scene.judge(replace(self.case, **changes), trust, at)


def timed(
    folder: Path, seen: int = EARLY, said: int = START + HOUR, head: Mapping[str, int] = MappingProxyType({"w1": LATE})
) -> Timed:
    """``seen``: when w1 saw the first tree; ``said``: operator's clock from log.time on; ``head``: who saw the last."""
    world = World("timed", "log.example/timed")
    scene = Scene(folder, world)
    scene.log.add(*world.parties())
    first = scene.anchor()
    scene.anchors[0] = replace(first, checkpoint=cosigned(first.checkpoint, {"w1": seen}))
    world.clock = said
    body = TimeMark("cosignature", digest(scene.anchors[0].checkpoint, "w1"), "w1", scene.log.size)
    scene.log.add(world.say(world.log, "log.time", world.origin, body))
    made = world.object()
    scene.log.add(made)
    scene.anchor()
    case = scene.material(made.event.subject)
    position = scene.log.find("object.register")
    return Timed(scene, replace(case, checkpoint=cosigned(case.checkpoint, head)), position)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Timed:
    return timed(tmp_path_factory.mktemp("timed"))


def times(report: Report) -> dict[str, Any]:
    found: dict[str, Any] = report.facts["time"]
    return found


def told(report: Report) -> set[str]:
    return {line.key for line in report.claim("time").evidence}


def outcome(report: Report) -> str:
    return report.claim("time").outcome


NOTHING = {"not_before": None, "not_after": None}


# --- whom the reader believes -----------------------------------------------------------------


def test_an_independent_witness_bounds_both_ends(one: Timed) -> None:
    report = one.judge(one.trust("w1", independent_time=True))
    assert (report.verdict, outcome(report), report.claim("time").required) == ("proved", "proved", True)
    assert times(report)["independent"] == {
        "not_before": format_time(EARLY - UNSTATED),
        "not_after": format_time(LATE + UNSTATED),
    }
    assert times(report)["claimed"]["first"] == format_time(START + HOUR)
    said = START + HOUR
    assert times(report)["operator"] == {"not_before": format_time(said - UNSTATED), "not_after": format_time(said)}
    for entry in times(report)["entries"]:
        assert parse_time(entry["independent"]["not_before"]) < parse_time(entry["claimed"]) < LATE
    assert "operator alone" not in text_report(report, "en").splitlines()[1]


def test_a_witness_that_the_trust_file_does_not_call_independent_is_the_operators_word(one: Timed) -> None:
    report = one.judge(one.trust())
    assert (report.verdict, outcome(report)) == ("proved", "needs_external_fact")
    assert times(report)["independent"] == NOTHING
    assert {source["by"] for source in times(report)["sources"] if source["kind"] == "witness"} == {"operator"}
    assert "operator alone" in text_report(report, "en").splitlines()[1]


def test_an_unknown_witness_is_nobody(one: Timed) -> None:
    report = one.judge(one.trust(known=("w2",)))
    assert (outcome(report), times(report)["independent"]) == ("needs_external_fact", NOTHING)
    assert "witness" not in {source["kind"] for source in times(report)["sources"]}
    assert "time.unshown" in told(report), "what log.time names is nothing that counts here"


def test_another_key_under_the_name_of_an_independent_witness(one: Timed) -> None:
    head = parse_note(one.scene.log.note())
    forged = cosign_ed25519(head.text, "w1", key_from("stranger"), LATE)
    note = Note(head.text, (*head.signatures, forged)).encode().encode()
    report = one.judge(one.trust("w1"), checkpoint=note)
    assert (outcome(report), times(report)["independent"]["not_after"]) == ("needs_external_fact", None)


def test_a_forged_cosignature_is_said_to_be_false(one: Timed) -> None:
    head = parse_note(one.case.checkpoint)
    *lines, line = head.signatures
    spoilt = replace(line, signature=flipped(line.signature, 5))  # its time
    report = one.judge(one.trust("w1"), checkpoint=Note(head.text, (*lines, spoilt)).encode().encode())
    assert (outcome(report), report.refused_at) == ("contradicted", 11)
    assert "time.bad-cosignature" in told(report)


def test_a_witness_later_than_the_instant_is_not_counted(one: Timed) -> None:
    report = one.judge(one.trust("w1"), at=LATE - 1)
    assert (outcome(report), times(report)["independent"]["not_after"]) == ("needs_external_fact", None)
    assert "time.later" in told(report)


def test_the_quorum_must_agree_about_the_time(one: Timed) -> None:
    both = cosigned(one.scene.log.note(), {"w1": LATE, "w2": LATE + 5})
    assert times(one.judge(one.trust("w1", "w2", quorum=2), checkpoint=both))["independent"] == {
        "not_before": None,
        "not_after": format_time(LATE + 5 + UNSTATED),
    }
    one_of_them = one.judge(one.trust("w1", quorum=2), checkpoint=both)
    assert (outcome(one_of_them), times(one_of_them)["independent"]) == ("needs_external_fact", NOTHING)


# --- the operator against independents -----------------------------------------------------------


def others(report: Report) -> set[str]:
    return {
        claim.outcome for claim in report.claims if claim.id not in ("time", "completeness", "content", "credential")
    }


def test_batches_dated_back_before_what_the_log_itself_holds(tmp_path: Path) -> None:
    """The operator's clock still says START when the log holds a cosignature of four hours later."""
    back = timed(tmp_path, seen=LATE, said=START, head={"w1": LATE + 60})
    report = back.judge(back.trust("w1"))
    assert (outcome(report), report.verdict, report.refused_at) == ("contradicted", "not_proved", 11)
    assert "time.dated-back" in told(report)
    assert others(report) == {"proved"}, "what was logged, and by whom, stands; only when is contradicted"


def test_seen_before_the_first_entry_it_would_be_no_contradiction(one: Timed) -> None:
    assert times(one.judge(one.trust("w1")))["contradictions"] == []


def test_batches_dated_after_a_witness_saw_them(tmp_path: Path) -> None:
    late = timed(tmp_path, said=START + 3 * HOUR, head={"w1": START + HOUR})
    report = late.judge(late.trust("w1"))
    assert outcome(report) == "contradicted"
    assert {"time.dated-late", "time.claimed-late"} <= told(report)
    assert others(report) == {"proved"}


def test_also_a_witness_that_is_nobodys_choice_contradicts_the_operator(tmp_path: Path) -> None:
    late = timed(tmp_path, said=START + 3 * HOUR, head={"w1": START + HOUR})
    assert outcome(late.judge(late.trust())) == "contradicted"


def test_two_witnesses_that_cannot_both_be_right(tmp_path: Path) -> None:
    """w2 saw the tree that holds w1's cosignature hours before w1 made it."""
    crossed = timed(tmp_path, seen=START + 2 * HOUR, said=START + 2 * HOUR, head={"w2": START + HOUR})
    report = crossed.judge(crossed.trust("w1", "w2"))
    assert outcome(report) == "contradicted"
    assert "time.crossed" in told(report)


def test_a_witness_whose_clock_went_back(tmp_path: Path) -> None:
    back = timed(tmp_path, seen=START + 2 * HOUR, said=START + 2 * HOUR, head={"w1": START + HOUR})
    assert "time.backwards" in told(back.judge(back.trust("w1")))


def test_within_the_accuracy_of_clocks_nothing_is_contradicted(tmp_path: Path) -> None:
    near = timed(tmp_path, said=START + HOUR, head={"w1": START + HOUR - 2 * UNSTATED})
    assert outcome(near.judge(near.trust("w1"))) == "proved"
    far = timed(tmp_path / "far", said=START + HOUR, head={"w1": START + HOUR - 2 * UNSTATED - 1})
    assert outcome(far.judge(far.trust("w1"))) == "contradicted"


# --- what stands after log.time ------------------------------------------------------------------------


def test_log_time_bounds_only_what_stands_after_it(one: Timed) -> None:
    party = next(at for at, said in enumerate(one.scene.log.statements) if said.event.type == "party.register")
    mark = one.scene.log.find("log.time")
    report = one.judge(one.trust("w1"))
    starts = [
        source for source in times(report)["sources"] if (source["kind"], source["bound"]) == ("witness", "not_before")
    ]
    assert [source["place"] for source in starts] == [mark]
    assert party < mark < one.position


def test_a_log_time_that_names_what_is_not_here_bounds_nothing(one: Timed) -> None:
    bare = replace(one.case.anchors[0], checkpoint=one.scene.log.note(one.scene.log.find("log.time")))
    report = one.judge(one.trust("w1"), anchors=[bare, *one.case.anchors[1:]])
    assert (outcome(report), times(report)["independent"]["not_before"]) == ("proved", None)
    assert {"time.unshown", "time.no-start"} <= told(report)


def test_a_block_of_the_operators_own_chain_is_the_operators_word(tmp_path: Path) -> None:
    world = World("timed", "log.example/timed")
    scene = Scene(tmp_path, world)
    scene.log.add(*world.parties())
    block = verify(decode(scene.anchor().proof), scene.target)
    body = TimeMark("block", block.block_hash.hex(), f"eip155:{block.chain_id}", block.block_number)
    scene.log.add(world.say(world.log, "log.time", world.origin, body))
    made = world.object()
    scene.log.add(made)
    scene.anchor()
    report = scene.judge(scene.material(made.event.subject))
    assert (outcome(report), times(report)["independent"]) == ("needs_external_fact", NOTHING)
    starts = [source for source in times(report)["sources"] if source["bound"] == "not_before"]
    assert ("block", "operator") in {(source["kind"], source["by"]) for source in starts}


# --- stripping ----------------------------------------------------------------------------------------


def test_stripping_only_widens(one: Timed) -> None:
    trust = one.trust("w1")
    whole = times(one.judge(trust))["independent"]
    bare_head = one.judge(trust, checkpoint=one.scene.log.note())
    assert times(bare_head)["independent"] == {**whole, "not_after": None}
    assert outcome(bare_head) == "needs_external_fact"
    first, last = one.case.anchors
    bare = replace(first, checkpoint=one.scene.log.note(one.scene.log.find("log.time")))
    assert times(one.judge(trust, anchors=[bare, last]))["independent"] == {**whole, "not_before": None}
    mark = one.scene.log.find("log.time")
    without = {at: entry for at, entry in one.case.entries.items() if at not in (mark, mark + 1)}
    paths = {at: path for at, path in one.case.inclusion.items() if at in without}
    stripped = one.judge(trust, entries=without, inclusion=paths)
    assert (stripped.verdict, times(stripped)["independent"]) == ("proved", {**whole, "not_before": None})


def test_time_rests_on_the_steps_before_it(one: Timed) -> None:
    """A bound on an entry that is not in the tree is no bound."""
    paths = {at: path for at, path in one.case.inclusion.items() if at != one.position}
    report = one.judge(one.trust("w1"), inclusion=paths)
    assert (outcome(report), report.refused_at) == ("not_proved", 4)


# --- timestamp tokens ------------------------------------------------------------------------------------


OBSERVATORY, OWN = ("the observatory", ROOT, True), ("an operator's own", OWN_ROOT, True)
NOON = START + 12 * HOUR


def noon(kit: Kit, **more: Any) -> TimestampMaterial:
    """A token over the tree of the case, made at noon."""
    return stamp(kit.log.note(), **{"seconds": NOON, "accuracy": {"seconds": 2}, **more})


def test_a_token_of_an_independent_authority(kit: Kit) -> None:
    report = judged(kit, noon(kit), **trusting(OBSERVATORY))
    assert (report.verdict, outcome(report), report.claim("time").required) == ("proved", "proved", True)
    assert times(report)["independent"] == {"not_before": None, "not_after": format_time(NOON + 2)}


def test_a_token_of_an_authority_that_is_not_called_independent(kit: Kit) -> None:
    report = judged(kit, noon(kit), **trusting(("the observatory", ROOT, False)))
    assert (outcome(report), times(report)["independent"]) == ("needs_external_fact", NOTHING)


def test_a_token_of_the_operators_own_authority_called_independent_by_mistake(kit: Kit) -> None:
    """It says of itself that it is an operator's: no trust file makes it independent."""
    report = judged(kit, noon(kit, signer=OWN_SIGNER), **trusting(OWN))
    assert (outcome(report), times(report)["independent"]) == ("needs_external_fact", NOTHING)
    (token,) = (one for one in times(report)["sources"] if one["kind"] == "token")
    assert token["by"] == "operator"


def test_a_token_without_accuracy_is_given_as_much_as_other_clocks(kit: Kit) -> None:
    report = judged(kit, noon(kit, accuracy=None), **trusting(OBSERVATORY))
    assert times(report)["independent"]["not_after"] == format_time(NOON + UNSTATED)


@pytest.mark.parametrize(("seconds", "counted"), [(3600, True), (3601, False), (10**6, False)])
def test_a_token_that_claims_no_precision(kit: Kit, seconds: int, counted: bool) -> None:
    report = judged(kit, noon(kit, accuracy={"seconds": seconds}), when=AT + 10**8, **trusting(OBSERVATORY))
    assert (outcome(report), "time.imprecise" in told(report)) == (
        ("proved", False) if counted else ("needs_external_fact", True)
    )


def test_a_token_made_before_the_log_says_that_its_entries_came(kit: Kit) -> None:
    report = judged(kit, noon(kit, seconds=START - HOUR), **trusting(OBSERVATORY))
    assert (outcome(report), report.claim("timestamp").outcome) == ("contradicted", "proved")
    assert "time.dated-late" in told(report)


def test_a_second_token_that_contradicts_what_log_time_holds_of_the_first(tmp_path: Path) -> None:
    """The first was made at noon and stands in the log; the second says that this log was there in the morning."""
    world = World("stamped", "log.example/stamped")
    scene = Scene(tmp_path, world)
    scene.log.add(*world.parties())
    first = stamp(scene.log.note(), seconds=NOON, accuracy={"seconds": 2})
    size, world.clock = scene.log.size, NOON + 60
    body = TimeMark("rfc3161", hashlib.sha256(first.token).hexdigest(), "the observatory", size)
    made = world.object()
    scene.log.add(world.say(world.log, "log.time", world.origin, body), made)
    scene.anchor()
    paths = {(size, scene.log.size): scene.log.consistency(size, scene.log.size)}
    for second, expected in ((START + HOUR, "contradicted"), (NOON + HOUR, "proved")):
        later = stamp(scene.log.note(), seconds=second, accuracy={"seconds": 2})
        case = scene.material(made.event.subject, timestamps=[first, later], consistency=paths)
        report = scene.judge(case, scene.trust(**trusting(OBSERVATORY)))
        assert (outcome(report), report.claim("timestamp").outcome) == (expected, "proved")
    assert times(report)["independent"] == {
        "not_before": format_time(NOON - 2),
        "not_after": format_time(NOON + HOUR + 2),
    }
    whole = times(report)["independent"]
    alone = scene.judge(scene.material(made.event.subject, timestamps=[later]), scene.trust(**trusting(OBSERVATORY)))
    assert times(alone)["independent"] == {**whole, "not_before": None}, "stripping only widens"
