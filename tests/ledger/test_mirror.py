"""``mirror`` and ``serve`` as people run them, and the network between them when it misbehaves."""

from __future__ import annotations

import shutil
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

import ledger.copies.source
from ledger.copies.mirror import Mirror
from ledger.copies.source import HttpSource, open_source
from ledger.errors import BadSource, LogBusy, LogExists, NoLog, Unreachable
from tallystick.base64s import from_base64
from tallystick.checkpoint import parse_body
from tallystick.merkle import verify_consistency
from tallystick.note import parse_note
from tallystick.tiles import Tile
from tests.ledger.commands import run, serving
from tests.ledger.conftest import open_log
from tests.ledger.following import VKEYS, Leader, forked, known, write_tree
from tests.patience import join
from tests.world import World


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    path = tmp_path / "vkeys"
    path.write_text("".join(f"{line}\n" for line in VKEYS))
    return path


def test_a_mirror_of_a_mirror(data: Path, world: World, tmp_path: Path, keys: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    with serving(data) as url:
        code, out, _ = run("mirror", url, first, "--key", keys)
        assert (code, out.split(",")[0]) == (0, "log.example/little: 29 entries")
        with open_log(data, world) as log:
            log.submit(world.object()).result()
            log.publish_now()
        assert run("mirror", url, first, "--key", keys, "--check")[0] == 0
    with serving(first) as url:
        code, out, _ = run("mirror", url + "/", second, *(part for line in VKEYS for part in ("--key", line)))
        assert (code, out.split(",")[0]) == (0, "log.example/little: 31 entries")
    for path in (path for path in (second / "public").rglob("*") if path.is_file()):
        assert path.read_bytes() == (data / "public" / path.relative_to(second / "public")).read_bytes()
    shutil.rmtree(second)
    assert run("mirror", first, second, "--key", VKEYS[0])[0] == 0


def test_what_is_served_and_what_is_not(data: Path) -> None:
    with serving(data) as url:
        with urllib.request.urlopen(f"{url}/checkpoint") as answer:
            assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
            assert answer.read() == (data / "public/checkpoint").read_bytes()
        with urllib.request.urlopen(f"{url}/tile/entries/000.p/29") as answer:
            assert answer.headers["Cache-Control"].endswith("immutable")
            assert answer.headers["Content-Type"] == "application/octet-stream"
            assert answer.read() == (data / "public/tile/entries/000.p/29").read_bytes()
        with urllib.request.urlopen(urllib.request.Request(f"{url}/checkpoint", method="HEAD")) as answer:
            assert answer.read() == b""
        for path in (
            "",
            "ledger.sqlite",
            "../ledger.sqlite",
            "tile/../../lock",
            "tile/0/000",
            "tile/0",
            "tile/0/000.p",
        ):
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(f"{url}/{path}")
            assert caught.value.code == 404, path
            caught.value.close()


def test_nothing_to_serve_and_nothing_to_copy(tmp_path: Path, keys: Path, data: Path) -> None:
    assert run("serve", tmp_path)[0] == 2
    code, _, error = run("mirror", tmp_path / "nowhere", tmp_path / "copy", "--key", keys)
    assert (code, "give a folder of tiles, or a URL" in error) == (2, True)
    code, _, error = run("mirror", data, data, "--key", keys)
    assert (code, "a copy needs a folder of its own" in error) == (2, True)
    code, _, error = run("mirror", data, tmp_path / "copy", "--key", "nonsense")
    assert (code, "there is no file nonsense, and it is no verifier key" in error) == (2, True)
    (tmp_path / "trust.json").write_text('{"keys": ["log.example+12345678+rDVfpaECPq+bxzASBgNVHRMB"]}\n')
    code, _, error = run("mirror", data, tmp_path / "copy", "--key", tmp_path / "trust.json")
    assert (code, error.count("trust.json"), "expected what GET /vkeys of the log gives" in error) == (2, 1, True)
    assert run("mirror", data, tmp_path / "copy")[0] == 2
    assert not (tmp_path / "copy").exists()


def test_where_the_log_is_instead_is_told(tmp_path: Path) -> None:
    """``fsck data`` instead of ``fsck data/log``."""
    (tmp_path / "data" / "log").mkdir(parents=True)
    _, _, error = run("fsck", tmp_path / "data")
    assert error == f"there is no log in {tmp_path / 'data'}: correct the path\n"
    (tmp_path / "data" / "log" / "ledger.sqlite").touch()
    code, _, error = run("fsck", tmp_path / "data")
    assert (code, error) == (2, f"there is no log in {tmp_path / 'data'}: one is in {tmp_path / 'data' / 'log'}\n")


def test_a_source_out_of_reach_leaves_no_folder(tmp_path: Path, keys: Path) -> None:
    code, _, error = run("mirror", "http://127.0.0.1:1/", tmp_path / "copy", "--key", keys)
    assert (code, "127.0.0.1:1" in error) == (2, True)
    assert not (tmp_path / "copy").exists()
    (tmp_path / "kept").mkdir()
    assert run("mirror", "http://127.0.0.1:1/", tmp_path / "kept", "--key", keys)[0] == 2
    assert (tmp_path / "kept").exists()


def test_a_fork_is_kept_as_evidence(tmp_path: Path, keys: Path) -> None:
    honest, other = (write_tree(one.disk, tmp_path / name) for one, name in ((Leader(5), "a"), (forked(2, 300), "b")))
    copy = tmp_path / "copy"
    assert run("mirror", honest, copy, "--key", keys)[0] == 0
    before = (copy / "public/checkpoint").read_bytes()
    for _ in range(2):
        code, _, error = run("mirror", other, copy, "--key", keys)
        assert (code, "signed two histories" in error) == (1, True)
    assert (copy / "public/checkpoint").read_bytes() == before == (honest / "checkpoint").read_bytes()
    (kept,) = (copy / "evidence").iterdir()
    assert str(kept) in error
    _check_kept(kept)


def _check_kept(kept: Path) -> None:
    """The files alone convict the log: both signed, and the proof excludes the smaller one."""
    smaller, larger = (parse_body(parse_note((kept / name).read_bytes()).text) for name in ("smaller", "larger"))
    for name in ("smaller", "larger"):
        known().verify((kept / name).read_bytes())
    sizes, root, *proof = (kept / "proof").read_text().splitlines()
    beginning = from_base64(root)
    assert sizes == f"{smaller.size} {larger.size}"
    verify_consistency(smaller.size, beginning, larger.size, larger.root, [from_base64(one) for one in proof])
    assert beginning != smaller.root


def test_a_source_that_went_back_is_said(data: Path, tmp_path: Path, keys: Path) -> None:
    early = tmp_path / "early"
    write_tree(Leader(5).disk, early)
    late = Leader(5, 7)
    copy = tmp_path / "copy"
    assert run("mirror", write_tree(late.disk, tmp_path / "late"), copy, "--key", keys)[0] == 0
    code, _, error = run("mirror", early, copy, "--key", keys)
    assert (code, "went back to 5 entries, of the same history" in error) == (1, True)


def test_one_process_follows(tmp_path: Path) -> None:
    tree = write_tree(Leader(5).disk, tmp_path / "tree")
    with Mirror(tmp_path / "copy", known(), open_source(str(tree))) as copy:
        with pytest.raises(LogBusy):
            Mirror(tmp_path / "copy", known(), open_source(str(tree)))
        copy.step()
        assert copy.check() == 5
    (tmp_path / "copy/ledger.sqlite").touch()
    with pytest.raises(LogExists):
        Mirror(tmp_path / "copy", known(), open_source(str(tree)))


def test_a_check_sees_what_rotted(tmp_path: Path, keys: Path) -> None:
    tree = write_tree(Leader(5).disk, tmp_path / "tree")
    copy = tmp_path / "copy"
    assert run("mirror", tree, copy, "--key", keys)[0] == 0
    bundle = copy / "public/tile/entries/000.p/5"
    bundle.write_bytes(bundle.read_bytes().replace(b"entry 3", b"entry 4"))
    code, _, error = run("mirror", tree, copy, "--key", keys, "--check")
    assert (code, "from entry 3 on" in error) == (1, True)


# --- a network that misbehaves -----------------------------------------------------------


@contextmanager
def misbehaving(answer: Callable[[BaseHTTPRequestHandler, int], None]) -> Iterator[str]:
    """A server whose answers are the test's; ``answer`` is told how often it was asked before."""
    asked = 0

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            nonlocal asked
            answer(self, asked)
            asked += 1

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/log"
    finally:
        server.shutdown()
        join(thread)
        server.server_close()


def say(handler: BaseHTTPRequestHandler, status: int, body: bytes, length: int | None = None, **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    handler.end_headers()
    handler.wfile.write(body)
    handler.close_connection = length is not None


def checkpoint(url: str) -> bytes:
    with closing(HttpSource(url)) as source:
        return source.checkpoint()


def tile(url: str, wanted: Tile) -> bytes:
    with closing(HttpSource(url)) as source:
        return source.tile(wanted)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger.copies.source, "_PAUSE", 0.0)


@pytest.mark.usefixtures("impatient")
def test_a_server_that_stumbles_is_asked_again() -> None:
    def stumble(handler: BaseHTTPRequestHandler, asked: int) -> None:
        if asked == 0:
            say(handler, 503, b"later")
        elif asked == 1:
            say(handler, 200, b"half", length=100)
        else:
            say(handler, 200, handler.path.encode())

    with misbehaving(stumble) as url:
        assert checkpoint(url) == b"/log/checkpoint"


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("status", [301, 403, 500, 429])
def test_an_answer_that_helps_nobody(status: int) -> None:
    answer = misbehaving(lambda handler, _: say(handler, status, b"", Location="/elsewhere"))
    with answer as url, pytest.raises(Unreachable, match=f"HTTP status {status}"):
        checkpoint(url)


@pytest.mark.usefixtures("impatient")
def test_answers_are_bounded() -> None:
    answer = misbehaving(lambda handler, _: say(handler, 200, bytes(200), length=1 << 40))
    with answer as url, pytest.raises(BadSource, match="more than 160 bytes"):
        tile(url, Tile(0, 0, 5))


@pytest.mark.usefixtures("impatient")
def test_nothing_found_and_nobody_there() -> None:
    with misbehaving(lambda handler, _: say(handler, 404, b"no")) as url:
        with pytest.raises(Unreachable, match="correct the URL"):
            checkpoint(url)
        with pytest.raises(BadSource, match="does not serve it"):
            tile(url, Tile(0, 0, 5))
    with pytest.raises(Unreachable, match="try again later"):
        checkpoint(url)


def test_the_full_tile_serves_for_the_partial_one() -> None:
    def full(handler: BaseHTTPRequestHandler, _: int) -> None:
        say(handler, 404 if ".p/" in handler.path else 200, bytes(range(256)) * 32)

    with misbehaving(full) as url:
        assert tile(url, Tile(0, 0, 2)) == bytes(range(64))


@pytest.mark.parametrize(
    "url", ["http://", "https://u:p@log.example/", "http://log.example/?a", "http://log.example#b"]
)
def test_what_is_no_url_of_a_log(url: str) -> None:
    with pytest.raises(NoLog):
        open_source(url)
