"""Reading of our own documents: sections by heading, tables, words in code type."""

from __future__ import annotations

import re

from tests.architecture.tree import ROOT


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """From the heading to the next of the same or a higher level."""
    match = re.search(rf"^(#+) {re.escape(heading)}$", text, re.M)
    assert match, f"no heading {heading!r}"
    rest = text[match.end() :]
    following = re.search(rf"^#{{1,{len(match[1])}}} ", rest, re.M)
    return rest[: following.start()] if following else rest


def table(text: str) -> list[list[str]]:
    """Cells of the first table in the text, without its heading lines."""
    lines = iter(text.splitlines())
    rows = []
    for line in lines:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]])
        elif rows:
            break
    return rows[2:]


def column(text: str, number: int = 0) -> list[str]:
    """One column of the first table, code type taken off."""
    return [row[number].strip("`") for row in table(text)]


def words(text: str) -> set[str]:
    """What stands in code type."""
    return set(re.findall(r"`([^`\n]+)`", text))
