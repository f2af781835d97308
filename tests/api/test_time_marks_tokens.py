"""Proofs of time by timestamp authorities: a stranger's token is entered, the operator's own is not."""

from __future__ import annotations

import dataclasses
import io
import threading
import time

from tallystick.times import format_time
from tallystick.trust import encode_trust, parse_trust
from tallystick.verify import verify_case
from tests.api.desk import AnchorDriver, Desk
from tests.api.process import PATIENCE
from tests.api.test_time_marks import another, marks
from tests.api.test_timestamps import anchor, desk, stamp_all  # noqa: F401
from tests.world import START


def test_both_ends_on_the_word_of_an_authority(desk: Desk, anchor: AnchorDriver) -> None:  # noqa: F811
    desk.picture()
    anchor.anchor()
    stamp_all(desk)
    end = time.monotonic() + PATIENCE
    while not marks(desk):
        assert time.monotonic() < end
        threading.Event().wait(0.05)
    assert [(mark.kind, mark.source) for mark in marks(desk).values()] == [("rfc3161", "observatory")]
    object_id, data = desk.picture()
    anchor.anchor()
    stamp_all(desk)
    assert [draft.body["source"] for draft in another(desk, 0).due()] == ["observatory"]  # type: ignore[index, call-overload]
    bundle = desk.export(desk.studio, "object", object_id, originals={"a.png": data}).content
    file = desk.trust.file
    roots = tuple(dataclasses.replace(one, independent=one.name == "observatory") for one in file.tsa_roots)
    trust = parse_trust(encode_trust(dataclasses.replace(file, tsa_roots=roots, independent_time=True)))
    report = verify_case(io.BytesIO(bundle), trust, START + 3600)
    assert (report.verdict, report.claim("time").outcome, report.claim("time").required) == ("proved", "proved", True)
    assert report.facts["time"]["independent"] == {
        "not_before": format_time(START - 1),
        "not_after": format_time(START + 1),
    }
    plain = verify_case(io.BytesIO(bundle), desk.trust, START + 3600)
    assert plain.claim("time").outcome == "needs_external_fact", "the operator calls nobody independent"
