"""Contracts with one check taken out, and the test that must see it; `docs/contracts.md` shows this table.

A test runs against one by ``CONTRACTS_UNDER_TEST=<folder made by make> pytest …``; ``test_mutants`` does that.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from contracts.build import CONTRACTS, HERE, compile_artefact, render


@dataclass(frozen=True)
class Mutant:
    """The ``nth`` line of ``source`` that holds ``line`` becomes ``new``. ``killer``: a test below tests/contracts."""

    name: str
    source: str
    line: str
    killer: str
    nth: int = 1
    new: str = "pass"


COURT, MATHS, SIGNED, REGISTRY = "ForkCourt.vy", "rfc6962.vy", "checkpoint.vy", "AnchorRegistry.vy"
_SWAPPED = "self.conviction[defendant] = keccak256(abi_encode(second.size, second.root, first.size, first.root))"

MUTANTS = (
    Mutant("sizes-differ", COURT, "the sizes differ", "test_court.py::test_two_sizes_are_no_two_roots_of_one"),
    Mutant("same-root", COURT, "the roots are the same", "test_court.py::test_the_same_checkpoint_twice_is_no_crime"),
    Mutant("consistent", COURT, "the checkpoints are consistent", "test_court.py::test_growth_is_no_crime"),
    Mutant("same-leaf", COURT, "the leaves are the same", "test_court.py::test_the_same_checkpoint_twice_is_no_crime"),
    Mutant(
        "first-leaf-proof",
        COURT,
        "_check_inclusion(first_leaf",
        "test_court.py::test_a_leaf_of_another_index_is_not_shown_at_this_one",
    ),
    Mutant("second-leaf-proof", COURT, "_check_inclusion(second_leaf", "test_court.py::test_an_inner_node_is_no_leaf"),
    Mutant(
        "two-authorities",
        COURT,
        "two authorities signed",
        "test_court.py::test_two_authorities_of_one_origin_convict_neither",
    ),
    Mutant(
        "convict-again",
        COURT,
        "if self.conviction[defendant] == empty(bytes32)",
        "test_court.py::test_a_second_conviction_changes_nothing",
        new="if True:",
    ),
    Mutant(
        "commitment-swapped",
        COURT,
        "self.conviction[defendant] = keccak256",
        "test_court.py::test_one_size_with_two_roots_convicts",
        new=_SWAPPED,
    ),
    Mutant(
        "root-mismatch",
        MATHS,
        '"root mismatch"',
        "test_court.py::test_a_leaf_of_another_index_is_not_shown_at_this_one",
    ),
    Mutant(
        "new-root-mismatch",
        MATHS,
        "new root mismatch",
        "test_anchor.py::test_a_fork_spliced_onto_the_true_old_root_is_refused",
    ),
    Mutant(
        "consistency-hash-too-few",
        MATHS,
        'assert sn == 0, "proof length"',
        "test_anchor.py::test_a_proof_of_another_length_is_refused",
    ),
    Mutant(
        "consistency-hash-too-many",
        MATHS,
        'assert sn != 0, "proof length"',
        "test_anchor.py::test_a_proof_of_another_length_is_refused",
    ),
    Mutant(
        "inclusion-hash-too-few",
        MATHS,
        'assert sn == 0, "proof length"',
        "test_court.py::test_an_inner_node_is_no_leaf",
        2,
    ),
    Mutant(
        "inclusion-hash-too-many",
        MATHS,
        'assert sn != 0, "proof length"',
        "test_anchor.py::test_inclusion_failures_are_told_apart",
        2,
    ),
    Mutant("size-must-grow", MATHS, "size must grow", "test_court.py::test_the_same_checkpoint_twice_is_no_crime"),
    Mutant(
        "empty-tree",
        MATHS,
        '"empty tree"',
        "test_court.py::test_an_empty_tree_and_one_too_large_are_not_judged_by_proofs",
    ),
    Mutant(
        "index-outside",
        MATHS,
        "index outside the tree",
        "test_court.py::test_a_leaf_of_another_index_is_not_shown_at_this_one",
    ),
    Mutant(
        "consistency-size-too-large",
        MATHS,
        "size too large",
        "test_court.py::test_an_empty_tree_and_one_too_large_are_not_judged_by_proofs",
    ),
    Mutant(
        "inclusion-size-too-large",
        MATHS,
        "size too large",
        "test_anchor.py::test_inclusion_failures_are_told_apart",
        2,
    ),
    Mutant("signature-length", SIGNED, "signature length", "test_court.py::test_a_forged_signature_convicts_nobody"),
    Mutant("signature-v", SIGNED, '"signature v"', "test_anchor.py::test_a_signature_in_any_other_form_is_refused"),
    Mutant("malleable-signature", SIGNED, '"signature s"', "test_court.py::test_a_forged_signature_convicts_nobody"),
    Mutant(
        "signature-of-nobody",
        SIGNED,
        "signature of nobody",
        "test_court.py::test_a_forged_signature_convicts_nobody",
    ),
    Mutant(
        "first-relay-by-a-stranger",
        REGISTRY,
        "signature is not the authority's",
        "test_anchor.py::test_only_the_first_authority_begins_its_log",
    ),
    Mutant(
        "first-relay-with-a-proof",
        REGISTRY,
        '"proof length"',
        "test_anchor.py::test_the_first_anchor_carries_no_proof",
    ),
    Mutant(
        "begin-again", REGISTRY, "already anchored", "test_anchor.py::test_an_anchor_from_an_older_checkpoint_is_stale"
    ),
    Mutant(
        "begin-empty", REGISTRY, "size must grow", "test_anchor.py::test_a_smaller_size_and_an_empty_tree_are_refused"
    ),
    Mutant(
        "begin-too-large", REGISTRY, "size too large", "test_anchor.py::test_sizes_beyond_the_highest_tree_are_refused"
    ),
    Mutant(
        "compare-and-swap",
        REGISTRY,
        "(old_size, old_root, authority), STALE",
        "test_anchor.py::test_a_fork_is_refused_and_the_honest_anchor_still_succeeds",
    ),
    Mutant(
        "rotation-of-another-slot",
        REGISTRY,
        "(size, root, authority), STALE",
        "test_rotation.py::test_the_old_authority_moves_nothing_any_more",
    ),
    Mutant(
        "rotation-not-accepted",
        REGISTRY,
        "acceptance is not the successor's",
        "test_rotation.py::test_a_successor_that_did_not_accept_gets_nothing",
    ),
    Mutant(
        "rotation-to-itself",
        REGISTRY,
        "the successor is the authority",
        "test_rotation.py::test_an_authority_does_not_succeed_itself",
    ),
    Mutant(
        "rotation-back",
        REGISTRY,
        "the successor was replaced before",
        "test_rotation.py::test_a_replaced_authority_never_comes_back",
    ),
    Mutant(
        "retired-unrecorded",
        REGISTRY,
        "self.retired[log_id][authority] = True",
        "test_rotation.py::test_a_replaced_authority_never_comes_back",
    ),
    Mutant(
        "logged-in-another-tree",
        REGISTRY,
        "(size, root, authority), STALE",
        "test_anchor.py::test_a_leaf_is_logged_where_the_slot_holds_its_tree",
        2,
    ),
)


def make(mutant: Mutant, folder: Path) -> None:
    """Sources with the change in them, and their artefacts, in ``folder``, which is not there yet."""
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / mutant.source
    lines = path.read_text(encoding="utf-8").split("\n")
    at = [number for number, line in enumerate(lines) if mutant.line in line][mutant.nth - 1]
    indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
    lines[at] = indent + mutant.new
    path.write_text("\n".join(lines), encoding="utf-8")
    for contract in CONTRACTS:
        artefact = render(compile_artefact(folder / contract.name))
        (folder / f"{contract.stem}.json").write_text(artefact, encoding="utf-8")
