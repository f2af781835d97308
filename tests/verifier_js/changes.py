"""Changes of a bundle and of the reader's choices, each of them named. None knows how a verifier works."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from tallystick.base64s import from_base64, to_base64
from tallystick.note import COSIGNATURE_ML_DSA_44, verifier_key
from tests.verifier_js.forge import CASE, CRATE, DECLARATION, INFO, PROOFS, Members
from tests.world import key_from

Change = Callable[[Members], None]


def each_member(members: Members) -> Iterator[tuple[str, Change]]:
    """Every member of the payload: bytes flipped, cut, added, emptied; the member removed, renamed, exchanged."""
    names = [name for name in members if name.startswith("data/") and name != CRATE]
    for place, name in enumerate(names):
        size = len(members[name])
        for at in sorted({0, size // 3, size // 2, 2 * size // 3, size - 2, size - 1} & set(range(size))):
            yield (
                f"{name} flipped at {at}",
                _edited(name, lambda data, at=at: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]),
            )
        yield f"{name} cut", _edited(name, lambda data: data[:-1])
        yield f"{name} longer", _edited(name, lambda data: data + b"\n")
        yield f"{name} empty", _edited(name, lambda _: b"")
        yield f"{name} removed", lambda members, name=name: void(members.pop(name))
        yield f"{name} renamed", lambda members, name=name: members.update({f"{name}x": members.pop(name)})
        other = names[(place + 7) % len(names)]
        yield (
            f"{name} exchanged with {other}",
            lambda members, one=name, two=other: members.update({one: members[two], two: members[one]}),
        )


def without_entries(members: Members) -> Iterator[tuple[str, Change]]:
    """An entry left out with all that speaks of it, alone and with the next one; every other one."""
    positions = sorted(int(name.split("/")[2].split(".")[0]) for name in members if name.startswith("data/entries/"))
    for first in range(len(positions)):
        for last in (first + 1, first + 2):
            left = positions[first:last]
            yield f"without entries {left}", lambda members, left=left: leave_out(members, left)
    yield "every other entry", lambda members: leave_out(members, positions[1::2])


def leave_out(members: Members, positions: list[int]) -> None:
    proofs = json.loads(members[PROOFS])
    for position in positions:
        members.pop(f"data/entries/{position}.cose", None)
        members.pop(f"data/disclosures/{position}.json", None)
        proofs["inclusion"].pop(str(position), None)
    members[PROOFS] = canonical(proofs)


def of_json(members: Members) -> Iterator[tuple[str, Change]]:
    """Each value in each JSON member replaced by others, each field removed."""
    for name in (CASE, PROOFS, *(name for name in members if name.endswith(("proof.json", "map/proofs.json")))):
        for path in paths(json.loads(members[name])):
            for value in ("", 0, -1, 3, None, True, [], {}, "2026-01-01T00:00:00Z", 2**53):
                yield f"{name} {path} := {value!r}", _replaced(name, path, value)
            yield f"{name} {path} removed", _replaced(name, path, REMOVED)


REMOVED = object()


def paths(value: Any, depth: int = 0) -> Iterator[tuple[Any, ...]]:
    """Places in a value, but of long lists the first two alone."""
    if isinstance(value, dict):
        members: Any = list(value.items())[:40]
    elif isinstance(value, list):
        members = list(enumerate(value))[:2]
    else:
        return
    for key, member in members:
        yield (key,)
        if depth < 4:
            yield from ((key, *rest) for rest in paths(member, depth + 1))


def _replaced(name: str, path: tuple[Any, ...], value: Any) -> Change:
    def change(members: Members) -> None:
        whole = json.loads(members[name])
        inner = whole
        for key in path[:-1]:
            inner = inner[key]
        if value is REMOVED:
            del inner[path[-1]]
        else:
            inner[path[-1]] = value
        members[name] = canonical(whole)

    return change


def of_text(members: Members) -> Iterator[tuple[str, Change]]:
    """Lines of the signed notes removed, doubled, reordered, of strangers; the bag's own words."""
    for name in (name for name in members if name.endswith(("/checkpoint", ".note"))):
        for line in range(members[name].count(b"\n")):
            yield f"{name} without line {line}", _lines(name, lambda lines, line=line: lines[:line] + lines[line + 1 :])
            yield (
                f"{name} with line {line} twice",
                _lines(name, lambda lines, line=line: lines[: line + 1] + lines[line:]),
            )
        yield f"{name} with signatures in another order", _lines(name, lambda lines: [*lines[:4], *reversed(lines[4:])])
        stranger = "— stranger.example AAAAAAA=\n".encode()
        yield f"{name} with a stranger's line", _edited(name, lambda data, more=stranger: data + more)
        yield f"{name} with a line that is none", _edited(name, lambda data: data + b"hello\n")
        yield f"{name} without its last newline", _edited(name, lambda data: data[:-1])
        yield f"{name} with CRLF", _edited(name, lambda data: data.replace(b"\n", b"\r\n"))
        for size in (b"0", b"1", b"007", b"9223372036854775808", b"99999999999999999999"):
            yield (
                f"{name} of size {size!r}",
                _lines(name, lambda lines, size=size: [lines[0], size + b"\n", *lines[2:]]),
            )
    for text in (b"", b"Payload-Oxum: 1.1\n", b"A: b\nPayload-Oxum: 1.1\nA: b\n\n", b"\xff\nPayload-Oxum: 1.1\n"):
        yield f"{INFO} {text!r}", lambda members, text=text: members.update({INFO: text})
    for text in (b"", b"BagIt-Version: 0.97\nTag-File-Character-Encoding: UTF-8\n", members[DECLARATION] + b"\n"):
        yield f"{DECLARATION} {text!r}", lambda members, text=text: members.update({DECLARATION: text})


def more_members(members: Members) -> Iterator[tuple[str, Change]]:
    """Members that have no place, or one that nothing promises."""
    slug = next((name for name in members if name.startswith("data/originals/")), "data/originals/x").split("/")[2]
    names = [
        "data/x",
        "data/entries/01.cose",
        "data/entries/1.cbor",
        "data/entries/-1.cose",
        "data/entries/a.cose",
        "data/log/x",
        "data/anchors/9/proof.json",
        "data/anchors/00/proof.json",
        "data/timestamps/9/token.tst",
        "data/contents/x.json",
        f"data/contents/{slug}.json",
        "data/originals/x/y",
        f"data/originals/{slug}/more",
        f"data/originals/{slug}/a/b/c",
        "data/credentials/more.png",
        "data/map/proofs.json",
        "data/map/audits/9.note",
        "data/map/entries/2.cose",
        "data/map/entries/9999.cose",
        "data/map/x",
        "data/disclosures/0.json",
        "data/disclosures/999.json",
        "data/trust.json",
        "data/verifier.html",
        "data/originals/../x",
        "data/originals//x",
        "data/CASE.json",
        "data/entries/0.COSE",
        "data/entries/9999999999999999.cose",
        "data/entries/10000000000000000.cose",
        "data/e\u0301",
        "data/\u202e",
        "data/a\\b",
        "data/a\nb",
        "README.md",
        "fetch.txt",
    ]
    for name in names:
        for content in (b"", b"[]", members["data/entries/1.cose"]):
            yield f"{name} of {len(content)} bytes added", lambda members, one=(name, content): members.update([one])


FIELDS = (
    "publisher",
    "issued",
    "logs",
    "exporters",
    "c2pa_roots",
    "evm_targets",
    "tsa_roots",
    "independent_time",
    "witnesses",
    "status_max_age",
    "required",
    "v",
)


def of_trust() -> Iterator[tuple[str, Callable[[dict[str, Any]], None]]]:
    """Other choices of the reader."""
    for field in (
        "publisher",
        "issued",
        "logs",
        "exporters",
        "c2pa_roots",
        "evm_targets",
        "tsa_roots",
        "independent_time",
        "witnesses",
        "status_max_age",
        "required",
        "v",
    ):
        for value in ([], {}, "", None, 1, True, 5, 0, 4, "2026-01-01T00:00:00Z"):
            yield f"trust {field} := {value!r}", lambda trust, field=field, value=value: trust.update({field: value})
        yield f"trust without {field}", lambda trust, field=field: void(trust.pop(field))
    for claims in (
        ["credential"],
        ["completeness"],
        ["timestamp"],
        ["time"],
        ["content", "time"],
        ["beauty"],
        ["time", "time"],
    ):
        yield f"required {claims}", lambda trust, claims=claims: trust.update(required=claims)
    yield "independent time demanded", lambda trust: trust.update(independent_time=True)
    yield "another registrar", lambda trust: trust["logs"][0].update(registrar=trust["exporters"][-1]["key"])
    yield "another name of the log", lambda trust: trust["logs"][0].update(origin="log.example/else")
    yield "keys of the log in another order", lambda trust: trust["logs"][0]["keys"].reverse()
    yield "one key of the log twice", lambda trust: trust["logs"][0].update(keys=[trust["logs"][0]["keys"][0]] * 3)
    yield "a quorum of nobody", lambda trust: trust.update(witnesses={"keys": [], "quorum": 1})
    witness = "witness.example/w1+d9f30dec+BD5aqY7pR6RUF9/t921oSKco3KjgoE9yATFiCZKR2SBh"
    public = to_base64(from_base64(witness.split("+", 2)[2])[1:])
    other = verifier_key("witness.example/w1", COSIGNATURE_ML_DSA_44, key_from("w1", "ml-dsa-44").public.raw)
    for quorum in (1, 2):
        yield (
            f"two keys of one witness, {quorum} demanded",
            lambda trust, k=quorum: trust.update(witnesses={"keys": [witness, other], "quorum": k}),
        )
    yield (
        "the registrar as a witness",
        lambda trust: (
            trust["logs"][0].update(registrar={"alg": "ed25519", "public": public}),
            trust.update(witnesses={"keys": [witness], "quorum": 0}),
        ),
    )
    yield "a witness who did not cosign", lambda trust: trust.update(witnesses={"keys": [witness], "quorum": 1})
    yield "only a witness whom nobody asks", lambda trust: trust.update(witnesses={"keys": [witness], "quorum": 0})
    yield (
        "the log as its own witness",
        lambda trust: trust.update(witnesses={"keys": trust["logs"][0]["keys"][1:2], "quorum": 1}),
    )
    yield "no authorities", lambda trust: trust.update(tsa_roots=[], independent_time=False)
    yield "a field more", lambda trust: trust.update(more=1)


INSTANTS = (
    "0001-01-01T00:00:00Z",
    "2025-12-31T23:59:59Z",
    "2026-01-31T23:55:00Z",
    "2026-01-31T23:59:59Z",
    "2026-02-01T00:00:00Z",
    "2026-02-01T00:00:01Z",
    "2026-02-01T00:00:02Z",
    "2026-02-01T00:01:00Z",
    "2026-02-01T00:01:01Z",
    "2026-02-01T00:05:00Z",
    "2026-02-01T05:00:00Z",
    "2026-02-01T22:59:59Z",
    "2026-02-01T23:00:00Z",
    "2026-02-01T23:00:01Z",
    "2026-02-01T23:29:59Z",
    "2026-02-01T23:30:00Z",
    "2026-02-01T23:59:00Z",
    "2026-02-02T00:00:00Z",
    "2026-03-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "2026-02-29T00:00:00Z",
    "2026-02-01T24:00:00Z",
    "2026-02-01T23:59:60Z",
    "2026-02-01",
    "0000-01-01T00:00:00Z",
    "",
)


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def void(_: object) -> None:
    """For what gives something back where nothing is wanted."""


def _edited(name: str, edit: Callable[[bytes], bytes]) -> Change:
    return lambda members: members.update({name: edit(members[name])})


def _lines(name: str, edit: Callable[[list[bytes]], list[bytes]]) -> Change:
    return _edited(name, lambda data: b"".join(edit(data.splitlines(keepends=True))))
