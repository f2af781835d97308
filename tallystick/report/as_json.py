"""The report as JSON: stable ids and outcomes; evidence in English sentences."""

from __future__ import annotations

from typing import Any

from tallystick.printing import json_text
from tallystick.report.lines import sentence
from tallystick.times import format_time
from tallystick.verify.outcome import Report


def report_value(report: Report) -> dict[str, Any]:
    """The JSON value: verdict, claims, what was verified with what and as of when, facts."""
    return {
        "verdict": report.verdict,
        "refused_at": report.refused_at,
        "claims": [
            {
                "id": claim.id,
                "step": claim.step,
                "outcome": claim.outcome,
                "required": claim.required,
                "evidence": [sentence(line, "en") for line in claim.evidence],
            }
            for claim in report.claims
        ],
        "trust_fingerprint": report.trust_fingerprint,
        "at": format_time(report.at),
        "bundle_sha256": report.bundle_sha256,
        "facts": dict(report.facts),
    }


def json_report(report: Report) -> str:
    """JSON text, indented, ending in a newline."""
    return json_text(report_value(report)) + "\n"
