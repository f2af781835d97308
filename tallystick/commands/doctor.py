"""``tallystick doctor cert``: what exactly is wrong with a signer's certificates. Offline."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tallystick.commands.frame import (
    EXIT_NOT_PROVED,
    Answer,
    add_output,
    add_time,
    answer,
    read_limited,
    time_of,
    trust_of,
)
from tallystick.errors import MalformedInput
from tallystick.report.phrase import Phrase

if TYPE_CHECKING:
    from tallystick.c2pa.chain import Fault, SignerRoots

PURPOSES = ("claim", "tsa", "cawg", "pdf")
_NOTHING = Phrase(
    "no fault was found: as {purpose} it may sign at {at}", "未发现问题：可在 {at} 用于签名（用途 {purpose}）"
)
_FAULTS = Phrase(
    "{count} faults were found, as {purpose} at {at}:", "发现 {count} 处问题（用途 {purpose}，时刻 {at}）："
)
_UNASKED = Phrase(
    "whether its root is trusted was not asked (--trust FILE)", "未核对其根是否受信任（可用 --trust 文件）"
)
_DO = Phrase("    what to do: {remedy}", "    处理办法：{remedy}")


def add_parser(subparsers: Any) -> None:
    """Add ``doctor`` to the program's subcommands; its namespace gets ``run``."""
    doctor = subparsers.add_parser("doctor", help="name what is wrong with certificates, offline")
    kinds = doctor.add_subparsers(dest="kind", required=True, metavar="KIND")
    cert = kinds.add_parser(
        "cert",
        help="a signer's certificate and those above it",
        description="Exit status: 0 no fault, 1 at least one, 2 malformed input or usage.",
    )
    cert.add_argument(
        "files", type=Path, nargs="+", metavar="FILE", help="certificates as PEM, signer first (or one DER)"
    )
    cert.add_argument("--key", type=Path, help="PEM of the key that should belong to it, private or public")
    cert.add_argument("--purpose", choices=PURPOSES, default="claim", help="what it is to sign (default: claim)")
    cert.add_argument("--trust", type=Path, help="trust file: the roots for this purpose, in one of which it must end")
    add_time(cert)
    add_output(cert)
    cert.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Diagnose and print; the exit status says whether a fault was found."""
    return answer(args, _diagnose, Phrase("not judged", "未判断"))


def _diagnose(args: argparse.Namespace) -> Answer:
    # Loaded here: other commands do not wait for certificates.
    from tallystick.c2pa.doctor import MAX_PEM, diagnose

    at = time_of(args)
    parts = [read_limited(file, MAX_PEM) for file in args.files]
    key = None if args.key is None else read_limited(args.key, MAX_PEM)
    found = diagnose(b"\n".join(parts), _roots(args), datetime.fromtimestamp(at, UTC), args.purpose, key)
    value = {
        "verdict": "faults" if found else "no_fault",
        "purpose": args.purpose,
        "at": args.at,
        "roots_asked": args.trust is not None,
        "faults": [_value(fault) for fault in found],
    }
    return Answer(value, _lines(args, found), EXIT_NOT_PROVED if found else 0)


def _roots(args: argparse.Namespace) -> SignerRoots | None:
    """The roots of the trust file for the purpose."""
    if args.trust is None:
        return None
    from cryptography import x509

    from tallystick.c2pa.chain import SignerRoots

    trust = trust_of(args)
    lists = {
        "claim": trust.c2pa_roots,
        "cawg": trust.cawg_roots,
        "tsa": tuple(authority.root for authority in trust.time_authorities),
        "pdf": trust.pdf_roots,
    }
    try:
        return SignerRoots(tuple(map(x509.load_der_x509_certificate, lists[args.purpose])))
    except ValueError as error:
        raise MalformedInput(f"a root of the trust file is no certificate: {error}") from None


def _value(fault: Fault) -> dict[str, Any]:
    from tallystick.c2pa.faults_told import TOLD

    code = fault.code.removeprefix("signer.")
    told = TOLD[code]
    words = {
        language: {"what": told.what.in_language(language), "remedy": told.remedy.in_language(language)}
        for language in ("en", "zh")
    }
    return {"code": code, "detail": fault.detail, **words}


def _lines(args: argparse.Namespace, found: tuple[Fault, ...]) -> Iterator[str]:
    def say(phrase: Phrase, **values: object) -> str:
        return (phrase.zh if args.lang == "zh" else phrase.en).format(**values)

    head = _FAULTS if found else _NOTHING
    yield say(head, count=len(found), purpose=args.purpose, at=args.at)
    for fault in found:
        value = _value(fault)
        yield f"  {value['code']}: {value[args.lang]['what']}"
        yield f"    {value['detail']}"
        yield say(_DO, remedy=value[args.lang]["remedy"])
    if args.trust is None:
        yield say(_UNASKED)
