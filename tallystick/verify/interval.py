"""Step 11: when, as an interval, with every source and whose word it is."""

from __future__ import annotations

from typing import Any

from tallystick.lazy_dataclass import dataclass
from tallystick.replay import Admitted
from tallystick.time_interval import Contradiction, Interval, Source, Timeline, Word, counts
from tallystick.verify.examination import Examination
from tallystick.verify.outcome import Finding, Tally, time_text
from tallystick.verify.time_sources import gather

_MOST = 16
"""Contradictions that are told one by one; facts have more."""
_SAID = ("batch", "claimed")
_ALONE: tuple[Word, ...] = ("independent",)
_TOGETHER: tuple[Word, ...] = ("independent", "operator")


def check_time(ex: Examination) -> Finding:
    """Proved: someone independent bounds when every entry about the case had entered the log. Sources that
    contradict one another contradict it; the operator's word alone needs an external fact.
    """
    tally = Tally()
    sources = gather(ex, tally)
    for source in sources:
        if not counts(source):
            tally.shows("time.imprecise", source=source, accuracy=source.accuracy)
    log = ex.trust.logs.get(ex.case.index.log)
    line = Timeline(sources, log.quorum if log else 0)
    found = line.contradictions()
    _tell(tally, found)
    times = _times(line, ex.about) if ex.about else None
    if times is not None:
        _show(tally, times)
        relevant = [one for one in line.sources if _bears(one, times.about)]
        ex.facts["time"] = _facts(line, times, relevant, found)
        for source in relevant:
            tally.shows("time.source", source=source, time=time_text(source.time), word=source.word)
    if times is None or times.alone.not_after is None:
        tally.needs("time.operator")
    return tally.finding()


@dataclass(frozen=True)
class _Times:
    """What is shown of all entries about the case together: from the first one's start to the last one's end."""

    about: tuple[Admitted, ...]
    alone: Interval
    together: Interval
    earliest: Source | None

    @property
    def claimed(self) -> list[str]:
        """The signers' own times, in order."""
        return sorted(one.placed.statement.event.time for one in self.about)


def _times(line: Timeline, about: tuple[Admitted, ...]) -> _Times:
    first, last = about[0].placed.position, about[-1].placed.position

    def of(words: tuple[Word, ...]) -> Interval:
        return Interval(line.interval(first, *words).not_before, line.interval(last, *words).not_after)

    return _Times(about, of(_ALONE), of(_TOGETHER), line.interval(first, *_ALONE).not_after)


def _show(tally: Tally, times: _Times) -> None:
    """The interval of all entries about the case, on each word."""
    start, end = times.alone.not_before, times.alone.not_after
    position = times.about[0].placed.position
    if end is not None:
        tally.shows("time.not-after", count=len(times.about), time=_limit(end), source=end)
        if times.earliest is not None and times.earliest.limit < end.limit:
            tally.shows("time.first-not-after", position=position, time=_limit(times.earliest), source=times.earliest)
    if start is not None:
        tally.shows("time.not-before", position=position, time=_limit(start), source=start)
    elif end is not None:
        tally.shows("time.no-start")
    tally.shows("time.interval", earliest=_limit(times.together.not_before), latest=_limit(times.together.not_after))
    tally.shows("time.claimed", first=times.claimed[0], last=times.claimed[-1])
    if end is not None and any(one.placed.statement.event.type == "object.register" for one in times.about):
        tally.shows("time.bytes")


def _limit(source: Source | None) -> str:
    return "-" if source is None else time_text(source.limit)


def _tell(tally: Tally, found: tuple[Contradiction, ...]) -> None:
    """Contradictions in the words of who dated what wrongly; of one source only the first of each sort."""
    worst: dict[tuple[str, Source], Contradiction] = {}
    for one in found:
        worst.setdefault((_sort(one), one.second if one.first.kind in _SAID else one.first), one)
    for (key, _), one in list(worst.items())[:_MOST]:
        told: dict[str, Any] = {
            "first": one.first,
            "second": one.second,
            "start": time_text(one.first.time),
            "end": time_text(one.second.time),
            "place": one.first.place,
            "size": one.second.place,
        }
        match key:
            case "backwards":
                tally.contradicts("time.backwards", **told)
            case "batch":
                tally.contradicts("time.dated-late", **told)
            case "claimed":
                tally.contradicts("time.claimed-late", **told)
            case "back":
                tally.contradicts("time.dated-back", **told)
            case _:
                tally.contradicts("time.crossed", **told)


def _sort(one: Contradiction) -> str:
    if one.kind == "backwards":
        return "backwards"
    if one.first.kind in _SAID:
        return one.first.kind
    return "back" if one.second.kind == "batch" else "crossed"


def _bears(source: Source, about: tuple[Admitted, ...]) -> bool:
    """Whether a source says something about an entry of the case; of batches only those that hold one."""
    first, last = about[0].placed.position, about[-1].placed.position
    if source.kind == "batch":
        return any(str(one.batch) == source.name for one in about)
    return source.covers(last if source.bound == "not_before" else first)


def _facts(line: Timeline, times: _Times, sources: list[Source], found: tuple[Contradiction, ...]) -> dict[str, Any]:
    return {
        # These two as they were before there were independent sources: with the operator's word.
        **_interval(times.together),
        "independent": _interval(times.alone),
        "operator": _interval(times.together),
        "claimed": {"first": times.claimed[0], "last": times.claimed[-1]},
        "entries": [_entry(line, one) for one in times.about],
        "sources": [_source(one) for one in sources],
        "contradictions": [
            {"kind": one.kind, "first": _source(one.first), "second": _source(one.second)} for one in found
        ],
    }


def _entry(line: Timeline, one: Admitted) -> dict[str, Any]:
    event, position = one.placed.statement.event, one.placed.position
    return {
        "position": position,
        "type": event.type,
        "subject": event.subject,
        "independent": _interval(line.interval(position, *_ALONE)),
        "operator": _interval(line.interval(position, *_TOGETHER)),
        "claimed": event.time,
    }


def _interval(interval: Interval) -> dict[str, str | None]:
    return {
        name: None if source is None else time_text(source.limit)
        for name, source in (("not_before", interval.not_before), ("not_after", interval.not_after))
    }


def _source(source: Source) -> dict[str, Any]:
    return {
        "source": f"{source.kind} {source.name} {source.detail}".strip(),
        "by": source.word,
        "kind": source.kind,
        "bound": source.bound,
        "place": source.place,
        "time": time_text(source.time),
        "accuracy": source.accuracy,
        "limit": time_text(source.limit),
    }
