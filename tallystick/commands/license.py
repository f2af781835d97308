"""``tallystick license``: check what a licence permits as of an instant, and present a token. Offline, both."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tallystick.c2pa.receipt_shown import ReceiptShown, receipt_words
from tallystick.commands import license_present
from tallystick.errors import MalformedInput
from tallystick.licence.check import CheckRequest, LicenceAnswer, LicenceCheck, Outcome, Reason, Stage
from tallystick.licence.document import answer_document, check_presented, read_paper, read_presented
from tallystick.licence.evidence import MAX_EVIDENCE_BYTES, decode_status
from tallystick.licence.question import EXAMPLE, parse_question
from tallystick.licence.seen import MAX_SEEN_BYTES, NOTHING_SEEN, SeenLists, decode_seen, encode_seen
from tallystick.licence.status_list import FreshnessPolicy
from tallystick.licence.wording import NAMES
from tallystick.printing import json_text, message, printable, untried
from tallystick.times import format_time
from tallystick.token.binding import MAX_AGE, Expected
from tallystick.trust import MAX_TRUST_BYTES, Trust, parse_trust
from tallystick.versions import UnknownVersion
from tallystick.wording import Wording

EXITS = {LicenceAnswer.VALID: 0, LicenceAnswer.NOT_VALID: 1, LicenceAnswer.CANNOT_TELL: 3}
EXIT_MALFORMED = 2
_GRAVEST = (EXIT_MALFORMED, 1, 3, 0)
MAX_SIDECAR_BYTES = 64 << 20
STATUS_SUFFIX, SIDECAR_SUFFIX = ".status.json", ".c2pa"
"""In a folder: a file's status, and its manifest store, beside it under its own name and this."""


def add_parser(subparsers: Any) -> None:
    """Add ``license`` to the program's subcommands; its namespace gets ``run``."""
    licence = subparsers.add_parser("license", help="check or present a licence, offline")
    actions = licence.add_subparsers(dest="action", required=True)
    license_present.add_parser(actions)
    check = actions.add_parser(
        "check",
        help="valid, not valid or cannot tell, with the deciding clause",
        description="Exit status: 0 valid, 1 not valid, 2 malformed input or usage, 3 cannot tell. "
        "Of a folder: the first of 2, 1, 3 that any of its files comes to.",
    )
    check.add_argument(
        "file", type=Path, nargs="?", help="signed licence credential, signed original, licence token, or a folder"
    )
    check.add_argument("--code", metavar="TEXT", help="instead of a file: what the QR code of a paper or card says")
    check.add_argument("--trust", type=Path, required=True, help="trust file: logs and signers that you believe")
    check.add_argument("--for", dest="question", required=True, metavar="QUESTION", help=f'for example "{EXAMPLE}"')
    check.add_argument("--at", metavar="TIME", help="instant of the check, as 2026-01-31T12:00:00Z (default: now)")
    check.add_argument(
        "--status", type=Path, help="stapled status, as the log hands it out (in a folder: NAME.status.json)"
    )
    check.add_argument("--sidecar", type=Path, help="manifest store of a file that cannot carry one (NAME.c2pa)")
    check.add_argument("--audience", metavar="TEXT", help="demand that the holder's key was shown to you: your name")
    check.add_argument("--nonce", metavar="TEXT", help="and the nonce that you gave out; both or neither")
    check.add_argument("--presented-within", type=int, default=MAX_AGE, metavar="SECONDS", help="how new it must be")
    check.add_argument("--seen", type=Path, help="file that remembers the newest status lists; an older one is no news")
    check.add_argument("--lang", choices=("en", "zh"), default="en")
    check.add_argument("--json", action="store_true", help="the whole result for programs, both languages")
    check.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check and print; the exit status says the answer."""
    at = args.at or format_time(int(datetime.now(UTC).timestamp()))
    try:
        trust = parse_trust(_bytes(args.trust, MAX_TRUST_BYTES))
        request = _request(args, trust, at)
        files = _files(args)
    except UnknownVersion as error:
        return _unknown(error, args.lang)
    except (MalformedInput, OSError) as error:
        return _malformed(error, args.lang)
    several = args.file is not None and args.file.is_dir()
    codes = {_run_one(args, file, trust, request, several) for file in files}
    return next(code for code in _GRAVEST if code in codes)


def _request(args: argparse.Namespace, trust: Trust, at: str) -> CheckRequest:
    if (args.audience is None) != (args.nonce is None):
        raise MalformedInput("--audience and --nonce belong together")
    expected = None if args.nonce is None else Expected(args.audience, args.nonce, args.presented_within)
    seen = decode_seen(_bytes(args.seen, MAX_SEEN_BYTES)) if args.seen and args.seen.exists() else NOTHING_SEEN
    policy = FreshnessPolicy(trust.file.status_max_age)
    return CheckRequest(parse_question(args.question), at, policy, expected=expected, seen=seen)


def _files(args: argparse.Namespace) -> list[Path | None]:
    """The file, or those in the folder that are not there for another; ``None``: the code."""
    if (args.file is None) == (args.code is None):
        raise MalformedInput("expected a file, or --code and the text of a QR code")
    if args.file is None and args.sidecar:
        raise MalformedInput("--sidecar is of a file")
    if args.file is None or not args.file.is_dir():
        return [args.file]
    if args.status or args.sidecar:
        raise MalformedInput("--status and --sidecar are of one file; in a folder they stand beside it by its name")
    beside = (STATUS_SUFFIX, SIDECAR_SUFFIX)
    found: list[Path | None] = sorted(
        one for one in args.file.iterdir() if one.is_file() and not one.name.endswith(beside)
    )
    if not found:
        raise MalformedInput(f"no files in {args.file}")
    return found


def _run_one(args: argparse.Namespace, file: Path | None, trust: Trust, request: CheckRequest, several: bool) -> int:
    if several and file and not args.json:
        print(f"{printable(file.name)}:")
    try:
        sidecar = _beside(file, SIDECAR_SUFFIX) if several and file else args.sidecar
        status = _beside(file, STATUS_SUFFIX) if several and file else args.status
        store = _bytes(sidecar, MAX_SIDECAR_BYTES) if sidecar else None
        presented = read_presented(file, trust, request, store) if file else read_paper(args.code)
        staple = decode_status(_bytes(status, MAX_EVIDENCE_BYTES)) if status else None
        found = check_presented(presented, trust, request, staple)
        if args.seen and found.status_as_of:
            _remember(args.seen, found)
    except UnknownVersion as error:
        return _unknown(error, args.lang)
    except (MalformedInput, OSError) as error:
        return _malformed(error, args.lang)
    told = presented.disagreements
    if args.json:
        document = answer_document(found, trust.fingerprint, told, presented.facts.receipt)
        # A line for each file of a folder.
        print(json_text({"file": file.name, **document}, None) if several and file else json_text(document))
    else:
        more = [*_receipt(presented.facts.receipt, args.lang), *_second(told, args.lang)]
        print("\n".join(map(printable, [*lines(found, trust.fingerprint, args.lang), *more])))
    return EXITS[found.answer]


def _beside(file: Path, suffix: str) -> Path | None:
    path = file.with_name(file.name + suffix)
    return path if path.exists() else None


def _remember(path: Path, found: LicenceCheck) -> None:
    """A status list that was proved, whatever it says."""
    known = decode_seen(_bytes(path, MAX_SEEN_BYTES)) if path.exists() else SeenLists()
    status = found.status_as_of
    if status is not None:
        path.write_bytes(encode_seen(known.with_list(status.list, status.issued_at, status.log_size)))


def _unknown(error: Exception, lang: str) -> int:
    print(f"{'无法判断：' if lang == 'zh' else 'cannot tell: '}{message(error)}", file=sys.stderr)
    return EXITS[LicenceAnswer.CANNOT_TELL]


def _malformed(error: Exception, lang: str) -> int:
    print(untried(error, lang), file=sys.stderr)
    return EXIT_MALFORMED


def _bytes(path: Path, limit: int) -> bytes:
    with path.open("rb") as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise MalformedInput(f"{path.name} is longer than {limit} bytes")
    return data


def _receipt(shown: ReceiptShown | None, lang: str) -> list[str]:
    return [] if shown is None else [receipt_words(shown).in_language(lang)]


def _second(told: tuple[str, ...], lang: str) -> list[str]:
    head = Wording("另一引擎的意见（不影响结论）", "another engine disagrees (this decides nothing)")
    return [f"{head.in_language(lang)}{_MARKS_OF[lang][1]}{one}" for one in told]


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
_MARKS_OF = {"zh": ("，", "："), "en": (", ", ": ")}
"""What parts a sentence, and what stands before what is told."""
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
    comma, colon = _MARKS_OF[lang]
    return [
        head,
        f"{labels[3]}{colon}{_reason(found.deciding, lang)}",
        f"{labels[0]}{colon}{found.question}",
        f"{labels[1]}{colon}{found.licence or '-'}",
        *([f"{known[0]}{colon}{status.issued_at}{comma}{known[1]} {status.log_size}"] if status else []),
        f"{labels[2]}{colon}{fingerprint}",
        "",
        *(f"{_MARKS[reason.outcome]} {_reason(reason, lang)}" for reason in found.reasons),
        "",
        _LEGEND.in_language(lang),
        _WHAT_IT_IS.in_language(lang),
    ]


def _reason(reason: Reason, lang: str) -> str:
    stage, text = _STAGES[reason.stage].in_language(lang), reason.text.in_language(lang)
    comma, colon = _MARKS_OF[lang]
    if reason.term is None or reason.clause is None:
        return f"{stage}{colon}{text}"
    clause = reason.clause.in_language(lang)
    shown = f"［{clause}］" if lang == "zh" else f" [{clause}]"
    return f"{stage}{comma}{NAMES[reason.term].in_language(lang)}{shown}{colon}{text}"
