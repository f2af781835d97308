"""When, as an interval: what each source of time bounds, on whose word, and which sources contradict one another.

A *not-after* source bounds a whole tree: every entry below its size stood in the log by
then. A *not-before* source bounds all that stands from an index on: the log held
something there that nobody could know before that time. So a source bounds many
entries, and two sources can contradict each other without any entry between them.

Accuracy is added the safe way round: it makes an interval longer and a contradiction
rarer, never the reverse. Times are Unix seconds, accuracies whole seconds.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

from tallystick.lazy_dataclass import dataclass

Word: TypeAlias = Literal["independent", "operator", "party"]
Bound: TypeAlias = Literal["not_before", "not_after"]
Kind: TypeAlias = Literal["claimed", "batch", "checkpoint", "witness", "block", "token"]

UNSTATED = 300
"""Accuracy in seconds of a clock that states none: as much as admission allows the clocks of honest parties."""

MAX_ACCURACY = 3600
"""Seconds; a source that claims less precision than this is not counted: it could hide every contradiction."""

_CLOCKS: tuple[Kind, ...] = ("checkpoint", "witness", "block")
"""Kinds of which one clock speaks of one growing tree, so that a larger size never comes earlier."""


@dataclass(frozen=True)
class Source:
    """One source of time.

    kind: what it is; ``claimed``: a signer's own time in an entry. A witness, block or token bounds from below what
    stands after the ``log.time`` entry that names it.
    name: who or what says so. word: whose word it is; *independent* only by the trust file.
    place: for ``not_after`` the size of the tree that stood by then, for ``not_before`` the index from which on
    all was entered later. time, accuracy: seconds. detail: what tells it from others of that name.
    """

    kind: Kind
    name: str
    word: Word
    bound: Bound
    place: int
    time: int
    accuracy: int
    detail: str = ""

    @property
    def limit(self) -> int:
        """The time with accuracy added so that the interval grows."""
        return self.time + self.accuracy if self.bound == "not_after" else self.time - self.accuracy

    def covers(self, position: int) -> bool:
        """Whether it bounds the entry at that index."""
        return position < self.place if self.bound == "not_after" else position >= self.place


@dataclass(frozen=True)
class Interval:
    """The sources that bound one entry most narrowly; ``None``: nobody of those asked bounds that end."""

    not_before: Source | None
    not_after: Source | None

    @property
    def empty(self) -> bool:
        """Whether no instant lies in it."""
        return bool(self.not_before and self.not_after and self.not_before.limit > self.not_after.limit)


@dataclass(frozen=True)
class Contradiction:
    """Two sources that cannot both be right.

    ``crossed``: what ``first`` dates later stood by the time of ``second``. ``backwards``: one clock, ``second``,
    shows a larger tree earlier than a smaller one, ``first``.
    """

    kind: Literal["crossed", "backwards"]
    first: Source
    second: Source


def counts(source: Source) -> bool:
    """Whether the source is precise enough to be counted."""
    return 0 <= source.accuracy <= MAX_ACCURACY


class Timeline:
    """The sources of one log, ready to be asked about any entry.

    ``agreeing``: how many independent witnesses must have cosigned for their word to bound a time: one of them
    alone is believed only where the reader demands no more than one of a checkpoint.
    """

    def __init__(self, sources: Iterable[Source], agreeing: int = 1) -> None:
        self.sources = tuple(source for source in sources if counts(source))
        self._agreeing = max(1, agreeing)
        witnesses = [one for one in self.sources if _witnessed(one)]
        alone = [one for one in self.sources if not _witnessed(one)]
        self._ends: Mapping[Word, _Ends] = {word: _Ends(_of(alone, word, "not_after")) for word in _WORDS}
        self._starts: Mapping[Word, _Starts] = {word: _Starts(_of(alone, word, "not_before")) for word in _WORDS}
        voices = [[one for one in witnesses if one.name == name] for name in sorted({one.name for one in witnesses})]
        self._witness_ends = [_Ends(_of(voice, "independent", "not_after")) for voice in voices]
        self._witness_starts = [_Starts(_of(voice, "independent", "not_before")) for voice in voices]

    def interval(self, position: int, *words: Word) -> Interval:
        """The narrowest interval of the entry at ``position`` (leaf index) on these words."""
        starts = [found for word in words if (found := self._starts[word].at(position))]
        ends = [found for word in words if (found := self._ends[word].at(position))]
        if "independent" in words:
            starts += self._agreed([found for one in self._witness_starts if (found := one.at(position))], later=True)
            ends += self._agreed([found for one in self._witness_ends if (found := one.at(position))], later=False)
        return Interval(max(starts, key=_limit, default=None), min(ends, key=_limit, default=None))

    def _agreed(self, each: list[Source], later: bool) -> list[Source]:
        """Of what each witness bounds most narrowly, the one with which enough of them agree."""
        each.sort(key=_limit, reverse=later)
        return each[self._agreeing - 1 : self._agreeing]

    def contradictions(self) -> tuple[Contradiction, ...]:
        """Every end that is crossed, with the start that crosses it most on each word; then clocks that went back."""
        found = []
        starts = [_Starts(_of(self.sources, word, "not_before")) for word in _WORDS]
        for end in (one for one in self.sources if one.bound == "not_after"):
            for of_word in starts:
                start = of_word.at(end.place - 1)
                if start is not None and start.limit > end.limit:
                    found.append(Contradiction("crossed", start, end))
        return (*found, *_backwards(self.sources))


def _witnessed(one: Source) -> bool:
    return (one.kind, one.word) == ("witness", "independent")


_WORDS: tuple[Word, ...] = ("independent", "operator", "party")


def _limit(one: Source) -> int:
    return one.limit


def _of(sources: Sequence[Source], word: Word, bound: Bound) -> list[Source]:
    return [one for one in sources if (one.word, one.bound) == (word, bound)]


class _Ends:
    """Not-after sources: the earliest of those whose tree holds an entry, in O(log n)."""

    def __init__(self, sources: Iterable[Source]) -> None:
        ordered = sorted(sources, key=lambda one: one.place)
        self._places = [one.place for one in ordered]
        self._best = ordered[:]
        for at in range(len(ordered) - 2, -1, -1):
            self._best[at] = min(ordered[at], self._best[at + 1], key=_limit)

    def at(self, position: int) -> Source | None:
        """The earliest that covers ``position``."""
        first = bisect_right(self._places, position)
        return self._best[first] if first < len(self._best) else None


class _Starts:
    """Not-before sources: the latest of those that stand at or below an entry, in O(log n)."""

    def __init__(self, sources: Iterable[Source]) -> None:
        ordered = sorted(sources, key=lambda one: one.place)
        self._places = [one.place for one in ordered]
        self._best = ordered[:]
        for at in range(1, len(ordered)):
            self._best[at] = max(ordered[at], self._best[at - 1], key=_limit)

    def at(self, position: int) -> Source | None:
        """The latest that covers ``position``."""
        last = bisect_left(self._places, position + 1) - 1
        return self._best[last] if last >= 0 else None


def _backwards(sources: Sequence[Source]) -> Iterable[Contradiction]:
    latest: dict[tuple[Kind, str], Source] = {}
    read = [one for one in sources if one.kind in _CLOCKS and one.bound == "not_after"]
    for one in sorted(read, key=lambda one: (one.place, one.time)):
        before = latest.get((one.kind, one.name))
        # Two readings of one clock share its error, so only what such a clock may drift is allowed.
        if before is not None and one.place > before.place and one.time + UNSTATED < before.time:
            yield Contradiction("backwards", before, one)
        if before is None or one.time >= before.time:
            latest[one.kind, one.name] = one
