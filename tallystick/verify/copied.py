"""The reader's own copy of the log, gone through once: the histories that its entries give, and the roots of the map.

Loaded only where a reader brings one. Steps 9 and 13 hold what the bundle shows against it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tallystick.checkpoint import Checkpoint
from tallystick.errors import MalformedInput
from tallystick.map import NAMED, OWN, MemoryMap
from tallystick.merkle import CompactRange, leaf_hash
from tallystick.statement import parse_statement
from tallystick.verify.whole import FILED_ASIDE, Root, Shown, Wanted, root_stated

if TYPE_CHECKING:
    from tallystick.verify.examination import Examination


def read_copy(ex: Examination) -> Copied | None:
    """``None``: there is no copy, or its first entries are not those of the case's tree, whose head holds."""
    if ex.copy is None or ex.head is None:
        return None
    stated = [root_stated(ex, at) for at in (ex.case.map.proofs if ex.case.map else ())]
    found = Copied([root for root in stated if root is not None], ex.whole.wanted)
    return found if found.run(ex.copy(), ex.head) else None


class Copied:
    """Takes all entries of a tree; ``wrong``: roots that are stated otherwise (position, stated, found).

    aside: positions of those in the histories that may be left out for what they are (``FILED_ASIDE``).
    """

    def __init__(self, roots: Iterable[Root], asked: Iterable[Wanted]) -> None:
        self._roots = {root.size: root for root in roots}
        self._asked = set(asked)
        self.histories: Shown = {}
        self.wrong: list[tuple[int, bytes, bytes]] = []
        self.aside: set[int] = set()

    def run(self, entries: Iterable[bytes], head: Checkpoint) -> bool:
        """Whether the entries are those of the tree of ``head``."""
        tree, found = CompactRange(), MemoryMap()
        self._compare(found)
        try:
            for entry in entries:
                if tree.size == head.size:
                    break
                leaf = leaf_hash(entry)
                told = found.take(entry)
                for one in (*((OWN, text) for text in told.own), *((NAMED, text) for text in told.named)):
                    if one in self._asked:
                        self.histories.setdefault(one, []).append((tree.size, leaf))
                        if _is_filed_aside(entry):
                            self.aside.add(tree.size)
                tree.append(leaf)
                self._compare(found)
        except (MalformedInput, OSError):
            return False
        return (tree.size, tree.root()) == (head.size, head.root)

    def gives(self, wanted: Iterable[Wanted], shown: Shown) -> bool:
        """Whether exactly these entries are shown of each history, and no root that is shown is wrong."""
        return not self.wrong and all(self.histories.get(one, []) == shown.get(one, []) for one in wanted)

    def _compare(self, found: MemoryMap) -> None:
        root = self._roots.get(found.size)
        if root is not None and (computed := found.root()) != root.root:
            self.wrong.append((root.position, root.root, computed))


def _is_filed_aside(entry: bytes) -> bool:
    try:
        return parse_statement(entry).event.type == FILED_ASIDE
    except MalformedInput:
        return False
