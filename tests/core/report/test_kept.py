"""Renderings of the kept bundles stay what they were, until a change of them is meant and looked at."""

from __future__ import annotations

import pytest

from tests.core.report.kept import HERE, renderings


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return renderings()


def test_each_rendering_is_kept_and_no_other(made: dict[str, str]) -> None:
    assert {path.name for path in HERE.iterdir() if path.suffix in (".txt", ".html")} == set(made)


@pytest.mark.parametrize("name", sorted(path.name for path in HERE.iterdir() if path.suffix in (".txt", ".html")))
def test_it_is_what_it_was(name: str, made: dict[str, str]) -> None:
    """Meant? ``python -m tests.core.report.kept``, and look at the difference as a judge would."""
    assert made[name].splitlines() == (HERE / name).read_text(encoding="utf-8").splitlines()
