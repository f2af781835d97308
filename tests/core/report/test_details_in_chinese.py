"""A layman's damage to a bundle is told in Chinese where the report is Chinese."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable

import pytest

from tallystick.report.detail_words import in_chinese
from tallystick.report.lines import sentence
from tallystick.times import parse_time
from tallystick.trust import parse_trust
from tallystick.verify import verify_case
from tests.architecture.tree import ROOT

GOLDEN = ROOT / "fixtures" / "golden" / "1" / "evidence"
GOOD = (GOLDEN / "case.zip").read_bytes()
TRUST = parse_trust((GOLDEN / "trust.json").read_bytes())
AT = parse_time("2027-03-01T00:00:00Z")
_INDEX = b"data/case.json"


def packed_again(data: bytes, rename: dict[str, str] | None = None, more: bool = False) -> bytes:
    """As a file manager does it: unpacked, a name changed, packed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as given, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name in given.namelist():
            made.writestr((rename or {}).get(name, name), given.read(name))
        if more:
            made.writestr("说明.txt", "see inside")
    return out.getvalue()


def changed(data: bytes, old: bytes, new: bytes) -> bytes:
    assert old in data
    assert len(old) == len(new)
    return data.replace(old, new)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "short": lambda data: data[: len(data) // 2],
    "one byte more": lambda data: data + b"\n",
    "a picture": lambda data: b"\x89PNG\r\n\x1a\n" + data[8:-1],
    "a photograph": lambda data: b"\xff\xd8\xff" + data[3:-1],
    "a PDF": lambda data: b"%PDF-" + data[5:-1],
    "JSON": lambda data: (GOLDEN / "trust.json").read_bytes(),
    "packed again": packed_again,
    "renamed inside": lambda data: packed_again(data, {"data/case.json": "data/案件.json"}),
    "renamed in place": lambda data: changed(data, b"data/entries/3.cose", b"data/entries/9.cose"),
    "renamed in the directory alone": lambda data: data[: data.rindex(_INDEX)] + b"data/casf.json"
    + data[data.rindex(_INDEX) + len(_INDEX) :],
    "a date edited": lambda data: changed(data, b'"exported_at":"2026', b'"exported_at":"2025'),
    "a file added": lambda data: packed_again(data, more=True),
}  # fmt: skip


def told(data: bytes) -> list[str]:
    report = verify_case(io.BytesIO(data), TRUST, AT)
    assert report.verdict != "proved"
    [first] = [claim for claim in report.claims if claim.id == "integrity"]
    return [sentence(line, "zh") for line in first.evidence]


@pytest.mark.parametrize("name", DAMAGES)
def test_no_english_sentence_stands_in_it(name: str) -> None:
    for line in told(DAMAGES[name](GOOD)):
        # Names of files, commands, digests and words such as SHA-256 stay what they are.
        left = re.sub(
            r"`[^`]*`|'[^']*'|[\w./-]*\d[\w./-]*|\b(zip|BagIt|PNG|JPEG|PDF|JSON|POST|CRC|SHA)\b|\S*\.\w+", "", line
        )
        assert not re.search(r"[a-z]{2,} [a-z]{2,}", left), line
        assert re.search(r"[\u4e00-\u9fff]", line)


def test_what_is_not_listed_stays_as_it_is() -> None:
    assert in_chinese("something that the core says seldom") == "something that the core says seldom"


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        (
            "content sha256: the log says " + "a" * 64 + ", the bytes give " + "b" * 64,
            "sha256 不同：日志所载为 " + "a" * 64 + "，由字节算得为 " + "b" * 64,
        ),
        (
            "manifest-sha256.txt is not the list of the files in the bundle: " + "c" * 64 + "  data/图 片.png",
            "manifest-sha256.txt 与证据包内的文件不一致：清单称 data/图 片.png 的 SHA-256 为 "
            + "c" * 64
            + "，包内该文件不同或不存在",
        ),
        ("the bundle has no member {0}", "证据包中没有 {0}"),
        ("none of the trusted witnesses cosigned, 2 must have", "受信任的见证人均未联署，至少须有 2 个"),
    ],
)  # fmt: skip
def test_what_was_found_and_expected_is_kept(detail: str, said: str) -> None:
    assert in_chinese(detail) == said


def test_no_braces_of_a_name_are_taken_for_a_place() -> None:
    assert in_chinese("the bundle holds {1}{2}, which no bundle has") == "证据包中有 {1}{2}，任何证据包均不应有此文件"
