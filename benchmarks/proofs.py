"""Proofs of a tree of 24 levels verified, and what proofs cost the others."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from pymerkle import verify_inclusion as pymerkle_verify

from benchmarks import entries
from benchmarks.harness import Bench, Row
from benchmarks.marks import MICROS
from benchmarks.peers import hypercore, merkle
from tallystick.merkle import leaf_hash, root_from_inclusion, verify_inclusion

SIZE, INDEX = (1 << 24) - 5, 9_876_543
_MADE = "inclusion proof made, by the others"


def benchmark(bench: Bench) -> Iterator[Row]:
    """Ours is held against the root that the path itself leads to: the work is that of a real log."""
    leaf, path = leaf_hash(b"entry"), [leaf_hash(bytes([level])) for level in range(24)]
    root = root_from_inclusion(leaf, INDEX, SIZE, path)
    ours = bench.each(lambda: verify_inclusion(leaf, INDEX, SIZE, path, root))
    made, verified = _others(bench)
    yield Row("inclusion proof verified, 24 nodes", ours * 1e6, MICROS, verified)
    yield Row(_MADE, None, MICROS, made, "ours, from disk, stand with the log that grew")


def _others(bench: Bench) -> tuple[dict[str, float], dict[str, float]]:
    """Microseconds to make and to verify a proof, in trees of as many leaves as each can take."""
    total = bench.scale.leaves
    tree = merkle.pymerkle(bench.fresh("pymerkle-proofs"), entries.batches(total), roots=False)
    root, leaf = tree.get_root(), tree.get_leaf(total // 2)
    proof = tree.prove_inclusion(total // 2, total)
    memory = merkle.merkletools(entries.batches(bench.scale.rebuilt))
    middle = bench.scale.rebuilt // 2
    steps, digest = memory.get_proof(middle), hashlib.sha256(entries.batch(middle, 1)[0]).hexdigest()
    if not memory.validate_proof(steps, digest, memory.get_merkle_root()):
        raise RuntimeError("merkletools does not verify its own proof")
    made = {
        "pymerkle": bench.each(lambda: tree.prove_inclusion(total // 2, total)),
        "merkletools (memory)": bench.each(lambda: memory.get_proof(middle)),
        "hypercore": hypercore.run(bench.fresh("hypercore-proofs"), total).proof,
    }
    verified = {
        "pymerkle": bench.each(lambda: pymerkle_verify(leaf, root, proof)),
        "merkletools": bench.each(lambda: memory.validate_proof(steps, digest, memory.get_merkle_root())),
    }
    tree.close()
    return {name: one * 1e6 for name, one in made.items()}, {name: one * 1e6 for name, one in verified.items()}
