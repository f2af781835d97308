"""The runs that several tests look at."""

from __future__ import annotations

import pytest

from tests.architecture.tree import ROOT
from tests.demo import runs

TEAPOT = ROOT.parent / "shared" / "data" / "teapot"


@pytest.fixture(scope="session")
def notes(tmp_path_factory: pytest.TempPathFactory) -> runs.Run:
    return runs.notes_run(tmp_path_factory)


@pytest.fixture(scope="session")
def lantern(tmp_path_factory: pytest.TempPathFactory) -> runs.Run:
    return runs.lantern_run(tmp_path_factory)


@pytest.fixture(scope="session")
def single(tmp_path_factory: pytest.TempPathFactory) -> runs.Run:
    return runs.single_run(tmp_path_factory)


@pytest.fixture(scope="session")
def teapot(tmp_path_factory: pytest.TempPathFactory) -> runs.Run:
    if not TEAPOT.is_dir():
        pytest.skip("the teapot does not lie beside this checkout")
    return runs.teapot_run(tmp_path_factory, TEAPOT)
