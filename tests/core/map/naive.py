"""The map a second time, from docs/map.md alone and as slow as its words: dictionaries and recursion."""

from __future__ import annotations

import hashlib
from typing import Any


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def bit(key: bytes, number: int) -> int:
    return int(f"{int.from_bytes(key, 'big'):0256b}"[number])


def key_of(relation: str, text: str) -> bytes:
    return sha256(b"tallystick/map/key\n", relation.encode(), b"\n", text.encode())


def chain(history: list[tuple[int, bytes]]) -> bytes:
    found = bytes(32)
    for index, leaf in history:
        found = sha256(b"tallystick/map/link\n", found, index.to_bytes(8, "big"), leaf)
    return found


def leaf(key: bytes, history: list[tuple[int, bytes]]) -> bytes:
    return sha256(b"tallystick/map/leaf\n", key, len(history).to_bytes(8, "big"), chain(history))


def split(keys: list[bytes]) -> int:
    return next(number for number in range(256) if len({bit(key, number) for key in keys}) == 2)


def root(histories: dict[bytes, list[tuple[int, bytes]]]) -> bytes:
    if not histories:
        return sha256(b"tallystick/map/empty\n")
    if len(histories) == 1:
        ((key, history),) = histories.items()
        return leaf(key, history)
    number = split(list(histories))
    sides = [root({key: one for key, one in histories.items() if bit(key, number) == side}) for side in (0, 1)]
    return sha256(b"tallystick/map/node\n", bytes([number]), *sides)


def path(histories: dict[bytes, list[tuple[int, bytes]]], key: bytes) -> tuple[bytes, list[tuple[int, bytes]]]:
    """The key of the leaf to which ``key`` leads, and the way there."""
    if len(histories) == 1:
        return next(iter(histories)), []
    number = split(list(histories))
    near = {one: history for one, history in histories.items() if bit(one, number) == bit(key, number)}
    far = {one: history for one, history in histories.items() if one not in near}
    reached, below = path(near, key)
    return reached, [(number, root(far)), *below]


def about(event: dict[str, Any]) -> tuple[set[str], set[str]]:
    """Own and named of an event; what looks like an identifier here is one."""
    if event["type"] in ("log.batch", "log.time", "log.map-root"):
        return set(), set()
    found: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, str) and value.startswith("10.") and "/" in value:
            found.add(value)
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            walk(inner)

    walk(event["body"])
    own = {event["subject"]} | {one for one in found if one == event["body"].get("target")}
    return own, found - own
