"""The log's side of add-checkpoint: a witness is believed in cosignatures that verify, and in nothing else."""

from __future__ import annotations

import dataclasses
import re
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from ledger.face import Offer
from ledger.witness.client import ROUNDS, Reply, Transport, WitnessAlarm, WitnessClient, WitnessFailed, recall
from tallystick.cosignature import cosign_ml_dsa
from tallystick.errors import MalformedInput
from tallystick.note import Signature, verify_note
from tallystick.times import format_time
from tallystick.tree_head import SignedCheckpoint
from tallystick.witnessing import AddCheckpoint, encode_cosignatures, encode_size, parse_add_checkpoint
from tests.ledger.grove import Tree
from tests.ledger.test_witness import FORK, KEYS, LOG, NAME, VOICE, Bench
from tests.ledger.test_witness_server import serving
from tests.patience import PATIENCE, join
from tests.world import START, key_from

SIZE = "text/x.tlog.size"


def signed(size: int, tree: Tree = LOG) -> SignedCheckpoint:
    return SignedCheckpoint(tree.head(size), tree.note(size))


def offer(size: int, tree: Tree = LOG) -> Offer:
    return Offer(signed(size, tree), lambda old: tree.proof(old, size), never)


def never(signed: SignedCheckpoint, lines: Sequence[Signature]) -> None:
    raise AssertionError("a client gives no late lines")


class Line:
    """A witness whose answers a test writes; requests are kept."""

    def __init__(self, *answers: Reply | Callable[[AddCheckpoint], Reply]) -> None:
        self.answers = list(answers)
        self.asked: list[AddCheckpoint] = []
        self.client = WitnessClient(KEYS, self._post, lambda: START)

    def _post(self, body: bytes) -> Reply:
        self.asked.append(parse_add_checkpoint(body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer if isinstance(answer, Reply) else answer(self.asked[-1])

    def olds(self) -> list[int]:
        return [request.old_size for request in self.asked]


def honest(bench: Bench) -> WitnessClient:
    def post(body: bytes) -> Reply:
        answer = bench.witness.add_checkpoint(body)
        return Reply(answer.status, answer.media_type, answer.body)

    return WitnessClient(KEYS, post, lambda: START)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "witness.sqlite")
    yield made
    made.heads.close()


def good(size: int, seconds: int = START) -> Callable[[AddCheckpoint], Reply]:
    return lambda request: ok(*VOICE.cosign(LOG.note(size).text, seconds))


def ok(*lines: Signature) -> Reply:
    return Reply(200, "text/plain", encode_cosignatures(lines))


def conflict(size: int) -> Reply:
    return Reply(409, SIZE, encode_size(size))


# --- honest witnesses --------------------------------------------------------------------


def test_a_log_that_grows(bench: Bench) -> None:
    client = honest(bench)
    for size in (5, 5, 9, 40):
        lines = client.cosign(offer(size))
        note = dataclasses.replace(LOG.note(size), signatures=lines)
        assert verify_note(note, KEYS) == KEYS


def test_a_client_that_knows_nothing_is_told(bench: Bench) -> None:
    bench.feed(5, 9)
    honest(bench).cosign(offer(12))
    # And one that is asked for what was cosigned last.
    honest(bench).cosign(offer(12))
    line = Line(conflict(9), good(12))
    line.client.cosign(offer(12))
    assert line.olds() == [0, 9]
    assert line.asked[1].proof == LOG.proof(9, 12)
    line.answers = [good(20)]
    line.client.cosign(offer(20))
    assert line.olds() == [0, 9, 12]


def test_a_witness_that_was_set_back_is_fed_again() -> None:
    """It lost its state: that is its own affair; it gets a proof from what it has."""
    line = Line(good(12), conflict(5), good(20))
    line.client.cosign(offer(12))
    line.client.cosign(offer(20))
    assert line.olds() == [0, 12, 5]


# --- alarms ------------------------------------------------------------------------------


def test_a_witness_that_is_ahead_of_us(bench: Bench) -> None:
    bench.feed(12)
    with pytest.raises(WitnessAlarm, match=r"cosigned 12 leaves .* never signed more than 9"):
        honest(bench).cosign(offer(9))
    assert bench.held() == 12


def test_a_fork_that_is_offered_to_a_witness(bench: Bench) -> None:
    bench.feed(9)
    with pytest.raises(WitnessAlarm, match="another tree of 9 leaves"):
        honest(bench).cosign(offer(9, FORK))
    with pytest.raises(WitnessAlarm, match="does not extend what it holds"):
        honest(bench).cosign(offer(12, FORK))
    assert len(bench.heads.forks()) == 1
    assert bench.held() == 9


def test_a_fork_that_is_answered_with_a_size() -> None:
    """Some witnesses tell the size also when the roots differ."""
    line = Line(good(9), conflict(9))
    line.client.cosign(offer(9))
    with pytest.raises(WitnessAlarm, match="another tree of 9 leaves"):
        line.client.cosign(offer(9))
    assert len(line.asked) == 2


# --- witnesses that lie, or are broken ---------------------------------------------------


def failure(*answers: Reply | Callable[[AddCheckpoint], Reply], size: int = 9) -> str:
    with pytest.raises(WitnessFailed) as caught:
        Line(*answers).client.cosign(offer(size))
    assert not isinstance(caught.value, WitnessAlarm)
    return str(caught.value)


def test_a_witness_that_sends_us_in_circles() -> None:
    line = Line(*(conflict(1 + at % 2) for at in range(20)))
    with pytest.raises(WitnessFailed, match=f"another size {ROUNDS} times"):
        line.client.cosign(offer(9))
    assert len(line.asked) == ROUNDS


def test_a_witness_that_names_the_size_it_was_given() -> None:
    assert "status 409 for 0 to 9" in failure(conflict(0))


@pytest.mark.parametrize(
    "reply",
    [
        Reply(409, SIZE, b""),
        Reply(409, SIZE, b"05\n"),
        Reply(409, SIZE, b"5"),
        Reply(409, SIZE, b"-1\n"),
        Reply(409, SIZE, b"5\n5\n"),
    ],
)
def test_sizes_that_are_none(reply: Reply) -> None:
    assert "tells no size" in failure(reply)


@pytest.mark.parametrize("status", [201, 204, 301, 302, 400, 403, 404, 409, 422, 429, 500, 503])
def test_other_answers(status: int) -> None:
    said = failure(Reply(status, "text/plain", b"no \xff\x1b[2J" + b"x" * 1000))
    assert f"status {status}" in said
    assert "\x1b" not in said
    assert len(said) < 700


def test_cosignatures_that_are_refused() -> None:
    text, (ed, pq) = LOG.note(9).text, VOICE.cosign(LOG.note(9).text, START)
    of_ten = VOICE.cosign(LOG.note(10).text, START)
    of_fork = VOICE.cosign(FORK.note(9).text, START)
    forged = cosign_ml_dsa(text, NAME, key_from("forger", "ml-dsa-44"), START)
    attacks = {
        "of another size": of_ten,
        "of another tree": of_fork,
        "one good, one of another size": (ed, of_ten[1]),
        "by another key": (forged,),
        "by another key under the key's ID": (dataclasses.replace(forged, key_id=pq.key_id),),
        "with another time": (dataclasses.replace(pq, signature=bytes(7) + b"\1" + pq.signature[8:]),),
        "without a time": VOICE.cosign(text, 0),
        "in the future": VOICE.cosign(text, START + 61),
        "the log's own": LOG.note(9).signatures,
        "a known line twice": (ed, ed),
        "cut short": (dataclasses.replace(pq, signature=pq.signature[:-1]),),
        "none": (),
    }
    passed = []
    for name, lines in attacks.items():
        try:
            Line(ok(*lines)).client.cosign(offer(9))
            passed.append(name)
        except WitnessFailed:
            pass
    # Of a line that stands twice one is taken: it is the same cosignature.
    assert passed == ["a known line twice"]


def test_a_clock_that_is_wrong_by_a_day_is_told_in_words() -> None:
    """The witness's or ours: nobody can tell from here."""
    answer = ok(*VOICE.cosign(LOG.note(9).text, START + 86_400))
    there, here = format_time(START + 86_400), format_time(START)
    with pytest.raises(WitnessFailed, match=f"it is dated {there}, and here it is {here}: compare the clocks"):
        Line(answer).client.cosign(offer(9))


def test_lines_of_unknown_keys_are_ignored() -> None:
    text = LOG.note(9).text
    stranger = cosign_ml_dsa(text, "stranger.example", key_from("stranger", "ml-dsa-44"), START)
    lines = Line(ok(stranger, *VOICE.cosign(text, START + 60))).client.cosign(offer(9))
    assert [line.name for line in lines] == [NAME, NAME]


def test_answers_that_are_no_lines() -> None:
    for body in (b"", b"\n", b"ok\n", encode_cosignatures(VOICE.cosign(LOG.note(9).text, START))[:-1], b"\xff" * 99):
        assert "is not good" in failure(Reply(200, "text/plain", body))


# --- over sockets ------------------------------------------------------------------------


@contextmanager
def transport(url: str, timeout: float = 30) -> Iterator[Transport]:
    with closing(Transport(url, timeout)) as opened:
        yield opened


def test_over_http_with_a_connection_that_is_kept(bench: Bench) -> None:
    with serving(bench) as port, transport(f"http://127.0.0.1:{port}/") as line:
        client = WitnessClient(KEYS, line.post, lambda: START)
        client.cosign(offer(9))
        first = line._connection.sock
        client.cosign(offer(12))
        assert line._connection.sock is first
    with (
        serving(bench) as port,
        transport(f"http://127.0.0.1:{port}/prefix") as line,
        pytest.raises(WitnessFailed, match="status 404"),
    ):
        WitnessClient(KEYS, line.post, lambda: START).cosign(offer(12))


def test_what_a_witness_remembers(bench: Bench) -> None:
    origin = LOG.world.origin
    with serving(bench) as port:
        url = f"http://127.0.0.1:{port}/"
        assert recall(url, origin, 30) is None
        bench.feed(9)
        note = recall(url, origin, 30)
        assert note is not None
        assert note.text == LOG.note(9).text
        assert recall(url, "log.example/unknown", 30) is None
    no_note = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    with no_note as port, pytest.raises(WitnessFailed, match="shows no checkpoint"):
        recall(f"http://127.0.0.1:{port}", origin, 30)


@contextmanager
def answering(*answers: bytes) -> Iterator[int]:
    """A server that gives each connection one of these bytes, and closes it; ``b"hang"`` waits for the client."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run() -> None:
            for answer in answers:
                connection, _ = server.accept()
                with connection:
                    connection.settimeout(PATIENCE)
                    # The whole request: what is not read when a connection is closed takes the answer with it.
                    asked = b""
                    while not whole(asked):
                        asked += connection.recv(65_536)
                    if answer == b"hang":
                        connection.recv(65_536)
                    connection.sendall(answer)

        server.settimeout(PATIENCE)
        thread = threading.Thread(target=run)
        thread.start()
        yield server.getsockname()[1]
        join(thread)


def whole(request: bytes) -> bool:
    head, blank, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return bool(blank) and len(body) >= (int(length[1]) if length else 0)


def test_a_connection_that_the_witness_let_go_is_opened_again() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    with answering(answer, answer) as port, transport(f"http://127.0.0.1:{port}") as line:
        assert line.post(b"x").body == b"ok"
        assert line.post(b"x").body == b"ok"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 70_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    ],
)
def test_broken_answers(answer: bytes) -> None:
    with (
        answering(answer) as port,
        transport(f"http://127.0.0.1:{port}") as line,
        pytest.raises(WitnessFailed, match="no answer"),
    ):
        line.post(b"x")


def test_a_witness_that_does_not_answer() -> None:
    with (
        answering(b"hang") as port,
        transport(f"http://127.0.0.1:{port}", timeout=0.2) as line,
        pytest.raises(WitnessFailed, match="no answer: TimeoutError"),
    ):
        line.post(b"x")
    with (
        transport(f"http://127.0.0.1:{port}") as line,
        pytest.raises(WitnessFailed, match="no answer: ConnectionRefused"),
    ):
        line.post(b"x")


def test_redirections_are_not_followed() -> None:
    answer = b"HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    with answering(answer) as port, transport(f"http://127.0.0.1:{port}") as line:
        assert line.post(b"x").status == 307


@pytest.mark.parametrize(
    "url",
    [
        "",
        "witness.example",
        "ftp://witness.example",
        "file:///etc/passwd",
        "https://",
        "https://user:pw@witness.example",
        "https://witness.example/?a=b",
        "https://witness.example/#a",
        "https://witness.example:0",
        "https://witness.example:99999",
        "https://witness.example:port",
        "https://[::1",
        "https://wit ness.example",
        "https://witness.example/\n",
        "https://wítness.example",
    ],
)
def test_addresses(url: str) -> None:
    with pytest.raises(MalformedInput, match="is not the address of a witness"):
        Transport(url, 1)
