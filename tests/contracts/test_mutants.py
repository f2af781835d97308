"""A check that is taken out of a contract is missed: each by the test that the table of docs/contracts.md names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contracts.mutants import MUTANTS, Mutant, make
from tests.docs.pages import page, section, table

ROOT = Path(__file__).parents[2]


def judged(tests: list[str], contracts: Path | None) -> subprocess.CompletedProcess[str]:
    """These tests, run on other contracts than the committed ones (None: on those)."""
    given = [f"tests/contracts/{test}" for test in tests]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *given],
        cwd=ROOT,
        env={**os.environ, "CONTRACTS_UNDER_TEST": "" if contracts is None else str(contracts)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def check_killed(mutant: Mutant, folder: Path) -> None:
    make(mutant, folder / "contracts")
    done = judged([mutant.killer], folder / "contracts")
    assert done.returncode == 1, f"{mutant.name} survives {mutant.killer}:\n{done.stdout[-1500:]}"
    assert f"FAILED tests/contracts/{mutant.killer}" in done.stdout


def test_a_conviction_by_two_sizes_is_missed(tmp_path: Path) -> None:
    check_killed(MUTANTS[0], tmp_path)


@pytest.mark.exhaustive
@pytest.mark.parametrize("mutant", MUTANTS[1:], ids=lambda mutant: mutant.name)
def test_every_check_that_is_taken_out_is_missed(mutant: Mutant, tmp_path: Path) -> None:
    check_killed(mutant, tmp_path)


@pytest.mark.exhaustive
def test_the_same_tests_pass_on_the_committed_contracts() -> None:
    done = judged(sorted({mutant.killer for mutant in MUTANTS}), None)
    assert done.returncode == 0, done.stdout[-1500:]


def test_the_document_shows_the_table() -> None:
    told = [tuple(cell.strip("`") for cell in row) for row in table(section(page("contracts.md"), "Mutants"))]
    assert told == [(one.source, one.name, one.killer.replace(".py::", "::")) for one in MUTANTS]
