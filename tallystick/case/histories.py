"""Histories by the map, as a case holds them: proofs under each root, audits, and entries beside those of the case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tallystick import canonical
from tallystick.case.model import MAP_PROOFS, MAX_ENTRIES, MapIndex, leaf_index
from tallystick.errors import MalformedInput
from tallystick.lazy_dataclass import dataclass
from tallystick.map import NAMED, OWN, MapProof, Relation
from tallystick.map.audit import MAX_AUDIT_BYTES
from tallystick.map.proof import read_proof
from tallystick.schema import text
from tallystick.statement import MAX_ENTRY_BYTES, Statement, parse_statement
from tallystick.versions import require_version

MAX_MAP_PROOFS_BYTES = 1 << 26
VERSION = 1
"""Of ``map/proofs.json``."""

_TEXT = text(255)
Proofs = dict[int, dict[tuple[Relation, str], MapProof]]
Read = Callable[[str, int], bytes]


@dataclass(frozen=True)
class CaseMap:
    """proofs: by (relation, text), under the position of each root. audits: notes, of which nothing is read yet.

    others: entries that a history has and that are none of the case's entries, by leaf index.
    """

    proofs: Proofs
    audits: tuple[bytes, ...]
    others: Mapping[int, Statement]


def encode_map_proofs(proofs: Mapping[int, Mapping[tuple[Relation, str], MapProof]]) -> bytes:
    """``map/proofs.json``."""
    roots = {
        str(position): {
            relation: {text: proof.value() for (one, text), proof in held.items() if one == relation}
            for relation in (OWN, NAMED)
        }
        for position, held in proofs.items()
    }
    return canonical.encode({"v": VERSION, "roots": roots})


def read_map_proofs(data: bytes) -> Proofs:
    """Inverse of ``encode_map_proofs``. Raises ``MalformedInput``; for a later version ``UnknownVersion``."""
    value = canonical.decode(data, MAX_MAP_PROOFS_BYTES)
    require_version(value, MAP_PROOFS, VERSION)
    if not isinstance(value, dict) or set(value) != {"v", "roots"} or not isinstance(value["roots"], dict):
        raise MalformedInput("expected v and roots")
    found: Proofs = {}
    for position, held in value["roots"].items():
        if leaf_index(position) is None or not isinstance(held, dict) or set(held) != {OWN, NAMED}:
            raise MalformedInput("expected own and named under the position of a root")
        found[int(position)] = {
            (relation, text): proof for relation in (OWN, NAMED) for text, proof in _read_some(held[relation])
        }
    return found


def _read_some(value: Any) -> list[tuple[str, MapProof]]:
    if not isinstance(value, dict) or len(value) > MAX_ENTRIES:
        raise MalformedInput(f"expected at most {MAX_ENTRIES} proofs by what they are about")
    for one in value:
        _TEXT.check(one)
    return [(one, read_proof(proof)) for one, proof in value.items()]


def read_map(index: MapIndex, positions: Mapping[int, str], read: Read) -> CaseMap:
    """The members of a case's map; ``positions``: the names of its own entries. ``read``: as ``Members.read``."""
    proofs = read_map_proofs(read(MAP_PROOFS, MAX_MAP_PROOFS_BYTES))
    if tuple(sorted(proofs)) != index.roots:
        raise MalformedInput(f"{MAP_PROOFS} has proofs under other roots than the index names")
    audits = tuple(read(f"data/map/audits/{number}.note", MAX_AUDIT_BYTES) for number in index.audits)
    others = {at: parse_statement(read(name, MAX_ENTRY_BYTES)) for at, name in sorted(positions.items())}
    return CaseMap(proofs, audits, others)
