"""The wheel needs nothing but what it asks for: no server package and no checkout."""

from __future__ import annotations

import subprocess
from pathlib import Path

IMPORT_ALL = """
import importlib, pkgutil, sys
import tallystick
for module in pkgutil.walk_packages(tallystick.__path__, "tallystick."):
    if not module.name.startswith("tallystick.client") and not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(len([name for name in sys.modules if name.startswith("tallystick.")]), tallystick.__file__)
"""
SERVER = ("fastapi", "sqlmodel", "web3", "httpx", "pydantic", "typer", "PIL", "api", "ledger", "pip")


def run(python: Path, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([python, "-I", "-c", code], cwd=python.parent, capture_output=True, text=True)


def test_the_bare_environment_is_bare(bare_python: Path) -> None:
    probe = f"import importlib.util as u; print([n for n in {SERVER!r} if u.find_spec(n)])"
    assert run(bare_python, probe).stdout == "[]\n"


def test_every_module_of_the_wheel_imports_there(bare_python: Path) -> None:
    done = run(bare_python, IMPORT_ALL)
    assert done.stderr == ""
    count, where = done.stdout.split()
    assert int(count) > 10
    assert where.startswith(str(bare_python.parent.parent))
