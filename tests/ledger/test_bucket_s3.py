"""Tiles in a store that speaks S3, over HTTP: names, headers, what is asked again, what is said when nothing helps."""

from __future__ import annotations

import itertools
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ledger.bucket import objects as sizes
from ledger.bucket import s3 as library
from ledger.bucket.opening import reading
from ledger.bucket.place import BucketPlace, parse_place
from ledger.bucket.s3 import S3Objects
from ledger.bucket.tiles import BucketTiles
from ledger.errors import Corrupt, ObjectsUnreachable
from ledger.tilestore import CHECKPOINT
from tallystick.tiles import Tile
from tests.s3 import Bucket, Server

ASKS: dict[str, Callable[[S3Objects], Any]] = {
    "get": lambda objects: objects.get("tile/0/000"),
    "create": lambda objects: objects.create("tile/0/000", b"a tile"),
    "replace nothing": lambda objects: objects.replace(CHECKPOINT, b"a note", 1, None),
    "replace": lambda objects: objects.replace(CHECKPOINT, b"a note", 1, '"a tag"'),
    "names": lambda objects: list(objects.names()),
}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask again at once, and not for long."""
    soon = timedelta(milliseconds=1)
    for name in ("AGAIN", "SOON"):
        backoff = {"init_backoff": soon, "max_backoff": soon, "base": 2}
        monkeypatch.setattr(library, name, {**getattr(library, name), "backoff": backoff})


def place(made: Bucket, **changes: Any) -> BucketPlace:
    return replace(parse_place(made.place("a/log")), **changes)


def fetch(url: str) -> tuple[bytes, dict[str, str]]:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read(), {name.lower(): value for name, value in answer.headers.items()}


# --- what strangers fetch -----------------------------------------------------------------


def test_the_objects_have_the_names_and_headers_of_the_specification(bucket: Bucket) -> None:
    tiles = BucketTiles(S3Objects(place(bucket)), 7)
    tiles.put([(Tile(0, 1_234_067, 5), bytes(160)), (Tile(None, 3), b"entries")])
    tiles.put_checkpoint("a note\n")
    tiles.put_aligned("an aligned one\n")
    url = f"{bucket.public}/a/log"
    found = {path: fetch(f"{url}/{path}") for path in ("tile/0/x001/x234/067.p/5", "tile/entries/003")}
    assert [data for data, _ in found.values()] == [bytes(160), b"entries"]
    for _, headers in found.values():
        assert headers["content-type"] == "application/octet-stream"
        assert headers["cache-control"] == "public, max-age=31536000, immutable"
    for path, note in (("checkpoint", b"a note\n"), ("checkpoint-aligned", b"an aligned one\n")):
        data, headers = fetch(f"{url}/{path}")
        assert data == note
        assert headers["content-type"] == "text/plain; charset=utf-8"
        assert headers["cache-control"] == "no-cache"
        assert headers["x-amz-meta-epoch"] == "7"
    assert sorted(S3Objects(place(bucket)).names()) == sorted([*found, "checkpoint", "checkpoint-aligned"])


def test_two_logs_in_one_bucket_see_nothing_of_each_other(bucket: Bucket) -> None:
    ours, theirs, both = (S3Objects(place(bucket, prefix=prefix)) for prefix in ("a/log", "a/log-2", ""))
    ours.create("tile/0/000", b"ours")
    theirs.create("tile/0/000", b"theirs")
    assert (list(ours.names()), list(theirs.names())) == (["tile/0/000"], ["tile/0/000"])
    assert sorted(both.names()) == ["a/log-2/tile/0/000", "a/log/tile/0/000"]
    found = ours.get("tile/0/000")
    assert found is not None
    assert found.data == b"ours"


def test_more_objects_than_one_answer_lists(bucket: Bucket) -> None:
    tiles = BucketTiles(S3Objects(place(bucket)))
    tiles.put((Tile(0, index, 1), bytes(32)) for index in range(1005))
    assert len(set(S3Objects(place(bucket)).names())) == 1005


def test_an_epoch_that_somebody_else_wrote_is_none(bucket: Bucket) -> None:
    for text, epoch in (("5", 5), ("", 0), ("05", 0), ("-1", 0), ("9" * 19, 0), ("\N{ARABIC-INDIC DIGIT FIVE}", 0)):
        assert library._number(text) == epoch
    objects = S3Objects(place(bucket))
    objects.create(CHECKPOINT, b"copied there")
    found = objects.get(CHECKPOINT)
    assert found is not None
    assert found.epoch == 0


# --- what is asked again ------------------------------------------------------------------


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("when", ["before", "done"])
@pytest.mark.parametrize("status", [500, 503])
def test_a_store_that_fails_for_a_moment(s3: Server, bucket: Bucket, when: str, status: int, times: int) -> None:
    """Whether the first attempt was done or not, the last one finds it well."""
    tiles = BucketTiles(S3Objects(place(bucket)), 2)
    s3.plan(fail=times, when=when, status=status)
    tiles.put([(Tile(0, 0, 2), bytes(64))])
    s3.plan(fail=times, when=when, status=status)
    tiles.put_checkpoint("one\n")
    s3.plan(fail=times, when=when, status=status)
    tiles.put_checkpoint("two\n")
    s3.plan()
    assert (tiles.find(Tile(0, 0, 2)), tiles.checkpoint()) == (bytes(64), b"two\n")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("when", ["before", "done"])
def test_a_store_that_fails_for_longer(s3: Server, bucket: Bucket, when: str) -> None:
    tiles = BucketTiles(S3Objects(place(bucket)), 2)
    tiles.put_checkpoint("one\n")
    s3.plan(fail=1000, when=when)
    with pytest.raises(ObjectsUnreachable, match=r"503 .*asked again later"):
        tiles.put([(Tile(0, 0, 2), bytes(64))])
    with pytest.raises(ObjectsUnreachable, match="does not answer as it should"):
        tiles.put_checkpoint("two\n")
    s3.plan()
    assert tiles.checkpoint() == (b"one\n" if when == "before" else b"two\n")
    tiles.put([(Tile(0, 0, 2), bytes(64))])
    tiles.put_checkpoint("two\n")
    assert (tiles.get(Tile(0, 0, 2)), tiles.checkpoint()) == (bytes(64), b"two\n")


# --- what is said -------------------------------------------------------------------------


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
def test_a_bucket_that_is_not_there(bucket: Bucket, ask: Callable[[S3Objects], Any]) -> None:
    with pytest.raises(ObjectsUnreachable, match=r"s3://nosuch/a/log: there is no such bucket .* TALLYSTICK_TILES"):
        ask(S3Objects(place(bucket, bucket="nosuch")))


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
def test_credentials_that_are_denied(s3: Server, bucket: Bucket, ask: Callable[[S3Objects], Any]) -> None:
    objects = S3Objects(place(bucket))
    s3.plan(denied="writer")
    with pytest.raises(ObjectsUnreachable, match=r"denied \(AccessDenied\).* s3:GetObject, s3:PutObject") as caught:
        ask(objects)
    assert "not a secret" not in str(caught.value)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
def test_nobody_who_answers(bucket: Bucket, ask: Callable[[S3Objects], Any]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        objects = S3Objects(place(bucket, endpoint=f"http://127.0.0.1:{taken.getsockname()[1]}"))
        told = set()
        for _ in range(2):
            with pytest.raises(ObjectsUnreachable, match=r"does not answer as it should \(HTTP error") as caught:
                ask(objects)
            told.add(str(caught.value))
    assert len(told) == 1, "the same trouble is told once in the service's log"


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("pause", "calls"), [(3600.0, 2), (0.0, 6)], ids=["others wait", "and ask again"])
def test_a_store_that_takes_calls_and_says_nothing_holds_one_reader_and_not_all(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, pause: float, calls: int
) -> None:
    monkeypatch.setattr(library, "SILENCE", timedelta(milliseconds=200))
    monkeypatch.setattr(library, "PAUSE", pause)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        objects = S3Objects(place(bucket, endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}"))
        for _ in range(3):
            with pytest.raises(ObjectsUnreachable, match="does not answer as it should"):
                objects.get(CHECKPOINT)
        silent.setblocking(False)
        assert count_calls(silent) == calls, "each who asks does it twice"


def count_calls(listening: socket.socket) -> int:
    for number in itertools.count():
        try:
            connection, _ = listening.accept()
        except BlockingIOError:
            return number
        connection.close()
    raise AssertionError


def test_what_a_store_answers_keeps_nobody_from_asking(s3: Server, bucket: Bucket) -> None:
    objects = S3Objects(place(bucket))
    s3.plan(denied="writer")
    with pytest.raises(ObjectsUnreachable):
        objects.get(CHECKPOINT)
    s3.plan()
    assert objects.get(CHECKPOINT) is None


@pytest.mark.usefixtures("impatient")
def test_no_credentials(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:1/169.254.")
    with pytest.raises(ObjectsUnreachable, match="there are no credentials: set AWS_ACCESS_KEY_ID"):
        S3Objects(place(bucket)).get(CHECKPOINT)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (301, "<Error><Code>PermanentRedirect</Code></Error>", "in another region or at another endpoint"),
        (400, "<Error><Code>AuthorizationHeaderMalformed</Code></Error>", "correct region or endpoint"),
        (501, "<Error><Code>NotImplemented</Code></Error>", "does not know conditional PUT"),
        (401, "", "access was denied"),
        (418, "<Error><Code>Teapot</Code></Error>", r"does not answer as it should \(.*418"),
    ],
)
def test_what_a_store_may_answer(s3: Server, bucket: Bucket, status: int, body: str, said: str) -> None:
    objects = S3Objects(place(bucket))
    s3.plan(fail=1000, status=status, body=body)
    with pytest.raises(ObjectsUnreachable, match=said):
        objects.create("tile/0/000", b"a tile")


def test_an_object_larger_than_any_of_a_log_is_not_read(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sizes.LARGEST == 256 * 65_537
    objects = S3Objects(place(bucket))
    objects.create("tile/entries/000", bytes(1001))
    monkeypatch.setattr(library, "LARGEST", 1001)
    assert objects.get("tile/entries/000")
    monkeypatch.setattr(library, "LARGEST", 1000)
    with pytest.raises(Corrupt, match="1001 bytes, no object of a log has so many"):
        objects.get("tile/entries/000")


def test_plain_http_only_where_it_was_asked_for(bucket: Bucket) -> None:
    secure = S3Objects(place(bucket, endpoint=bucket.url.replace("http:", "https:")))
    with pytest.raises(ObjectsUnreachable):
        secure.get(CHECKPOINT)


def test_who_reads_shows_nothing(bucket: Bucket) -> None:
    tiles = reading(place(bucket))
    assert (tiles.checkpoint(), tiles.aligned(), tiles.find(Tile(0, 0))) == (None, None, None)
    with pytest.raises(urllib.error.HTTPError):
        fetch(f"{bucket.public}/a/log/checkpoint")
