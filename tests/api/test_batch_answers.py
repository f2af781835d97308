"""The answer to a batch, put together by hand: byte for byte what the framework's way would write."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.routes import events
from api.services.errors import Forbidden
from api.services.submission import Recorded, Result
from tallystick.digests import digest_pair
from tallystick.events.kinds import BODIES, SUBJECTS
from tallystick.identifiers import Letter, new_identifier

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)
SUBJECT = str(new_identifier(Letter.OBJECT, bytes(10)))


def answered(results: list[Result]) -> bytes:
    answer = events._quick_many(results)
    assert answer is not None
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    return bytes(answer.body)


def plainly(results: list[Result]) -> bytes:
    return orjson.dumps({"results": events._shown(results)})


@given(
    st.lists(
        st.builds(
            Recorded,
            st.integers(0, 1 << 53),
            st.sampled_from([kind for kind in BODIES if SUBJECTS[kind]]),
            st.builds(
                lambda letter, random: str(new_identifier(letter, random)),
                st.sampled_from(Letter),
                st.binary(min_size=10, max_size=10),
            ),
            NAMES,
            st.binary(min_size=32, max_size=32),
            st.integers(0, 1 << 37),
            st.booleans(),
        ),
        max_size=4,
    )
)
def test_what_was_recorded(results: list[Result]) -> None:
    assert answered(results) == plainly(results)


@pytest.mark.parametrize("subject", ['a "quoted" log', "back\\slash", "\u2028", "é", "\x1f"])
def test_the_logs_own_subject_may_be_any_text(subject: str) -> None:
    results: list[Result] = [Recorded(1, "log.policy", subject, "e", bytes(32), 0, False)]
    assert answered(results) == plainly(results)
    assert orjson.loads(answered(results))["results"][0]["subject"] == subject


def test_with_private_values_and_beside_problems() -> None:
    pair = {"title": digest_pair(b"x")}
    results: list[Result] = [
        Recorded(7, "object.register", SUBJECT, "a", bytes(32), 0, False, pair),
        Forbidden('not "yours"', "ask\nthem", "subject"),
        Recorded(8, "object.register", SUBJECT, "b", bytes(32), 0, True),
        RuntimeError("a fault of ours"),
    ]
    assert answered(results) == plainly(results)


def test_nothing_of_a_body_that_is_not_good() -> None:
    assert events._quick_many(None) is None
    assert answered([]) == b'{"results":[]}'
