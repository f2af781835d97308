"""Second engines: asked where they are, quiet, beside our verdict, and never deciding it."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from tallystick.c2pa import CredentialRefused, SignerRoots, judge, read
from tallystick.c2pa.second import _QUIET, Opinion, compare, opinions
from tests.architecture.tree import ROOT
from tests.core.c2pa.kit import AT, BORN, LONG, signed, world
from tests.core.c2pa.test_offline import Ear
from tests.core.c2pa.test_updates import updated
from tests.offline.isolation import NAMESPACES

FORMATS = ["image/png", "image/jpeg", "image/webp", "audio/wav", "video/mp4", "application/pdf"]


def changed(data: bytes) -> bytes:
    return data[:-30] + bytes([data[-30] ^ 1]) + data[-29:]


@pytest.mark.parametrize("media_type", FORMATS)
def test_it_reads_what_we_sign(media_type: str) -> None:
    [one] = opinions(signed(media_type), media_type, roots=world().roots, at=AT)
    assert (one.verdict, one.codes, one.trusted) == ("valid", (), True)
    assert one.engine.startswith("encypher-c2pa 1.")
    assert compare(None, [one]) == ()


def test_it_reads_a_file_and_its_path_alike(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(signed())
    assert opinions(tmp_path / "a.png", "image/png") == opinions(signed(), "image/png")


def test_it_follows_an_update() -> None:
    [one] = opinions(updated(), "image/png", roots=world().roots, at=AT)
    assert (one.verdict, one.trusted) == ("valid", True)


def test_both_refuse_what_was_changed() -> None:
    data = changed(signed())
    with pytest.raises(CredentialRefused) as caught:
        judge(read(data, "image/png"), world().roots, AT)
    found = opinions(data, "image/png", roots=world().roots, at=AT)
    assert (found[0].verdict, found[0].codes[0]) == ("invalid", "assertion.dataHash.mismatch")
    assert compare(caught.value, found) == ()


def test_both_refuse_a_stranger_and_an_expired_signer() -> None:
    [stranger] = opinions(signed(), "image/png", roots=SignerRoots(()), at=AT)
    [late] = opinions(signed(), "image/png", roots=world().roots, at=BORN + timedelta(days=LONG + 1))
    assert [(one.verdict, one.trusted) for one in (stranger, late)] == [("valid", False)] * 2


def test_what_it_cannot_read_is_no_opinion() -> None:
    [one] = opinions(b"nothing", "image/png")
    assert (one.verdict, one.trusted) == ("none", None)
    assert compare("malformed", [one]) == ()


def test_a_disagreement_is_named() -> None:
    bad = Opinion("other 1", "invalid", ("assertion.dataHash.mismatch",), "Invalid")
    good = Opinion("other 1", "valid", (), "Valid")
    trusting = Opinion("other 1", "valid", (), "Trusted", True)
    doubting = Opinion("other 1", "valid", (), "Valid", False)
    assert compare(None, [bad]) == ("other 1 refuses what we accept: assertion.dataHash.mismatch",)
    assert compare(None, [doubting]) == ("other 1 does not trust the signer whom we trust",)
    assert compare("binding.exclusion", [good]) == (
        "other 1 finds hashes and signatures good where we refuse (binding.exclusion)",
    )
    assert compare("signer.key_usage", [trusting]) == ("other 1 accepts what we refuse (signer.key_usage)",)
    assert compare("signer.expired", [good]) == compare("signer.expired", [doubting]) == compare(None, [good]) == ()


def test_where_none_is_installed_there_is_no_opinion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "encypher_c2pa", None)
    assert opinions(signed(), "image/png") == ()


def test_an_engine_that_breaks_is_no_failure_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        @staticmethod
        def verify_bytes(*_: object) -> str:
            raise RuntimeError("panic")

    monkeypatch.setitem(sys.modules, "encypher_c2pa", Broken)  # type: ignore[arg-type]
    assert opinions(signed(), "image/png") == (Opinion("encypher-c2pa", "none", (), "no answer: panic"),)


def test_it_sends_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    """Its telemetry goes out on a failure: it is given one, with an endpoint of ours to send it to, and a home."""
    listener = Ear()
    address = f"http://127.0.0.1:{listener.address[1]}/"
    (tmp_path / "bad.png").write_bytes(changed(signed()))
    code = (
        "import sys\nfrom pathlib import Path\nfrom tallystick.c2pa import second\n"
        f"second._QUIET['telemetry']['endpoint'] = {address!r}\n"
        "[one] = second.opinions(Path(sys.argv[1]), 'image/png')\nassert one.verdict == 'invalid', one\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "bad.png")]
    environment = {"HOME": str(tmp_path / "home"), "ENCYPHER_C2PA_ONLINE": "on"}
    (tmp_path / "home").mkdir()
    subprocess.run(command, check=True, env=environment, cwd=ROOT, timeout=60)
    assert listener.calls() == 0
    assert list((tmp_path / "home").iterdir()) == []
    listener.close()


def test_the_setting_is_what_keeps_it_quiet() -> None:
    """With telemetry it does call: so the test above tests something."""
    listener = Ear()
    telemetry = {"enabled": True, "endpoint": f"http://127.0.0.1:{listener.address[1]}/", "sdk_name": "python"}
    engine = importlib.import_module("encypher_c2pa")
    engine.verify_bytes(changed(signed()), "image/png", json.dumps(_QUIET | {"telemetry": telemetry}))
    for own in range(100):
        if listener.calls() > own:
            break
        time.sleep(0.1)
    else:
        pytest.fail("it never called")
    listener.close()


@pytest.mark.parametrize("how", ["cut-by-the-system" if NAMESPACES else "as-it-is"])
def test_it_has_its_answer_without_a_network(tmp_path: Path, how: str) -> None:
    (tmp_path / "good.png").write_bytes(signed())
    code = (
        "import sys\nfrom pathlib import Path\nfrom tallystick.c2pa.second import opinions\n"
        "[one] = opinions(Path(sys.argv[1]), 'image/png')\nprint(one.verdict)\n"
    )
    cut = ("unshare", "--user", "--map-root-user", "--net") if how == "cut-by-the-system" else ()
    command = [*cut, sys.executable, "-c", code, str(tmp_path / "good.png")]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.stdout == "valid\n"
