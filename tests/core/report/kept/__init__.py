"""What people read of the kept bundles, as text and page, in both languages."""

from __future__ import annotations

import json
from pathlib import Path

from tallystick import __version__
from tallystick.report.as_html import html_page, html_report
from tallystick.report.as_text import text_report
from tallystick.report.forms import forms
from tallystick.trust import parse_trust
from tallystick.verify import Report, verify_case
from tests.architecture.tree import ROOT

HERE = Path(__file__).parent
_PROGRAM = f"tallystick {__version__}"


def kept_report(version: str) -> Report:
    """Of the kept bundle of that version."""
    folder = ROOT / "fixtures" / "golden" / version / "evidence"
    at = int(json.loads((folder / "expected.json").read_text(encoding="utf-8"))["at"])
    with (folder / "case.zip").open("rb") as file:
        return verify_case(file, parse_trust((folder / "trust.json").read_bytes()), at)


def renderings() -> dict[str, str]:
    """By file name; the number of this program's version, which changes, left out."""
    first, second = kept_report("1"), kept_report("2")
    made = {
        "case-1.en.txt": text_report(first, "en"),
        "case-2.zh.txt": text_report(second, "zh"),
        "case-2.en.html": html_report(second, "en"),
        "vermont-1913.en.html": html_page(forms(second)["vermont-1913.en"]),
        "cn-16-18.zh.html": html_page(forms(first)["cn-16-18.zh"]),
    }
    return {name: text.replace(_PROGRAM, "tallystick VERSION") for name, text in made.items()}
