"""Other people's logs in Python: pymerkle on SQLite, merkletools in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pymerkle import SqliteTree

from tools import outsiders


def pymerkle(folder: Path, batches: Sequence[Sequence[bytes]], roots: bool) -> SqliteTree:
    """A tree in a file, a commit a batch; with ``roots``, the root after each."""
    tree = SqliteTree(str(folder / "pymerkle.sqlite"), algorithm="sha256")
    for batch in batches:
        tree.append_entries(batch)
        if roots:
            tree.get_root()
    return tree


def merkletools(batches: Sequence[Sequence[bytes]]) -> Any:
    """In memory alone, the whole tree built again for the root after each batch: it knows no other way."""
    tree = outsiders.merkletools().MerkleTools("sha256")
    for batch in batches:
        tree.add_leaf([hashlib.sha256(entry).hexdigest() for entry in batch])
        tree.make_tree()
        tree.get_merkle_root()
    return tree
