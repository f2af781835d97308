"""What a bundle encloses for people: report and forms as pages, the report as PDF beside them.

The case is written once with these files empty, verified under this log's own trust file, and written again with them:
so they are about everything that the bundle holds but themselves and the manifests, and say nothing that the
verifier did not find.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tallystick.admission.decide import CLOCK_TOLERANCE
from tallystick.bundle import write_bundle
from tallystick.case import CaseMaterial, case_members
from tallystick.keys import Signer
from tallystick.times import parse_time
from tallystick.trust import parse_trust

_NAMES = (
    "cn-16-18.zh.html",
    "cn-opinion.zh.html",
    "fre-902-13.en.html",
    "fre-902-14.en.html",
    "report.en.html",
    "report.en.pdf",
    "report.zh.html",
    "report.zh.pdf",
    "vermont-1913.en.html",
)


def enclose(
    material: CaseMaterial, exporter: Signer, info: Mapping[str, str], trust: bytes, draft: Path
) -> CaseMaterial:
    """The case with what it encloses. ``draft``: a file to work in, left to the caller to remove."""
    # Loaded when a report is made, not when the service starts.
    from credentials.report_pdf import render_report
    from tallystick.report.enclosed import enclosed_pages, enclosed_reports
    from tallystick.verify import verify_case

    empty = replace(material, report=dict.fromkeys(_NAMES, b""))
    with draft.open("w+b") as file:
        write_bundle(file, case_members(empty), exporter, info)
        # The clocks of a chain or an authority may be a little ahead of ours.
        at = parse_time(material.exported_at) + CLOCK_TOLERANCE
        report = verify_case(file, parse_trust(trust), at)
    reports = enclosed_reports(report)
    files = enclosed_pages(report, reports) | {f"{name}.pdf": render_report(one) for name, one in reports.items()}
    return replace(material, report={name: files[name] for name in _NAMES})
