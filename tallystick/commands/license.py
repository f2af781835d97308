"""``tallystick license check``: may this be done under this licence, as of this instant? Offline."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tallystick.errors import MalformedInput
from tallystick.licence.check import CheckRequest, LicenceAnswer, LicenceCheck, Outcome, Reason, Stage, check_licence
from tallystick.licence.file import read_licence_file
from tallystick.licence.question import EXAMPLE, parse_question
from tallystick.licence.staple import MAX_STAPLE_BYTES, decode_staple
from tallystick.licence.status_list import FreshnessPolicy
from tallystick.licence.wording import NAMES
from tallystick.printing import json_text, message, printable
from tallystick.schema import write
from tallystick.times import format_time
from tallystick.trust import MAX_TRUST_BYTES, Trust, parse_trust
from tallystick.versions import UnknownVersion
from tallystick.wording import Wording

EXITS = {LicenceAnswer.VALID: 0, LicenceAnswer.NOT_VALID: 1, LicenceAnswer.CANNOT_TELL: 3}
EXIT_MALFORMED = 2
MAX_SIDECAR_BYTES = 64 << 20


def add_parser(subparsers: Any) -> None:
    """Add ``license`` to the program's subcommands; its namespace gets ``run``."""
    licence = subparsers.add_parser("license", help="check a licence file, offline")
    check = licence.add_subparsers(dest="action", required=True).add_parser(
        "check",
        help="valid, not valid or cannot tell, with the deciding clause",
        description="Exit status: 0 valid, 1 not valid, 2 malformed input or usage, 3 cannot tell.",
    )
    check.add_argument("file", type=Path, help="the signed licence credential, or the signed original")
    check.add_argument("--trust", type=Path, required=True, help="trust file: logs and signers that you believe")
    check.add_argument("--for", dest="question", required=True, metavar="QUESTION", help=f'for example "{EXAMPLE}"')
    check.add_argument("--at", metavar="TIME", help="instant of the check, as 2026-01-31T12:00:00Z (default: now)")
    check.add_argument("--status", type=Path, help="stapled status of the licence, as the log hands it out")
    check.add_argument("--sidecar", type=Path, help="manifest store of a file that cannot carry one")
    check.add_argument("--lang", choices=("en", "zh"), default="en")
    check.add_argument("--json", action="store_true", help="the whole result for programs, both languages")
    check.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check and print; the exit status says the answer."""
    at = args.at or format_time(int(datetime.now(UTC).timestamp()))
    try:
        trust = parse_trust(_bytes(args.trust, MAX_TRUST_BYTES))
        found = _check(args, trust, at)
    except UnknownVersion as error:
        print(f"cannot tell: {message(error)}", file=sys.stderr)
        return EXITS[LicenceAnswer.CANNOT_TELL]
    except (MalformedInput, OSError) as error:
        print(f"malformed: {message(error)}", file=sys.stderr)
        return EXIT_MALFORMED
    if args.json:
        print(json_text({**write(found), "trust": trust.fingerprint}))
    else:
        print("\n".join(map(printable, lines(found, trust.fingerprint, args.lang))))
    return EXITS[found.answer]


def _check(args: argparse.Namespace, trust: Trust, at: str) -> LicenceCheck:
    request = CheckRequest(parse_question(args.question), at, FreshnessPolicy(trust.file.status_max_age))
    staple = args.status and decode_staple(_bytes(args.status, MAX_STAPLE_BYTES))
    sidecar = args.sidecar and _bytes(args.sidecar, MAX_SIDECAR_BYTES)
    return check_licence(read_licence_file(args.file, trust, at, sidecar), trust.logs, request, staple)


def _bytes(path: Path, limit: int) -> bytes:
    with path.open("rb") as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise MalformedInput(f"{path.name} is longer than {limit} bytes")
    return data


# --- for people -----------------------------------------------------------------

_ANSWERS = {
    LicenceAnswer.VALID: Wording("有效", "VALID"),
    LicenceAnswer.NOT_VALID: Wording("无效", "NOT VALID"),
    LicenceAnswer.CANNOT_TELL: Wording("无法判断", "CANNOT TELL"),
}
_STAGES = {
    Stage.ISSUER: Wording("签发者", "issuer"),
    Stage.SIGNATURE: Wording("签名", "signature"),
    Stage.HOLDER: Wording("持有人", "holder"),
    Stage.DATES: Wording("日期", "dates"),
    Stage.QUESTION: Wording("问题", "question"),
    Stage.STATUS: Wording("状态", "status"),
    Stage.INCLUSION: Wording("入账", "inclusion"),
}
_MARKS = {Outcome.MET: "+", Outcome.FAILED: "x", Outcome.UNKNOWN: "?", Outcome.CONDITION: "!"}
_LEGEND = Wording(
    "+ 成立  x 不成立  ? 无法判断  ! 须由使用者遵守或自行查明",
    "+ holds  x does not hold  ? cannot be told  ! for the user to keep, or to find out",
)
_WHAT_IT_IS = Wording(
    "许可不是所有权；本结果说明许可文件与日志所载，不是法律意见。",
    "A licence, never ownership. This tells what file and log say; it is no legal advice.",
)


def lines(found: LicenceCheck, fingerprint: str, lang: str) -> list[str]:
    """The result as a person reads it: the answer and what decides it first."""
    zh = lang == "zh"
    answer, status = _ANSWERS[found.answer].in_language(lang), found.status_as_of
    head = f"{answer}：截至{found.as_of}" if zh else f"{answer} as of {found.as_of}"
    labels = (
        ("问题", "许可", "信任文件 SHA-256", "决定性条款") if zh else ("question", "licence", "trust", "decided by")
    )
    known = ("状态截至", "日志大小") if zh else ("status of", "log size")
    return [
        head,
        f"{labels[3]}: {_reason(found.deciding, lang)}",
        f"{labels[0]}: {found.question}",
        f"{labels[1]}: {found.licence or '-'}",
        *([f"{known[0]}: {status.issued_at}, {known[1]} {status.log_size}"] if status else []),
        f"{labels[2]}: {fingerprint}",
        "",
        *(f"{_MARKS[reason.outcome]} {_reason(reason, lang)}" for reason in found.reasons),
        "",
        _LEGEND.in_language(lang),
        _WHAT_IT_IS.in_language(lang),
    ]


def _reason(reason: Reason, lang: str) -> str:
    stage, text = _STAGES[reason.stage].in_language(lang), reason.text.in_language(lang)
    if reason.term is None or reason.clause is None:
        return f"{stage}: {text}"
    return f"{stage}, {NAMES[reason.term].in_language(lang)} [{reason.clause.in_language(lang)}]: {text}"
