"""The verifiable map: for each identifier the whole list of entries about it, or that there is none (docs/map.md).

Pure: digests and proofs here know no store. ``MemoryMap`` replays entries; the ledger keeps a map on disk.
"""

from tallystick.map.about import NAMED, OWN, About, Relation, about
from tallystick.map.memory import MemoryMap
from tallystick.map.proof import EMPTY_ROOT, Leaf, MapProof, MapProofFailed, key_of, link, prove_answer

__all__ = [
    "EMPTY_ROOT",
    "NAMED",
    "OWN",
    "About",
    "Leaf",
    "MapProof",
    "MapProofFailed",
    "MemoryMap",
    "Relation",
    "about",
    "key_of",
    "link",
    "prove_answer",
]
