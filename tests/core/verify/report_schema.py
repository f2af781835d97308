"""docs/verify.schema.json, and what it says of a report."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft202012Validator

from tallystick.report.as_json import json_report
from tallystick.verify import Report
from tests.architecture.tree import ROOT

SCHEMA: dict[str, Any] = json.loads((ROOT / "docs" / "verify.schema.json").read_bytes())
_VALIDATOR = Draft202012Validator(SCHEMA)
_REPORT = Draft202012Validator({**SCHEMA["$defs"]["report"], "$defs": SCHEMA["$defs"]})


def faults(value: Any) -> list[str]:
    """What does not fit, of anything that the command prints."""
    return [f"{error.json_path}: {error.message}" for error in _VALIDATOR.iter_errors(value)]


def faults_of(report: Report) -> list[str]:
    """What does not fit of this report, as printed: said of the part at fault, not of the alternatives."""
    return [f"{error.json_path}: {error.message}" for error in _REPORT.iter_errors(json.loads(json_report(report)))]
