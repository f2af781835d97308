"""Verification of an evidence bundle: numbered steps, one claim each, and a frozen report.

``verify_case`` takes the bundle, the trust file and the time from its caller. It
reads no clock, no network and no database, and takes nothing on trust from the bundle.
"""

from tallystick.verify.engine import verify_case
from tallystick.verify.outcome import CLAIM_IDS, Claim, Line, Outcome, Report, Verdict

__all__ = ["CLAIM_IDS", "Claim", "Line", "Outcome", "Report", "Verdict", "verify_case"]
