"""Other people's software is installed once, again when its lock changes, and its absence is one sentence."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tools import outsiders


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that would have been run, in a checkout of its own."""
    (tmp_path / "npm").mkdir()
    for name in ("package.json", "package-lock.json"):
        (tmp_path / "npm" / name).write_text("{}")
    for name in ("merkletools", "node"):
        (tmp_path / f"requirements-{name}.lock").write_text(f"{name}==1")
    commands: list[list[str]] = []
    monkeypatch.setattr(outsiders, "ROOT", tmp_path)
    monkeypatch.setattr(outsiders, "HOME", tmp_path / "outsiders")
    monkeypatch.setattr(outsiders, "NPM", {"strangers": tmp_path / "npm"})
    monkeypatch.setattr(outsiders, "_run", lambda command, *_: commands.append(command))
    return commands


def put(folder: Path, name: str, says: str) -> None:
    """A command on the PATH."""
    path = folder / name
    path.write_text(f"#!/bin/sh\necho {says}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_a_library_is_installed_once_and_with_hashes_alone(asked: list[list[str]], tmp_path: Path) -> None:
    for _ in range(2):
        assert outsiders.python_library("merkletools") == tmp_path / "outsiders" / "merkletools"
    (command,) = asked
    assert {"--require-hashes", "--no-deps"} < set(command)
    (tmp_path / "requirements-merkletools.lock").write_text("merkletools==2")
    outsiders.python_library("merkletools")
    assert len(asked) == 2


def test_what_failed_is_tried_again(asked: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise outsiders.Unavailable("no network")

    with monkeypatch.context() as broken:
        broken.setattr(outsiders, "_run", fail)
        with pytest.raises(outsiders.Unavailable, match="no network"):
            outsiders.npm_packages("strangers")
    outsiders.npm_packages("strangers")
    assert len(asked) == 1


def test_npm_runs_no_script_of_a_package(asked: list[list[str]]) -> None:
    outsiders.npm_packages("strangers")
    assert {"ci", "--ignore-scripts"} < set(asked[-1])


def test_the_second_verifier_is_built_with_its_packages_and_by_nothing_of_theirs(
    asked: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outsiders, "NPM", {"verifier": tmp_path / "npm"})
    (tmp_path / "npm" / "node_modules").symlink_to(tmp_path / "gone")
    for _ in range(2):
        assert outsiders.verifier() == tmp_path / "npm" / "dist"
        (tmp_path / "outsiders" / "npm-verifier" / "node_modules").mkdir(exist_ok=True)
    install, *builds = (command for command in asked if "pip" not in command)
    assert {"ci", "--ignore-scripts"} < set(install)
    assert [command[1:] for command in builds] == [
        [str(tmp_path / "npm" / "build.mjs"), str(tmp_path / "npm" / "dist")]
    ] * 2
    assert (tmp_path / "npm" / "node_modules").readlink() == tmp_path / "outsiders" / "npm-verifier" / "node_modules"


@pytest.mark.parametrize("says", ["v20.16.9", "v8.0.0", "nonsense", "v22.9.0"])
def test_a_node_that_is_too_old_is_not_used(
    asked: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str
) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    put(tools, "node", says)
    put(tools, "npm", "10")
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}/bin")
    new_enough = says == "v22.9.0"
    assert (outsiders.node() == tools / "node") is new_enough
    assert len(asked) == (0 if new_enough else 1)


def test_a_command_that_fails_is_told_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(outsiders.Unavailable, match=r"asking failed; check the network.*\n.*cannot"):
        outsiders._run(["/bin/sh", "-c", "echo cannot >&2; exit 3"], "asking", tmp_path)


# --- the browser ---------------------------------------------------------------------------


@pytest.fixture
def bare(asked: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with apt and root, and without a browser; what is put into the folder is on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    put(folder, "apt-get", "")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return folder


def test_a_browser_that_is_there_is_taken(asked: list[list[str]], bare: Path) -> None:
    put(bare, "chromium", "156")
    assert outsiders.browser() == bare / "chromium"
    assert asked == []


def test_root_gets_the_browser_of_debian_after_an_update(
    asked: list[list[str]], bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(command: list[str], *_: object) -> None:
        asked.append(command[1:])
        if "install" in command:
            put(bare, "chromium", "156")

    monkeypatch.setattr(outsiders, "_run", run)
    assert [outsiders.browser(), outsiders.browser()] == [bare / "chromium"] * 2
    assert asked == [["update", "-qq"], ["install", "-qq", "-y", "--no-install-recommends", "chromium"]]


def test_without_root_or_apt_the_remedy_is_said(
    asked: list[list[str]], bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bare / "apt-get").unlink()
    with pytest.raises(outsiders.NotOurs, match="sudo apt-get install chromium"):
        outsiders.browser()
    put(bare, "apt-get", "")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(outsiders.NotOurs, match="sudo apt-get install chromium"):
        outsiders.browser()
    assert asked == []


def test_an_installation_that_brings_no_browser_is_no_reason_to_leave_tests_out(bare: Path) -> None:
    with pytest.raises(outsiders.Unavailable, match="no `chromium` on the PATH") as caught:
        outsiders.browser()
    assert not isinstance(caught.value, outsiders.NotOurs)


def test_make_goes_on_without_a_browser_that_is_not_ours_to_install(
    asked: list[list[str]], bare: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["outsiders.py", "strangers", "browser"])
    assert outsiders.main() == 1
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert outsiders.main() == 0
    assert "sudo apt-get install chromium" in capsys.readouterr().err
