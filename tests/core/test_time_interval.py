"""Intervals: accuracy widens, words stay apart, witnesses agree, sources contradict, and stripping only widens."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.time_interval import (
    MAX_ACCURACY,
    UNSTATED,
    Bound,
    Contradiction,
    Interval,
    Kind,
    Source,
    Timeline,
    Word,
)

INDEPENDENT: tuple[Word, ...] = ("independent",)
EVERYBODY: tuple[Word, ...] = ("independent", "operator", "party")


def end(
    time: int, size: int, word: Word = "independent", kind: Kind = "token", name: str = "T", acc: int = 0
) -> Source:
    return Source(kind, name, word, "not_after", size, time, acc)


def start(
    time: int, index: int, word: Word = "independent", kind: Kind = "token", name: str = "M", acc: int = 0
) -> Source:
    return Source(kind, name, word, "not_before", index, time, acc)


def limits(interval: Interval) -> tuple[int | None, int | None]:
    ends = (interval.not_before, interval.not_after)
    return tuple(one.limit if one else None for one in ends)  # type: ignore[return-value]


def asked(sources: Sequence[Source], position: int, *words: Word, agreeing: int = 1) -> tuple[int | None, int | None]:
    return limits(Timeline(sources, agreeing).interval(position, *(words or INDEPENDENT)))


# --- what a source bounds --------------------------------------------------------------


def test_an_end_bounds_what_is_below_its_size_a_start_what_stands_from_its_index() -> None:
    sources = [end(100, size=5), start(40, index=3)]
    assert [asked(sources, at) for at in (2, 3, 4, 5)] == [(None, 100), (40, 100), (40, 100), (40, None)]


def test_the_earliest_end_and_the_latest_start_bound_an_entry() -> None:
    sources = [end(100, 5), end(90, 9), end(120, 20), start(10, 0), start(30, 4), start(20, 6)]
    assert asked(sources, 4) == (30, 90)
    assert asked(sources, 8) == (30, 90)
    assert asked(sources, 10) == (30, 120)


def test_accuracy_makes_the_interval_longer() -> None:
    assert asked([end(100, 5, acc=7), start(40, 0, acc=9)], 3) == (31, 107)


def test_a_precise_source_beats_an_earlier_vague_one() -> None:
    assert asked([end(100, 5, acc=60), end(110, 5, acc=1)], 3) == (None, 111)


@pytest.mark.parametrize("accuracy", [MAX_ACCURACY + 1, 10**12, -1])
def test_a_source_that_claims_no_precision_is_not_counted(accuracy: int) -> None:
    """Else a clock with an error of ten years would cross nothing; and a negative one would narrow."""
    sources = [end(100, 5, acc=accuracy), start(500, 0, acc=accuracy)]
    assert asked(sources, 3, *EVERYBODY) == (None, None)
    assert Timeline(sources).sources == ()


# --- whose word ---------------------------------------------------------------------------


def test_words_are_kept_apart() -> None:
    sources = [end(100, 5, "operator"), end(150, 5), start(60, 0, "party"), start(50, 0, "operator"), start(20, 0)]
    assert asked(sources, 3) == (20, 150)
    assert asked(sources, 3, "independent", "operator") == (50, 100)
    assert asked(sources, 3, *EVERYBODY) == (60, 100)


def test_the_operators_word_alone_bounds_nothing_on_independents_word() -> None:
    assert asked([end(100, 5, "operator", "witness"), start(10, 0, "operator")], 3) == (None, None)


@pytest.mark.parametrize(("agreeing", "expected"), [(0, 100), (1, 100), (2, 110), (3, 130), (4, None)])
def test_so_many_witnesses_must_agree(agreeing: int, expected: int | None) -> None:
    witnesses = [end(time, 5, kind="witness", name=name) for name, time in (("a", 130), ("b", 100), ("c", 110))]
    assert asked(witnesses, 3, agreeing=agreeing) == (None, expected)


def test_witnesses_must_agree_about_the_start_too() -> None:
    starts = [start(time, 0, kind="witness", name=name) for name, time in (("a", 130), ("b", 100), ("c", 110))]
    assert [asked(starts, 3, agreeing=k) for k in (1, 2, 3, 4)] == [(130, None), (110, None), (100, None), (None, None)]


def test_a_witness_that_cosigned_twice_is_one_witness() -> None:
    twice = [end(100, 5, kind="witness", name="a"), end(105, 9, kind="witness", name="a")]
    assert asked(twice, 3, agreeing=2) == (None, None)


def test_witnesses_of_different_trees_agree_about_what_both_hold() -> None:
    seen = [end(100, 5, kind="witness", name="a"), end(120, 9, kind="witness", name="b")]
    assert asked(seen, 4, agreeing=2) == (None, 120)
    assert asked(seen, 6, agreeing=2) == (None, None)


def test_a_witness_whom_nobody_calls_independent_does_not_make_up_the_number() -> None:
    seen = [end(100, 5, kind="witness", name="a"), end(90, 5, "operator", "witness", "b")]
    assert asked(seen, 4, agreeing=2) == (None, None)


def test_a_time_authority_needs_no_second() -> None:
    assert asked([end(100, 5)], 4, agreeing=3) == (None, 100)


# --- contradictions ---------------------------------------------------------------------------


def crossed(first: Source, second: Source) -> Contradiction:
    return Contradiction("crossed", first, second)


def test_a_start_after_an_end_over_one_tree() -> None:
    late, early = start(200, 3), end(100, 5)
    timeline = Timeline([late, early])
    assert timeline.contradictions() == (crossed(late, early),)
    assert timeline.interval(3, "independent").empty
    assert not timeline.interval(2, "independent").empty


def test_a_tree_that_ends_before_the_start_contradicts_nothing() -> None:
    assert Timeline([start(200, 5), end(100, 5)]).contradictions() == ()


def test_within_their_accuracies_two_sources_agree() -> None:
    def found(gap: int) -> int:
        return len(Timeline([start(100 + gap, 0, acc=3), end(100, 5, acc=4)]).contradictions())

    assert [found(gap) for gap in (0, 7, 8)] == [0, 0, 1]


def test_a_batch_dated_back_before_what_it_stands_after() -> None:
    mark, batch = start(1000, 7), end(100, 12, "operator", "batch", acc=UNSTATED)
    assert Timeline([mark, batch]).contradictions() == (crossed(mark, batch),)


def test_each_words_worst_start_is_named() -> None:
    early = end(100, 5)
    starts = [start(200, 0, "operator", "batch"), start(300, 1, "operator", "batch"), start(150, 2)]
    assert Timeline([*starts, early]).contradictions() == (crossed(starts[2], early), crossed(starts[1], early))


def test_a_clock_that_went_back_along_the_log() -> None:
    first, second = end(1000, 5, kind="witness"), end(1000 - UNSTATED - 1, 9, kind="witness")
    assert Timeline([second, first]).contradictions() == (Contradiction("backwards", first, second),)
    assert Timeline([first, end(1000 - UNSTATED, 9, kind="witness")]).contradictions() == ()


def test_other_clocks_and_the_same_size_may_come_in_any_order() -> None:
    assert Timeline([end(1000, 5, kind="witness"), end(1, 9, kind="witness", name="other")]).contradictions() == ()
    assert Timeline([end(1000, 5, kind="witness"), end(1, 5, kind="witness")]).contradictions() == ()
    # An authority stamps an old checkpoint whenever it is asked to.
    assert Timeline([end(1000, 5), end(1, 9)]).contradictions() == ()


# --- properties -------------------------------------------------------------------------------

KINDS: tuple[Kind, ...] = ("claimed", "batch", "checkpoint", "witness", "block", "token")
BOUNDS: tuple[Bound, ...] = ("not_before", "not_after")
SOURCES = st.lists(
    st.builds(
        Source,
        st.sampled_from(KINDS),
        st.sampled_from("abc"),
        st.sampled_from(EVERYBODY),
        st.sampled_from(BOUNDS),
        st.integers(0, 12),
        st.integers(0, 2000),
        st.sampled_from([0, 1, UNSTATED, MAX_ACCURACY + 1]),
    ),
    max_size=14,
)
POSITIONS, AGREEING = st.integers(0, 12), st.integers(0, 3)
WORDS = st.sampled_from([INDEPENDENT, ("independent", "operator"), EVERYBODY])


def plain(
    sources: Sequence[Source], position: int, words: Sequence[Word], agreeing: int
) -> tuple[int | None, int | None]:
    """The definition, without any cleverness."""
    told = [s for s in sources if s.covers(position) and s.word in words and 0 <= s.accuracy <= MAX_ACCURACY]
    found: list[int | None] = []
    for bound, best in (("not_before", max), ("not_after", min)):
        limits: list[int] = []
        seen: dict[str, int] = {}
        for s in (s for s in told if s.bound == bound):
            if (s.kind, s.word) == ("witness", "independent"):
                seen[s.name] = best(s.limit, seen.get(s.name, s.limit))
            else:
                limits.append(s.limit)
        agreed = sorted(seen.values(), reverse=bound == "not_before")
        found.append(best([*limits, *agreed[max(1, agreeing) - 1 :]], default=None))
    return found[0], found[1]


@given(SOURCES, POSITIONS, WORDS, AGREEING)
def test_it_is_what_the_definition_says(
    sources: list[Source], position: int, words: tuple[Word, ...], agreeing: int
) -> None:
    assert asked(sources, position, *words, agreeing=agreeing) == plain(sources, position, words, agreeing)


@given(SOURCES, POSITIONS, WORDS, AGREEING, st.data())
def test_stripping_a_source_only_widens(
    sources: list[Source], position: int, words: tuple[Word, ...], agreeing: int, data: st.DataObject
) -> None:
    kept = [one for one in sources if data.draw(st.booleans())]
    whole, less = asked(sources, position, *words, agreeing=agreeing), asked(kept, position, *words, agreeing=agreeing)
    assert less[0] is None or (whole[0] is not None and less[0] <= whole[0])
    assert less[1] is None or (whole[1] is not None and less[1] >= whole[1])


@given(SOURCES)
def test_every_contradiction_is_one_and_none_is_missed(sources: list[Source]) -> None:
    timeline = Timeline(sources)
    found = {(one.first, one.second) for one in timeline.contradictions() if one.kind == "crossed"}
    told = [s for s in sources if 0 <= s.accuracy <= MAX_ACCURACY]
    every = {
        (a, b)
        for a in told
        for b in told
        if (a.bound, b.bound) == ("not_before", "not_after") and a.place < b.place and a.limit > b.limit
    }
    assert found <= every
    assert {(a.word, b) for a, b in found} == {(a.word, b) for a, b in every}
