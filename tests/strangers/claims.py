"""What is handed to a verifier of inclusion, true and false: both readers of the sigstore project get the same."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tallystick.base64s import from_base64, to_base64
from tallystick.tree_head import LocalAuthority, LogSigners, sign_checkpoint
from tests.strangers.conftest import Served
from tests.world import START, key_from

AT = 256
"""The leaf that the attacks are about: the first of the second tile."""


@dataclass(frozen=True)
class Claim:
    """``body`` stands at ``index`` of a tree of ``size``, as ``path`` shows, under the checkpoint ``note``."""

    body: bytes
    index: int
    size: int
    path: tuple[bytes, ...]
    note: str


def honest(served: Served, index: int, head: int = -1) -> Claim:
    """A true claim about the entry at ``index`` in one of the published trees."""
    size = served.heads[head].size
    return Claim(served.entry(index), index, size, tuple(served.path(index, size)), served.notes[head])


def honest_claims(served: Served) -> dict[str, Claim]:
    """Entries at the edges of tiles, in every published tree that has them."""
    return {
        f"{index} of {head.size}": honest(served, index, at)
        for at, head in enumerate(served.heads)
        for index in sorted({0, 1, head.size // 2, 255, 256, 511, head.size - 1})
        if index < head.size
    }


def false_claims(served: Served) -> dict[str, Claim]:
    """The attacks, each by its name."""
    true = honest(served, AT)
    swapped = (true.path[1], true.path[0], *true.path[2:])
    return {
        "another entry": replace(true, body=served.entry(AT + 1)),
        "one bit of the entry": replace(true, body=bytes([true.body[0] ^ 1]) + true.body[1:]),
        "another index": replace(true, index=AT + 1),
        "an index outside the tree": replace(true, index=true.size),
        "a short path": replace(true, path=true.path[:-1]),
        "a long path": replace(true, path=(*true.path, bytes(32))),
        "one bit of the path": replace(true, path=(bytes([true.path[0][0] ^ 1]) + true.path[0][1:], *true.path[1:])),
        "two hashes of the path swapped": replace(true, path=swapped),
        "the checkpoint of another tree": replace(true, note=served.notes[0]),
        "a checkpoint of another root": replace(true, note=_with_line(true.note, 2, to_base64(bytes(32)))),
        "a checkpoint of another origin": replace(true, note=_with_line(true.note, 0, "log.example/other")),
        "a bit of the signature": replace(true, note=_flip_signature(true.note)),
        "no signature": replace(true, note=true.note.split("\n\n")[0] + "\n\n"),
        "somebody else's signature": replace(true, note=_signed_by_another(served)),
    }


def _with_line(note: str, at: int, text: str) -> str:
    lines = note.split("\n")
    lines[at] = text
    return "\n".join(lines)


def _flip_signature(note: str) -> str:
    """The Ed25519 line is the first one."""
    lines = note.split("\n")
    dash, name, encoded = lines[4].split(" ")
    raw = from_base64(encoded)
    lines[4] = f"{dash} {name} {to_base64(raw[:-1] + bytes([raw[-1] ^ 1]))}"
    return "\n".join(lines)


def _signed_by_another(served: Served) -> str:
    """The same text, signed by keys that only call themselves the log's."""
    thief = LogSigners(
        served.head.origin,
        key_from("thief"),
        key_from("thief", "ml-dsa-44"),
        LocalAuthority(key_from("thief", "es256k")),
    )
    return sign_checkpoint(served.head, thief, START)
