"""`tallystick accuse`: evidence of notes, of what a mirror or witness kept, of two entries; nothing else is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ledger.copies.evidence import save_fork
from ledger.errors import ForkSeen
from tallystick.__main__ import main
from tallystick.base64s import to_base64
from tallystick.checkpoint import Checkpoint
from tallystick.fork import decode, verify_fork
from tallystick.merkle import leaf_hash, prove_consistency, prove_inclusion, root_at, root_of
from tallystick.note import parse_note
from tallystick.tlog_proof import TlogProof
from tallystick.tree_head import sign_checkpoint
from tests.core.test_fork import FORK, TREE, WORLD, note
from tests.fixtures.test_convictions import CORPUS


class Desk:
    """A folder with files in it, and the command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        return path

    @property
    def out(self) -> Path:
        return self.folder / "fork.json"

    def run(self, *shown: Path | str, trust: Path | None = None) -> int:
        given = ["accuse", *map(str, shown), "--trust", str(trust or self.folder / "trust.json")]
        return main([*given, "--out", str(self.out)])

    def kind(self) -> str:
        return verify_fork(decode(self.out.read_bytes()), WORLD.signers.keys).kind


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    value = json.loads((CORPUS / "trust.json").read_text())
    (log,) = value["logs"]
    log |= {"origin": WORLD.origin, "keys": list(WORLD.signers.keys.verifier_keys()), "replaced": []}
    made.put("trust.json", json.dumps(value).encode())
    return made


def test_two_notes_of_one_size(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = desk.put("a", note(TREE, 20)), desk.put("b", note(FORK, 20))
    assert desk.run(first, second) == 0
    assert capsys.readouterr().out.startswith(f"PROVED: log {WORLD.origin} forked\n")
    assert desk.kind() == "roots"
    assert main(["verify-fork", str(desk.out), "--trust", str(desk.folder / "trust.json")]) == 0
    before = desk.out.read_bytes()
    assert desk.run(second, first) == 2
    assert desk.out.read_bytes() == before


@pytest.mark.parametrize(("old", "new"), [(13, 40), (16, 40), (1, 2), (20, 20)])
def test_what_a_mirror_kept(desk: Desk, old: int, new: int) -> None:
    """Written by the mirror's own code, a power of two among the sizes."""
    path = () if old == new else tuple(prove_consistency(FORK, old, new))
    seen = ForkSeen("two", (note(TREE, old).decode(), note(FORK, new).decode()), root_at(FORK, old), path)
    assert desk.run(save_fork(desk.folder, seen)) == 0
    assert desk.kind() == ("roots" if old == new else "history")


def test_two_entries_at_one_index(desk: Desk) -> None:
    entries = [[b"entry %d" % at for at in range(5)], [b"entry 0", b"entry 1", b"another", b"entry 3"]]
    shown, given = [], []
    for at, tree in enumerate(entries):
        leaves = [leaf_hash(entry) for entry in tree]
        head = Checkpoint(WORLD.origin, len(tree), root_of(leaves))
        signed = parse_note(sign_checkpoint(head, WORLD.signers, WORLD.clock).encode())
        path = tuple(prove_inclusion(Leaves(leaves), 2, len(tree)))
        shown.append(desk.put(f"{at}.tlog-proof", TlogProof(2, path, signed).encode()))
        given += ["--entry", str(desk.put(f"{at}.entry", tree[2]))]
    assert desk.run(*shown, *given) == 0
    assert desk.kind() == "leaves"
    desk.out.unlink()
    assert desk.run(*shown, *given[:2]) == 2
    assert desk.run(*shown, *given[:2], *given[:2]) == 1
    assert not desk.out.exists()


class Leaves:
    """A tree over so many leaf hashes."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.leaves = leaves

    def nodes(self, places: list[tuple[int, int]]) -> list[bytes]:
        return [root_of(self.leaves[index << level : (index + 1) << level]) for level, index in places]


@pytest.mark.parametrize(
    ("first", "second", "status", "said"),
    [
        (note(TREE, 20), note(TREE, 20), 1, "same size and root"),
        (note(TREE, 20), note(FORK, 21), 2, "by a proof only"),
        (note(TREE, 20), b"no note", 2, "malformed"),
        (note(TREE, 20), note(FORK, 20).replace(b"forks", b"other"), 1, "step 1"),
    ],
    ids=["the same", "two sizes", "no note", "another log"],
)
def test_what_is_no_fork_is_not_written(
    desk: Desk, first: bytes, second: bytes, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert desk.run(desk.put("a", first), desk.put("b", second)) == status
    assert said in capsys.readouterr().err
    assert not desk.out.exists()


@pytest.mark.parametrize(
    ("proof", "status", "said"),
    [
        (b"13 40\n" + b"%s\n" % to_base64(root_at(TREE, 13)).encode() * 2, 1, "step 2"),
        (b"12 40\n" + to_base64(root_at(FORK, 13)).encode() + b"\n", 2, "the notes say 13 and 40"),
        (b"13\n", 2, "two sizes"),
        (b"13 40\n" + b"%s\n" % to_base64(bytes(32)).encode() * 80, 2, "at most"),
        (b"13 40\nAAAA\n", 2, "malformed"),
    ],
    ids=["too short", "other sizes", "one size", "too long", "no hash"],
)
def test_a_kept_proof_that_is_not_one(
    desk: Desk, proof: bytes, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, data in (("smaller", note(TREE, 13)), ("larger", note(FORK, 40)), ("proof", proof)):
        desk.put(f"kept/{name}", data)
    assert desk.run(desk.folder / "kept") == status
    assert said in capsys.readouterr().err
    assert not desk.out.exists()


def test_a_folder_that_holds_no_evidence(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.run(desk.folder) == 2
    assert "'smaller'" in capsys.readouterr().err


def test_a_log_that_the_trust_file_does_not_name(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = desk.put("a", note(TREE, 20)), desk.put("b", note(FORK, 20))
    assert desk.run(first, second, trust=CORPUS / "trust.json") == 1
    assert "the trust file names log.example/test" in capsys.readouterr().err
