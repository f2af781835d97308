"""``tallystick verify-certificate``: is this certificate the registrar's? Offline, from its PDF or its code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tallystick import canonical
from tallystick.certificate_qr import MAX_TEXT, PREFIX, QrFact, verify_qr
from tallystick.commands.frame import tell_clock
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.printing import json_text, message, printable, untried
from tallystick.report.certificate_words import MEMBER_NAMES, OVER, VALUE_NAMES, WORDS
from tallystick.report.phrases import Language, Phrase
from tallystick.times import format_time, parse_time
from tallystick.trust import MAX_TRUST_BYTES, Trust, parse_trust
from tallystick.versions import UnknownVersion

if TYPE_CHECKING:
    from tallystick.certificate_check import CardFact, CertificateFact

EXIT_NOT_PROVED, EXIT_MALFORMED = 1, 2
_MAX_PDF = 1 << 26
_PNG = b"\x89PNG\r\n\x1a\n"


def add_parser(subparsers: Any) -> None:
    """Add ``verify-certificate`` to the program's subcommands; its namespace gets ``run``."""
    verify = subparsers.add_parser(
        "verify-certificate",
        help="verify a certificate of registration, from its PDF, its card or its code, offline",
        description="Exit status: 0 the registrar issued the certificate, 1 not proved, 2 malformed input or usage. "
        "Of a card, 0 is about the log's record: whether the picture is the registrar's is said beside it.",
    )
    verify.add_argument(
        "certificate", help="a PDF; a card (PNG); a file with the text that a phone read from the code; or that text"
    )
    verify.add_argument("--trust", type=Path, required=True, help="trust file")
    verify.add_argument("--at", metavar="TIME", help="instant of verification, as 2026-01-31T12:00:00Z (default: now)")
    verify.add_argument("--json", action="store_true", help="the result for programs")
    verify.add_argument("--lang", choices=("en", "zh"), default="en", help="language of the answer")
    verify.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Verify and print; the exit status says whether it is proved."""
    if args.at is None:
        args.at = format_time(int(datetime.now(UTC).timestamp()))
        tell_clock(args.at, args.lang)
    try:
        at, trust = parse_time(args.at), parse_trust(_read(args.trust, MAX_TRUST_BYTES))
        found = _verified(args.certificate, trust, at)
    except (VerificationFailed, UnknownVersion) as error:
        return _failed(args, "not_proved", EXIT_NOT_PROVED, error)
    except (MalformedInput, OSError) as error:
        return _failed(args, "malformed", EXIT_MALFORMED, error)
    if args.json:
        sys.stdout.write(json_text(_facts(found)) + "\n")
    else:
        print("\n".join(map(printable, _lines(found, args.lang))))
    return 0


def _verified(given: str, trust: Trust, at: int) -> QrFact | CardFact | CertificateFact:
    if given.startswith(PREFIX):
        return verify_qr(given.strip(), trust)
    data = _read(Path(given), _MAX_PDF)
    if data.startswith(PREFIX.encode()):
        return verify_qr(data[: MAX_TEXT + 2].decode("ascii", "replace").strip(), trust)
    from tallystick.certificate_check import check_certificate_card, check_certificate_file

    return (check_certificate_card if data.startswith(_PNG) else check_certificate_file)(data, trust, at)


def _read(path: Path, limit: int) -> bytes:
    with path.open("rb") as file:
        return file.read(limit + 1)


def _facts(found: QrFact | CardFact | CertificateFact) -> dict[str, Any]:
    head = found.checkpoint
    facts: dict[str, Any] = {
        "verdict": "proved",
        "certificate": found.certificate,
        "number": found.number,
        "log": found.log,
        "position": found.position,
        "as_of": {"size": head.size, "root": head.root.hex()},
    }
    if isinstance(found, QrFact):
        return facts | {"from": "code", "leaf": found.leaf.hex()}
    facts["as_of"]["signed_at"] = format_time(found.signed_at)
    facts |= {"object": found.object, "supersedes": found.supersedes, "reason": found.reason}
    from tallystick.certificate_check import CardFact

    if isinstance(found, CardFact):
        return facts | _card_facts(found)
    return facts | {
        "from": "pdf",
        "signer": found.document.signer,
        "judged_at": format_time(int(found.document.judged_at.timestamp())),
        "values": found.values,
        "problems": list(found.document.problems),
    }


def _card_facts(found: CardFact) -> dict[str, Any]:
    from tallystick.c2pa.receipt_shown import receipt_document

    unknown = [] if found.recorded else [WORDS["picture-unknown"].en.format(origin=found.log)]
    return {
        "from": "card",
        "signer": found.card.signer,
        "judged_at": format_time(int(found.card.judged_at.timestamp())),
        "picture_recorded": found.recorded,
        "problems": [*unknown, *found.card.problems],
        **({} if found.receipt is None else {"receipt": receipt_document(found.receipt)}),
    }


class _Say(Protocol):
    def __call__(self, phrase_of: str, **values: object) -> str: ...


def _lines(found: QrFact | CardFact | CertificateFact, language: Language) -> Iterator[str]:
    def say(phrase_of: str, **values: object) -> str:
        phrase = WORDS[phrase_of]
        return (phrase.zh if language == "zh" else phrase.en).format(**values)

    head = found.checkpoint
    yield from _head_lines(found, say)
    placed = say("placed", origin=found.log, position=found.position, size=head.size, root=head.root.hex())
    if isinstance(found, QrFact):
        yield "  " + placed
        yield "  " + say("light")
    else:
        yield from _signature_lines(found, language, say)
        yield "  " + placed
        yield "  " + say("signed-at", time=format_time(found.signed_at))
        if found.supersedes is not None:
            yield "  " + say("supersedes", certificate=found.supersedes)
        yield from _content_lines(found, language, say)
    yield say("limits")
    words = "limit-paper"
    if not isinstance(found, QrFact):
        words = "limit-words" if hasattr(found, "document") else "limit-card"
    for limit in ("limit-force", words, "limit-truth"):
        yield "  - " + say(limit, size=head.size)


def _head_lines(found: QrFact | CardFact | CertificateFact, say: _Say) -> Iterator[str]:
    """What was proved of the certificate, and at once what was not of the picture that brought it."""
    recorded = getattr(found, "recorded", None)
    words = "proved-record" if recorded is False else "proved"
    yield say(words, number=found.number, certificate=found.certificate)
    if recorded is not None:
        yield "  " + say("picture-recorded" if recorded else "picture-unknown", origin=found.log)


def _signature_lines(found: CardFact | CertificateFact, language: Language, say: _Say) -> Iterator[str]:
    from tallystick.certificate_check import CardFact

    if isinstance(found, CardFact):
        yield "  " + say("signer", signer=found.card.signer, time=f"{found.card.judged_at:%Y-%m-%dT%H:%M:%SZ}")
        if proven := found.card.dated_by:
            over = OVER["signature"].zh if language == "zh" else OVER["signature"].en
            told = say("stamp", over=over, time=f"{proven.time:%Y-%m-%dT%H:%M:%SZ}", authority=proven.authority)
            yield "  " + told + " " + say("independent" if proven.independent else "dependent")
        return
    document = found.document
    yield "  " + say("signer", signer=document.signer, time=f"{document.judged_at:%Y-%m-%dT%H:%M:%SZ}")
    for stamp in document.stamps:
        if stamp.fact is not None:
            fact = stamp.fact
            whose = "own" if fact.operator_only else "independent" if fact.independent else "dependent"
            over = OVER[stamp.over].zh if language == "zh" else OVER[stamp.over].en
            told = format_time(fact.gen_time // 1_000_000)
            yield "  " + say("stamp", over=over, time=told, authority=fact.authority) + " " + say(whose)


def _content_lines(found: CardFact | CertificateFact, language: Language, say: _Say) -> Iterator[str]:
    from tallystick.certificate_check import CardFact

    if isinstance(found, CardFact):
        if found.receipt is not None:
            from tallystick.c2pa.receipt_shown import receipt_words

            yield "  " + receipt_words(found.receipt).in_language(language)
        problems = found.card.problems
    else:
        for name, value in found.values.items():
            yield "  " + say("value", name=_named(VALUE_NAMES, name, language), value=_shown(value, language))
        problems = found.document.problems
    for problem in problems:
        yield "  " + say("problem", text=problem)


def _named(names: Mapping[str, Phrase], name: str, language: Language) -> str:
    phrase = names.get(name)
    return name if phrase is None else phrase.zh if language == "zh" else phrase.en


def _shown(value: Any, language: Language) -> str:
    """A value for people: members of a list are numbered where there are several, those of a record named."""
    if isinstance(value, list) and all(isinstance(one, str | dict) for one in value):
        told = [_shown(one, language) for one in value]
        return told[0] if len(told) == 1 else " ".join(f"({n}) {one}" for n, one in enumerate(told, 1))
    if isinstance(value, dict) and all(isinstance(one, str) for one in value.values()):
        parted = "，" if language == "zh" else ", "
        return parted.join(f"{_named(MEMBER_NAMES, name, language)} {one}" for name, one in value.items() if one)
    return value if isinstance(value, str) else canonical.encode(value).decode()


def _failed(args: argparse.Namespace, verdict: str, status: int, error: Exception) -> int:
    if args.json:
        print(json_text({"verdict": verdict, "error": message(error)}, indent=None))
    elif verdict == "malformed":
        print(untried(error, args.lang), file=sys.stderr)
    else:
        phrase = WORDS["not-proved"]
        print(f"{phrase.zh if args.lang == 'zh' else phrase.en}: {message(error)}", file=sys.stderr)
    return status
