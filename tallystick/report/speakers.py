"""Who said what: each statement with its signer, the signer's own time and when it was logged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tallystick.report.event_names import event_name
from tallystick.report.layout import Row, Section, plain
from tallystick.report.phrase import Language
from tallystick.report.words import words
from tallystick.verify.outcome import Report

_NAME = 200
"""Characters of a name; it stands beside everything that its bearer said."""
_MOST = 300
"""Statements in the table; ``--json`` has all of them."""
_UNTOLD = frozenset({"log.batch", "log.map-root"})
"""What the log says of itself with each publication."""


def who_section(report: Report, language: Language) -> Section:
    """The table. Empty unless the entries are signed, in the signed tree, and entitled."""
    w = words(language)
    rows = list(_rows(report, language))
    notes = (w.more_statements.format(count=len(rows) - _MOST),) if len(rows) > _MOST else ()
    if not rows:
        return Section(w.who, paragraphs=(w.nothing,))
    return Section(
        w.who,
        paragraphs=(w.who_lead,),
        heads=w.who_heads,
        widths=(14, 7, 34, 31, 14),
        rows=tuple(rows[:_MOST]),
        notes=notes,
    )


def _rows(report: Report, language: Language) -> Iterable[Row]:
    w = words(language)
    names = names_of(report)
    for one in proved_statements(report):
        if one["type"] in _UNTOLD:
            continue
        if "recorded_for" in one:
            by = w.recorded.format(who=called(one["recorded_for"], names))
        else:
            known = {one["signed_by"]: w.roles[one["role"]]} if one["role"] in w.roles else names
            by = w.signed.format(who=called(one["signed_by"], known))
        what = f"{event_name(one['type'], language)} {called(one['subject'], names)}"
        yield plain(one["admitted_at"]), str(one["position"]), what, by, plain(one["claimed_at"])


def proved_statements(report: Report) -> list[Mapping[str, Any]]:
    """What the entries say counts once they are signed, in the signed tree, and entitled."""
    if report.claim("entitlement").outcome != "proved":
        return []
    found: list[Mapping[str, Any]] = report.facts["statements"]
    return found


def names_of(report: Report) -> dict[str, str]:
    """Parties whose name is disclosed, and matches its commitment."""
    if report.claim("disclosure").outcome != "proved":
        return {}
    disclosed: Mapping[str, Mapping[str, Any]] = report.facts["disclosed"]
    return {
        one["subject"]: str(disclosed[str(one["position"])]["name"])[:_NAME]
        for one in proved_statements(report)
        if one["type"] == "party.register" and "name" in disclosed.get(str(one["position"]), {})
    }


def called(subject: str, names: Mapping[str, str]) -> str:
    """By name and identifier, where a name is proved."""
    return f"{names[subject]} ({subject})" if subject in names else subject
