"""docs/first-day.md is typed from top to bottom, on a service of its own; the Chinese page tells to type the same."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.process import Server
from tests.architecture.tree import ROOT

PAGES = {name: (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("first-day.md", "first-day.zh.md")}
ENGLISH, CHINESE = PAGES.values()
SERVE = ("make serve", "TALLYSTICK_AUDITORS=first-day/auditors make serve")
"""What is typed in the operator's terminal."""


def blocks(text: str) -> list[tuple[str, str]]:
    """What is to be typed, in order: ``sh`` and ``python`` fences, and ``operator`` for lines of the other terminal."""
    found = re.finditer(r"^```(sh|python)\n((?s:.*?))^```$|^    (\S.*)$", text, re.M)
    return [(match[1], match[2]) if match[1] else ("operator", match[3]) for match in found]


SESSION = """
import json, sys
names = {}
for line in sys.stdin:
    exec(json.loads(line), names)
    print("done", flush=True)
"""


class Day:
    """A terminal and a Python session in one folder; the operator's terminal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "first-day"
        self.server = Server(folder / "data", TALLYSTICK_MAP_SECONDS="1")
        self.kept = folder / "environment"
        self.session: subprocess.Popen[str] | None = None
        self.printed: list[str] = []
        (folder / "fixtures").symlink_to(ROOT / "fixtures")
        (folder / "demo").symlink_to(ROOT / "demo")
        (folder / ".venv" / "bin").mkdir(parents=True)
        path = f"{Path(sys.executable).parent}:$PATH"
        (folder / ".venv" / "bin" / "activate").write_text(f'export PATH="{path}" PYTHONPATH="{ROOT}"\n')

    def operator(self, line: str) -> None:
        """Start the service, or start it again with one more setting; the token is put where the page says."""
        if line == SERVE[0]:
            self.server.start()
            self.folder.mkdir()
            [token] = re.findall(r"ts_\S+", self.server.output)
            (self.folder / "registrar.token").write_text(token)
        else:
            assert line == SERVE[1]
            self.server.stop()
            self.server.start(TALLYSTICK_AUDITORS=str(self.folder / "auditors"))

    def sh(self, block: str) -> None:
        kept = f'[ ! -e "{self.kept}" ] || . "{self.kept}"\n'
        whole = f'{kept}{self._here(block)}\nexport -p > "{self.kept}"\n'
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", whole], cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (block, done.stdout, done.stderr)
        self.printed.append(done.stdout)

    def python(self, block: str) -> None:
        """As in one interactive session: each block sees what those before it made."""
        if self.session is None:
            self.session = subprocess.Popen(
                [sys.executable, "-c", SESSION], cwd=self.folder, text=True,
                env=os.environ | {"PYTHONPATH": str(ROOT), "TALLYSTICK_SERVER": self.server.url},
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
        assert self.session.stdin is not None
        assert self.session.stdout is not None
        self.session.stdin.write(json.dumps(block) + "\n")
        self.session.stdin.flush()
        said = []
        while (line := self.session.stdout.readline()) != "done\n":
            assert line, (block, "".join(said))
            said.append(line)

    def close(self) -> None:
        if self.session is not None:
            self.session.communicate()
        self.server.close()

    def _here(self, text: str) -> str:
        return text.replace("http://127.0.0.1:8000", self.server.url)


@pytest.fixture
def day(tmp_path: Path) -> Iterator[Day]:
    day = Day(tmp_path)
    try:
        yield day
    finally:
        day.close()


def test_the_day_can_be_typed(day: Day) -> None:
    for kind, block in blocks(ENGLISH):
        getattr(day, kind)(block)
    done = subprocess.run(
        [sys.executable, "-m", "tallystick", "verify", "case.zip", "--trust", "trust.json", "--json"],
        cwd=day.folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    report = json.loads(done.stdout)
    outcomes = {one["id"]: one["outcome"] for one in report["claims"]}
    assert report["verdict"] == "proved"
    assert outcomes["completeness"] == "proved"
    assert outcomes["credential"] == "proved"
    assert "无" in (day.folder / "report.html").read_text(encoding="utf-8")


def test_both_pages_tell_to_type_the_same() -> None:
    assert [kind for kind, _ in blocks(ENGLISH)].count("operator") == len(SERVE)
    assert blocks(CHINESE) == blocks(ENGLISH)
