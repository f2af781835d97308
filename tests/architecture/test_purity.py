"""What import contracts cannot see in the core: clocks, chance, the environment, and the one door to the network."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.tree import PACKAGES, ROOT, files, parse, relative

# Whole modules of the standard library that bring in a clock, chance, a process or the network.
IMPURE_MODULES = {
    "asyncio", "ftplib", "http", "multiprocessing", "random", "secrets", "smtplib", "socket", "socketserver", "sqlite3",
    "ssl", "subprocess", "time", "urllib.request", "uuid", "webbrowser", "xmlrpc", "tallystick.client",
}  # fmt: skip
IMPURE_NAMES = {
    ("os", "environ"), ("os", "environb"), ("os", "getenv"), ("os", "urandom"), ("os", "system"), ("os", "popen"),
    ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"),
}  # fmt: skip
# The commands read the clock for a default that they print; the client is the named exception; both are the outer edge.
EDGE = ("tallystick/commands/", "tallystick/client/", "tallystick/__main__.py")


def impurities(tree: ast.Module) -> Iterator[str]:
    """`line: what` for each impure import or name, however deep in the module it stands."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            if any((node.module, alias.name) in IMPURE_NAMES for alias in node.names):
                yield f"{node.lineno}: {node.module}"
        elif isinstance(node, ast.Attribute):
            owner = node.value
            last = owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
            if (last, node.attr) in IMPURE_NAMES:
                yield f"{node.lineno}: {last}.{node.attr}"
        for name in names:
            if any(name == impure or name.startswith(impure + ".") for impure in IMPURE_MODULES):
                yield f"{node.lineno}: {name}"


def core_files() -> list[Path]:
    return [path for path in files(".py") if relative(path).startswith("tallystick/")]


def test_the_core_has_no_clock_chance_or_environment() -> None:
    inner = [path for path in core_files() if not relative(path).startswith(EDGE)]
    assert ROOT / "tallystick" / "merkle.py" in inner
    assert [f"{relative(path)}:{found}" for path in inner for found in impurities(parse(path))] == []


def test_only_the_client_opens_the_door_to_the_network() -> None:
    network = {"http", "socket", "ssl", "urllib.request", "tallystick.client"}
    edge = [path for path in core_files() if not relative(path).startswith("tallystick/client/")]
    found = [(relative(path), what.split(": ")[1]) for path in edge for what in impurities(parse(path))]
    assert [(path, name) for path, name in found if any(name == n or name.startswith(n + ".") for n in network)] == []


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "from time import monotonic",
        "def f():\n    import random",
        "from urllib.request import urlopen",
        "from urllib import request",
        "import urllib.request",
        "from tallystick import client",
        "from tallystick.client.http import get",
        "from os import environ",
        "import os\nx = os.environ['A']",
        "import os\nx = os.urandom(4)",
        "import datetime\nx = datetime.datetime.now()",
        "from datetime import datetime\nx = datetime.now",
        "from datetime import date\nx = date.today()",
    ],
)
def test_each_impurity_is_seen(source: str) -> None:
    assert list(impurities(ast.parse(source)))


@pytest.mark.parametrize(
    "source", ["from urllib.parse import quote", "import os.path", "from datetime import datetime", "import timeit"]
)
def test_harmless_imports_pass(source: str) -> None:
    assert list(impurities(ast.parse(source))) == []


@pytest.mark.parametrize("package", [name for name in PACKAGES if (ROOT / name).is_dir()])
def test_packages_come_from_this_tree(package: str) -> None:
    """A package of the same name that somebody installed must not be tested in our place."""
    assert importlib.import_module(package).__file__ == str(ROOT / package / "__init__.py")


def test_every_core_module_imports_alone() -> None:
    """No module is a leftover that nothing can load."""
    import tallystick

    names = [module.name for module in pkgutil.walk_packages(tallystick.__path__, "tallystick.")]
    assert "tallystick.merkle" in names
    for name in names:
        if not name.startswith("tallystick.client") and not name.endswith("__main__"):
            importlib.import_module(name)
