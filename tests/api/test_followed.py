"""The running service as others follow it: mirrored, watched, backed up and restored by the real commands."""

from __future__ import annotations

import signal
from pathlib import Path

import httpx

from tests.api.process import Server, running, until
from tests.ledger.commands import run, serving


def test_the_service_is_mirrored_watched_backed_up_and_restored(tmp_path: Path) -> None:
    data, copy, kept, vkeys = (tmp_path / name for name in ("data", "copy", "kept", "vkeys"))
    with running(data) as server:
        status = until(server.url, lambda answer: answer["size"] == answer["checkpoint"]["size"])
        vkeys.write_text(httpx.get(f"{server.url}/vkeys").text)
        code, out, error = run("mirror", server.url, copy, "--key", vkeys)
        assert (code, f"{status['checkpoint']['size']} entries" in out) == (0, True), error
        code, out, error = run("monitor", server.url, tmp_path / "watch", "--key", vkeys, "--once", "--max-age", 3600)
        assert code == 0, (out, error)
        code, out, error = run("backup", data / "log", kept)
        assert (code, "private values; no keys" in out) == (0, True), error
        assert server.stop(signal.SIGTERM) == 0
    for path in (data / "log").glob("ledger.sqlite*"):
        path.unlink()
    with serving(copy) as mirror:
        code, _, error = run("restore", data / "log", "--backup", kept, "--from-tiles", mirror)
    assert code == 0, error
    assert run("fsck", data / "log")[0] == 0
    again = Server(data)
    again.start()
    try:
        status = until(again.url, lambda answer: answer["size"] == answer["checkpoint"]["size"])
        assert status["size"] >= 3
    finally:
        again.close()
