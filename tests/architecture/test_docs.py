"""What the documents point at exists."""

from __future__ import annotations

import re

from tests.architecture.tree import ROOT, files, relative

LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
MAKE = re.compile(r"^(?: {4}|\$ )make ([a-z-]+)", re.M)


def headings(text: str) -> set[str]:
    """The anchors that a reader's renderer makes of the headings."""
    titles = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def test_links_lead_somewhere() -> None:
    broken = []
    for path in files(".md"):
        for target, anchor in LINK.findall(path.read_text(encoding="utf-8")):
            goal = (path.parent / target).resolve() if target else path
            if not goal.exists() or (anchor and anchor not in headings(goal.read_text(encoding="utf-8"))):
                broken.append(f"{relative(path)}: {target}#{anchor}")
    assert broken == []


def test_every_make_target_that_is_told_of_exists() -> None:
    targets = set(re.findall(r"^([a-z][a-z -]*):", (ROOT / "Makefile").read_text(), re.M))
    known = {name for line in targets for name in line.split()}
    told = {name for path in files(".md") for name in MAKE.findall(path.read_text(encoding="utf-8"))}
    assert {"demo", "test"} <= told
    assert told - known == set()
