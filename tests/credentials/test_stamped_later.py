"""A timestamp that comes later, in an update (C2PA 18.17): it dates the signature that had none, and no other."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import cbor2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from credentials.update import Update, add_receipt
from tallystick.c2pa import C2paVerdict, CredentialRefused, OtherRoots, judge, read
from tallystick.c2pa.reading import STRICT_SETTINGS
from tallystick.c2pa.updates import later_stamps
from tallystick.errors import MalformedInput
from tests.core.c2pa.kit import SIGNED, manifest, plain, signed_by, world
from tests.core.c2pa.test_stamps import LATER, ROOT, STAMPED, TSA, clock, trusting
from tests.core.timestamp.forge import AUTHORITY, Recipe, holder, token
from tests.credentials.test_formats import FORMATS
from tests.credentials.test_stamped import BRIEF

Stamp = Callable[[bytes], bytes | None]


def by_the_clock(message: bytes) -> bytes:
    return token(Recipe(TSA, message=message, gen_time=STAMPED))


def updated(tmp_path: Path, stamper: Stamp | None, media_type: str = "image/png", first: Stamp | None = None) -> bytes:
    """A file that was signed without a timestamp (or with `first`), and updated by who has a clock."""
    source = tmp_path / "first"
    source.write_bytes(signed_by(BRIEF, plain(media_type), media_type, manifest(stamper=first)))
    return add_receipt(
        BRIEF, source, tmp_path / "second", Update({"v": 1}, SIGNED, stamper), media_type
    ).path.read_bytes()


def judged(
    data: bytes, media_type: str = "image/png", others: OtherRoots | None = None, at: datetime = LATER
) -> C2paVerdict:
    return judge(read(data, media_type), world().roots, at, others or trusting())


@pytest.mark.parametrize("media_type", FORMATS)
def test_a_later_timestamp_keeps_the_older_signature(tmp_path: Path, media_type: str) -> None:
    verdict = judged(updated(tmp_path, by_the_clock, media_type), media_type)
    assert [one.proven and one.proven.time for one in verdict.manifests] == [STAMPED, STAMPED]
    assert (verdict.problems, verdict.unjudged) == ((), ())


def test_without_it_the_file_has_expired(tmp_path: Path) -> None:
    """The update alone is dated: that is not what it updates."""

    def once(message: bytes) -> bytes | None:
        return by_the_clock(message) if len(message) > 64 else None

    for stamper in (None, once):
        with pytest.raises(CredentialRefused, match=r"signer\.expired"):
            judged(updated(tmp_path, stamper))
    assert judged(updated(tmp_path, once), at=SIGNED + timedelta(days=2)).problems == ()


def test_what_is_dated_already_is_not_dated_again(tmp_path: Path) -> None:
    asked: list[bytes] = []

    def counted(message: bytes) -> bytes:
        asked.append(message)
        return by_the_clock(message)

    reading = read(updated(tmp_path, counted, first=by_the_clock), "image/png")
    assert len(asked) == 1, "of the update alone"
    assert reading.manifests[0].named("c2pa.time-stamp") == ()
    again = tmp_path / "third"
    (tmp_path / "bare").write_bytes(updated(tmp_path, counted))
    add_receipt(BRIEF, tmp_path / "bare", again, Update({"v": 1}, SIGNED, counted), "image/png")
    assert len(asked) == 4, "two for the first update of a bare file, one for the second"
    assert [one.proven is not None for one in judged(again.read_bytes()).manifests] == [True] * 3


STRANGER = clock("a stranger's clock", holder("a stranger's root", None, AUTHORITY))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"message": bytes(64)}, "signer.expired"),
        ({"gen_time": SIGNED + timedelta(days=30)}, "signer.expired"),
        ({"gen_time": SIGNED - timedelta(days=30)}, "signer.not_yet_valid"),
        ({"signer": STRANGER}, "signer.expired"),
        ({"gen_time": LATER + timedelta(days=1)}, "time.future"),
    ],
    ids=[
        "over another signature",
        "after expiry",
        "before the certificate",
        "by an untrusted authority",
        "of the future",
    ],
)
def test_a_later_timestamp_that_proves_nothing(tmp_path: Path, change: dict[str, object], code: str) -> None:
    def wrong(message: bytes) -> bytes:
        """Of the update a good one; of what it updates, the raw signature of 64 bytes, a wrong one."""
        facts = {"signer": TSA, "message": message, "gen_time": STAMPED}
        return token(Recipe(**(facts | (change if len(message) == 64 else {}))))  # type: ignore[arg-type]

    data = updated(tmp_path, wrong)
    with pytest.raises(CredentialRefused) as refused:
        judged(data)
    assert refused.value.code == code


def test_an_untrusted_authority_is_told(tmp_path: Path) -> None:
    def strange(message: bytes) -> bytes:
        return token(Recipe(STRANGER, message=message, gen_time=STAMPED))

    told = judged(updated(tmp_path, strange), at=SIGNED + timedelta(days=2)).problems
    assert [one.partition(" is by an authority that is not trusted")[0] for one in told] == [
        "a timestamp (sigTst2)",
        "a timestamp (c2pa.time-stamp)",
    ]


def test_the_local_authority_is_never_independent(tmp_path: Path) -> None:
    verdict = judged(updated(tmp_path, by_the_clock), others=trusting(independent=False))
    assert [one.proven and one.proven.independent for one in verdict.manifests] == [False, False]
    assert sum("not independent of the operator" in one for one in verdict.problems) == 2


@pytest.mark.parametrize("value", [[], {"x": 5}, {5: b"token"}, b"token"], ids=repr)
def test_an_assertion_of_another_form_is_malformed(tmp_path: Path, value: object) -> None:
    """As c2pa-python says too, which reads it after us."""
    update, base = read(updated(tmp_path, by_the_clock), "image/png").manifests
    (held,) = update.named("c2pa.time-stamp")
    assert list(later_stamps((update, base))) == [base.label]
    wrong = replace(held, content=cbor2.dumps(value))
    others = tuple(one for one in update.assertions if one != held)
    with pytest.raises(MalformedInput, match="not a map of manifests to timestamps"):
        later_stamps((replace(update, assertions=(*others, wrong)), base))
    assert later_stamps((replace(update, update=False), base)) == {}, "in an update alone"
    assert later_stamps((base, update)) == {}, "of what stands below it alone"


def test_the_library_of_others_takes_it(tmp_path: Path) -> None:
    """c2pa-rs judges by today's clock, when the signer has long expired: with the same roots it trusts this file."""
    import c2pa

    def anchor(kind: str, root: x509.Certificate) -> dict[str, str]:
        return {"trust_kind": kind, "trust_anchors": root.public_bytes(Encoding.PEM).decode()}

    anchors = [anchor("manifest", world().root.certificate), anchor("tsa", ROOT.certificate)]
    context = c2pa.Context.from_dict({**STRICT_SETTINGS, "trust": {**STRICT_SETTINGS["trust"], "anchors": anchors}})

    def says(data: bytes) -> tuple[str, set[str]]:
        with c2pa.Reader("image/png", io.BytesIO(data), context=context) as reader:
            report = json.loads(reader.json())
        results = report["validation_results"]
        deltas = [one["validationDeltas"] for one in results.get("ingredientDeltas", ())]
        return report["validation_state"], {one["code"] for part in deltas for one in part["failure"]}

    assert says(updated(tmp_path, by_the_clock)) == ("Trusted", set())
    assert says(updated(tmp_path, lambda message: by_the_clock(message) if len(message) > 64 else None)) != (
        "Trusted",
        set(),
    )
