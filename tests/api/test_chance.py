"""Random bytes: every byte once, whoever takes it."""

from __future__ import annotations

import os
import threading

from api.services import chance
from tests.patience import join


def test_no_two_are_the_same() -> None:
    taken = [chance.take(16) for _ in range(3 * chance.PAGE // 16)]
    assert {len(one) for one in taken} == {16}
    assert len(set(taken)) == len(taken)
    assert len(chance.take(chance.PAGE)) == chance.PAGE


def test_what_is_left_of_a_page_is_not_cut_short() -> None:
    for count in (10, 16, 7, 4096, 8191, 8192):
        assert len(chance.take(count)) == count


def test_threads_share_nothing() -> None:
    taken: list[bytes] = []

    def run() -> None:
        taken.extend(chance.take(16) for _ in range(2000))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        join(thread)
    assert len(set(taken)) == 8000


def test_a_forked_child_takes_other_bytes() -> None:
    chance.take(1)
    source, sink = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(sink, chance.take(16))
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(source, 16) != chance.take(16)
    os.close(source)
    os.close(sink)
