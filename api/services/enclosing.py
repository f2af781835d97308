"""What a bundle encloses for people: report and forms as pages, the report as PDF beside them.

The case is written once with these files empty, verified under this log's own trust file, and written again with them:
so they are about everything that the bundle holds but themselves and the manifests, and say nothing that the
verifier did not find. They are as of the latest time that the case itself shows: for the same facts the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from tallystick.bundle import write_bundle
from tallystick.case import CaseMaterial, case_members
from tallystick.keys import Signer
from tallystick.times import parse_time
from tallystick.trust import Trust, parse_trust
from tallystick.verify import Report, verify_case

_NAMES = (
    "cn-16-18.zh.html",
    "cn-opinion.zh.html",
    "fre-902-13.en.html",
    "fre-902-14.en.html",
    "report.en.html",
    "report.en.pdf",
    "report.zh.html",
    "report.zh.pdf",
    "trust-list.json",
    "vermont-1913.en.html",
)
_LATE = 10 * 366 * 86_400
"""Seconds after the tree head, when everything that the case shows lies in the past."""


def enclose(
    material: CaseMaterial, exporter: Signer, info: Mapping[str, str], trust_file: bytes, draft: Path
) -> CaseMaterial:
    """The case with what it encloses. ``draft``: a file to work in, left to the caller to remove."""
    # Loaded when a report is made, not when the service starts.
    from credentials.report_pdf import render_report
    from tallystick.report.enclosed import enclosed_pages, enclosed_reports

    def judge(given: CaseMaterial, at: int) -> Report:
        with draft.open("w+b") as file:
            write_bundle(file, case_members(given), exporter, info)
            return verify_case(file, trust, at)

    trust: Trust = parse_trust(trust_file)
    exported = parse_time(material.exported_at)
    # What the originals are says nothing of when: they are read once, below.
    at = max(exported, *_times(judge(replace(material, originals=(), report={}), exported + _LATE)))
    report = judge(replace(material, report=dict.fromkeys(_NAMES, b"")), at)
    reports = enclosed_reports(report)
    files = enclosed_pages(report, reports) | {f"{name}.pdf": render_report(one) for name, one in reports.items()}
    # The trust file by which they were made, as it was: it adds no trust to a reader's own.
    files["trust-list.json"] = trust_file
    return replace(material, report={name: files[name] for name in _NAMES})


def _times(report: Report) -> Iterator[int]:
    """When what the case shows was admitted, anchored, stamped, cosigned and audited."""
    facts = report.facts
    told = [one["admitted_at"] for one in facts.get("statements", ())]
    told += [one["block_time"] for one in facts.get("anchors", ())]
    # One that fell says nothing of time, whoever dated it.
    told += [one["not_after"] for one in facts.get("timestamps", ()) if one["proved"]]
    told += [one["time"] for one in facts.get("time", {}).get("sources", ()) if one["kind"] != "claimed"]
    told += [one["time"] for history in facts.get("histories", ()) for one in history["auditors"]]
    yield 0
    yield from map(parse_time, told)
