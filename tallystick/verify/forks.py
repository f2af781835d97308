"""What the caller says against the log, within step 5: whose word nothing rests on, and what does not hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.key_history import KeyHistory
from tallystick.verify.examination import Examination
from tallystick.verify.outcome import Line, Tally, say

if TYPE_CHECKING:
    from tallystick.verify.accusation import Judged


def check_accusations(ex: Examination, keys: KeyHistory, innocent: Tally) -> list[Line]:
    """What convicts the log of a fork; into ``innocent`` goes what was said against it and does not hold."""
    if not ex.accusations:
        return []
    # Loaded here: most cases are accused of nothing.
    from tallystick.verify.accusation import judge, judged_facts

    lines, facts = [], []
    for accusation in ex.accusations:
        try:
            judged = judge(accusation, keys, ex.trust, ex.at)
        except (MalformedInput, VerificationFailed) as error:
            innocent.shows("checkpoint.no-fork", detail=str(error))
            continue
        facts.append(judged_facts(judged))
        lines += _lines(judged)
    if facts:
        ex.facts["forks"] = facts
    return lines


def _lines(judged: Judged) -> list[Line]:
    fork, standing = judged.fork, judged.standing
    forked = say(
        f"checkpoint.fork-{fork.kind}",
        first=fork.first.size,
        second=fork.second.size,
        first_root=fork.first.root.hex(),
        second_root=fork.second.root.hex(),
        opened=(fork.opened or b"").hex(),
        index=fork.index,
        keys=", ".join(fork.signed_by),
    )
    if standing is None:
        return [forked]
    return [forked, say(f"conviction.{standing.why}", **standing.values)]
