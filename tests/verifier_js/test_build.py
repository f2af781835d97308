"""What is built is the same bytes wherever it is built, and says whose software is in it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from tests.verifier_js.both import PATIENCE, ROOT, Second
from tools import outsiders

SOURCE = ROOT / "verifier-js"


def test_two_builds_in_two_places_are_one_file(second: Second, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "deeper"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("node_modules", "dist"))
    (copy / "node_modules").symlink_to(outsiders.npm_packages("verifier") / "node_modules")
    command = [str(second.node), str(copy / "build.mjs"), str(copy / "made")]
    subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE, cwd=tmp_path)
    for name in ("verifier.html", "cli.mjs"):
        assert (copy / "made" / name).read_bytes() == (second.folder / name).read_bytes(), name


def test_a_changed_source_is_another_file(second: Second, tmp_path: Path) -> None:
    copy = tmp_path / "changed"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("node_modules", "dist"))
    (copy / "node_modules").symlink_to(outsiders.npm_packages("verifier") / "node_modules")
    source = copy / "src" / "steps" / "step10.ts"
    before = source.read_text()
    source.write_text(before.replace("the case has no anchor", "the case brings no anchor"))
    assert source.read_text() != before
    subprocess.run([str(second.node), str(copy / "build.mjs"), str(copy / "made")], check=True, timeout=PATIENCE)
    assert (copy / "made" / "verifier.html").read_bytes() != (second.folder / "verifier.html").read_bytes()


def test_the_page_names_no_machine_and_carries_the_licences_of_what_is_in_it(page: Path) -> None:
    text = page.read_text()
    for place in (str(ROOT), str(outsiders.HOME), "/tmp/"):
        assert place not in text
    for package in ("@noble/curves", "@noble/hashes", "@noble/post-quantum"):
        version = json.loads((SOURCE / "package.json").read_text())["dependencies"][package]
        assert f"{package} {version}\n\nThe MIT License (MIT)" in text


def test_the_lock_names_no_registry() -> None:
    lock = json.loads((SOURCE / "package-lock.json").read_text())
    for name, package in lock["packages"].items():
        assert "resolved" not in package, name
        assert "funding" not in package, name
    assert "://" not in json.dumps(lock)
