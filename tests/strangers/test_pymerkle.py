"""PyPI ``pymerkle``: roots of a published log from its entries. Its proofs are in a form of its own."""

from __future__ import annotations

from pymerkle import InmemoryTree

from tests.strangers.conftest import Served


def test_it_computes_the_root_of_every_published_size(served: Served) -> None:
    tree = InmemoryTree(algorithm="sha256")
    for position in range(served.head.size):
        tree.append_entry(served.entry(position))
    assert [tree.get_root(head.size) for head in served.heads] == [head.root for head in served.heads]


def test_one_bit_of_one_entry_gives_another_root(served: Served) -> None:
    head = served.heads[0]
    entries = [served.entry(position) for position in range(head.size)]
    entries[1] = entries[1][:-1] + bytes([entries[1][-1] ^ 1])
    tree = InmemoryTree(algorithm="sha256")
    for entry in entries:
        tree.append_entry(entry)
    assert tree.get_root(head.size) != head.root
