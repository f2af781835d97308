"""The exit drill: what a demo's user took home, judged where nothing of ours is left, by both verifiers.

The service has ended, the network is cut by the operating system, the checkout is not there, the user is another one
without any right, and the disk is read-only. Where a machine lacks the right to do that, each test says so.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, sync_playwright

from tallystick.times import format_time
from tests.architecture.tree import ROOT
from tests.browser.conftest import ARGUMENTS
from tests.demo import runs
from tests.offline import elsewhere as another
from tests.offline.elsewhere import Elsewhere, elsewhere
from tools import kit, outsiders

AT = format_time(runs.LATER)
PATIENCE = 120_000
# What the second verifier leaves to other programs, and says so.
LEFT_TO_OTHERS = {"credential"}
PROBE = """
import json, os, socket, sys
def refused(does):
    try:
        does()
    except OSError as error:
        return type(error).__name__
    return "done"
port, repository, folder = int(sys.argv[1]), sys.argv[2], sys.argv[3]
print(json.dumps({
    "user": os.getuid(),
    "service": refused(lambda: socket.create_connection(("127.0.0.1", port), 5)),
    "network": [name for _, name in socket.if_nameindex()],
    "repository": os.path.isdir(repository) and os.listdir(repository),
    "disk": [refused(lambda: open(place + "/x", "w")) for place in (folder, "/tmp", "/")],
    "right": refused(lambda: os.mkdir("/x")),
}))
"""


def browser() -> Path:
    """Debian's chromium; where it is missing and not ours to install, the test is left out."""
    try:
        return outsiders.browser()
    except outsiders.NotOurs as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    """What was taken along: the kit, the case, the trust file; the kit is installed as its README says."""
    reason = another.why_not()
    if reason is not None:
        pytest.skip(f"another user without a network or a disk is to be had by root alone: {reason}")
    out = runs.lantern_run(tmp_path_factory).out
    with elsewhere() as found:
        page = outsiders.verifier(tmp_path_factory.mktemp("page")) / "verifier.html"
        made = kit.assemble(tmp_path_factory.mktemp("kit"), kit.here(), page, ["this machine"], ["this"])
        zipfile.ZipFile(made).extractall(found.folder)
        (found.folder / made.stem).rename(found.folder / "kit")
        for name in ("case.zip", "case-bit-changed.zip", "case-dated-back.zip", "trust.json"):
            shutil.copyfile(out / name, found.folder / name)
        install(found)
        for path in (found.folder, *found.folder.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | stat.S_IRGRP | stat.S_IROTH | (0o555 if path.is_dir() else 0))
        (found.folder / "scratch").chmod(0o777)
        yield found


def install(place: Elsewhere) -> None:
    """Before the disk becomes read-only; already without a network."""
    unpacked, python = place.folder / "kit", Path(sys.base_prefix, "bin", "python3")
    pip = ["-m", "pip", "install", "--no-index", "--find-links", "wheels", "--require-hashes", "-r", "requirements.txt"]
    verifier = place.folder / "verifier"
    for command in ([python, "-m", "venv", verifier], [verifier / "bin" / "python", *pip]):
        done = another.cut(command, unpacked)
        assert done.returncode == 0, done.stderr


def verify(place: Elsewhere, case: str, *more: str) -> tuple[int, str, str]:
    """Exit status, output, errors."""
    command = [str(place.folder / "verifier" / "bin" / "tallystick"), "verify", case, "--trust", "trust.json"]
    done = place.run([*command, "--at", AT, *more])
    return done.returncode, done.stdout, done.stderr


def test_nothing_is_left(place: Elsewhere) -> None:
    """What the other tests rest on. The listening socket stands for a service that might still run outside."""
    with socket.create_server(("127.0.0.1", 0)) as outside:
        given = [str(outside.getsockname()[1]), str(ROOT), str(place.folder)]
        done = place.run([str(place.folder / "verifier" / "bin" / "python"), "-I", "-c", PROBE, *given])
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert found.pop("repository") in (False, [])
    assert found.pop("right") in ("OSError", "PermissionError")
    assert found == {"user": another.NOBODY, "service": "OSError", "network": ["lo"], "disk": ["OSError"] * 3}
    assert os.listdir(ROOT) != []


def test_the_first_verifier_proves_the_case(place: Elsewhere, tmp_path_factory: pytest.TempPathFactory) -> None:
    code, said, errors = verify(place, "case.zip", "--json")
    assert (code, errors) == (0, "")
    report = json.loads(said)
    here = runs.lantern_run(tmp_path_factory).verify()
    assert report["verdict"] == here.verdict == "proved"
    assert {one["id"]: one["outcome"] for one in report["claims"]} == {one.id: one.outcome for one in here.claims}


@pytest.mark.parametrize(("case", "step"), [("case-bit-changed.zip", 1), ("case-dated-back.zip", 3)])
def test_the_first_verifier_refuses_what_was_changed(place: Elsewhere, case: str, step: int) -> None:
    code, said, errors = verify(place, case, "--json")
    assert (code, errors, json.loads(said)["refused_at"]) == (1, "", step)


@pytest.fixture(scope="module")
def chromium(place: Elsewhere) -> Iterator[BrowserContext]:
    """In the same place, with one folder in memory to write to: a browser does not start without."""
    scratch, start = place.folder / "scratch", place.folder / "chromium"
    quoted = " ".join(f"'{part}'" for part in another.quotable([*place.prefix(scratch=True), "env", "-i"]))
    given = f"PATH='{os.environ['PATH']}' HOME='{scratch}' TMPDIR='{scratch}' '{browser()}'"
    start.write_text(f'#!/bin/sh\nexec {quoted} {given} "$@"\n', encoding="utf-8")
    start.chmod(0o755)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch_persistent_context(
            str(scratch / "profile"),
            executable_path=start,
            args=[*ARGUMENTS, "--disable-dev-shm-usage"],
            locale="en-GB",
        )
        try:
            yield opened
        finally:
            opened.close()


def judged_by_the_page(chromium: BrowserContext, place: Elsewhere, case: str) -> dict[str, str]:
    """Outcome of each claim, as the page shows them."""
    page = chromium.new_page()
    try:
        page.goto((place.folder / "kit" / "verifier.html").as_uri())
        page.set_input_files("#bundle", str(place.folder / case))
        page.set_input_files("#trust", str(place.folder / "trust.json"))
        page.fill("#at", AT.removesuffix("Z"))
        page.click("#examine")
        page.wait_for_selector("#result section", timeout=PATIENCE)
        found = page.eval_on_selector_all(
            "[data-claim]", "all => all.map(one => [one.dataset.claim, one.dataset.outcome])"
        )
        return dict(found)
    finally:
        page.close()


@pytest.mark.parametrize("case", ["case.zip", "case-bit-changed.zip", "case-dated-back.zip"])
def test_the_second_verifier_says_the_same(chromium: BrowserContext, place: Elsewhere, case: str) -> None:
    first = {one["id"]: one["outcome"] for one in json.loads(verify(place, case, "--json")[1])["claims"]}
    second = judged_by_the_page(chromium, place, case)
    assert set(second) == set(first)
    different = {claim: second[claim] for claim in first if second[claim] != first[claim]}
    assert set(different) <= LEFT_TO_OTHERS
    assert set(different.values()) <= {"needs_external_fact"}
