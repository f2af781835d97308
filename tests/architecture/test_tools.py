"""The tools that a newcomer meets first: the bootstrap of .venv, and the rule that no test is left out unnoticed."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.architecture.tree import ROOT

SKIPPING = "import pytest\n\ndef test_left_out():\n    pytest.skip('no reason')\n\ndef test_done():\n    pass\n"


def run_bootstrap(folder: Path, *python: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *(python or ["tools/bootstrap.py"]), "runtime"],
        cwd=folder,
        env={**os.environ, "PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "0", "PIP_NO_CACHE_DIR": "1", **environment},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a lock of one package."""
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "bootstrap.py", tmp_path / "tools")
    line = f"six==1.17.0 \\\n    --hash=sha256:{'0' * 64}\n    # via nothing\n"
    for lock in ("requirements.lock", "requirements-dev.lock"):
        (tmp_path / lock).write_text(line)
    (tmp_path / "pyproject.toml").write_text("")
    return tmp_path


def test_no_network_is_one_sentence(checkout: Path) -> None:
    done = run_bootstrap(checkout, PIP_INDEX_URL="http://127.0.0.1:9/simple")
    assert done.returncode == 1
    assert done.stdout == "tallystick: installing 1 packages (first time only) ...\n"
    assert done.stderr.startswith("tallystick: the package index cannot be reached")
    assert len(done.stderr.splitlines()) == 1


def test_an_old_python_is_one_sentence(checkout: Path) -> None:
    pretend = (
        "import sys, runpy; sys.version_info = (3, 8, 0); runpy.run_path('tools/bootstrap.py', run_name='__main__')"
    )
    done = run_bootstrap(checkout, "-c", pretend)
    assert done.returncode == 1
    assert done.stderr.startswith("tallystick: Python 3.11 or later is needed")
    assert not (checkout / ".venv").exists()


@pytest.fixture
def bootstrap(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The tool in a checkout whose locks differ, with what it asks of pip noted down in ``asked``."""
    monkeypatch.chdir(checkout)
    (checkout / "requirements-dev.lock").write_text("dev 1")
    (checkout / ".venv").mkdir()
    spec = importlib.util.spec_from_file_location("bootstrap_tool", checkout / "tools" / "bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    tool.asked = []
    monkeypatch.setattr(tool, "pip", lambda arguments, task: tool.asked.append(arguments[-1]))
    return tool


def test_a_lock_is_installed_once(bootstrap: ModuleType) -> None:
    bootstrap.install_lock("runtime")
    bootstrap.install_lock("runtime")
    assert bootstrap.asked == ["requirements.lock"]


def test_the_development_lock_serves_both(bootstrap: ModuleType) -> None:
    for kind in ("runtime", "dev", "runtime", "dev"):
        bootstrap.install_lock(kind)
    assert bootstrap.asked == ["requirements.lock", "requirements-dev.lock"]


def test_a_changed_lock_is_installed_again(bootstrap: ModuleType) -> None:
    bootstrap.install_lock("dev")
    Path("requirements-dev.lock").write_text("dev 2")
    bootstrap.install_lock("runtime")
    # The versions of "dev 1" are no longer what stands in .venv, so going back to it must install it again.
    Path("requirements-dev.lock").write_text("dev 1")
    bootstrap.install_lock("dev")
    assert bootstrap.asked == ["requirements-dev.lock", "requirements.lock", "requirements-dev.lock"]


def run_skipping(folder: Path, leave: str, *arguments: str, strict: str = "1") -> subprocess.CompletedProcess[str]:
    shutil.copy(ROOT / "tests" / "conftest.py", folder)
    (folder / "allowed-skips.txt").write_text(leave)
    (folder / "test_it.py").write_text(SKIPPING)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), *arguments],
        cwd=folder,
        env={**os.environ, "TALLYSTICK_NO_SKIPS": strict},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("arguments", [(), ("-n", "1")])
def test_a_skip_without_leave_fails_the_run(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = run_skipping(tmp_path, "# none\n", *arguments)
    assert done.returncode == 1
    assert "skipped without leave in allowed-skips.txt: test_it.py::test_left_out" in done.stdout


def test_a_skip_with_leave_passes(tmp_path: Path) -> None:
    assert run_skipping(tmp_path, "test_it.py::test_left_out  # needs a second moon\n").returncode == 0


def test_leave_without_a_reason_is_refused(tmp_path: Path) -> None:
    done = run_skipping(tmp_path, "test_it.py::test_left_out\n")
    assert done.returncode != 0
    assert "no reason given for 'test_it.py::test_left_out'" in done.stdout + done.stderr


def test_by_hand_a_skip_is_only_shown(tmp_path: Path) -> None:
    assert run_skipping(tmp_path, "", strict="").returncode == 0
