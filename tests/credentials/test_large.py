"""Large originals are signed in pieces: memory does not grow with the file. What was written is still read back."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from credentials import sign
from credentials.composed import require_as_composed
from credentials.errors import SigningFailed
from tallystick import c2pa
from tallystick.c2pa import judge
from tallystick.c2pa.containers import locate
from tallystick.errors import MalformedInput, VerificationFailed
from tests.core.c2pa.kit import AT, claim_signer, manifest, plain, signed_by, world

ROOT = Path(__file__).parents[2]
MEGABYTES, GROWTH = 200, 60
PATIENCE = 300.0

MEASURE = """
import resource, sys
from pathlib import Path
from credentials.sign import sign_asset
from tests.core.c2pa.kit import claim_signer, manifest
kind, folder, megabytes = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
block = bytes(range(256)) * 4096
def write(path, count):
    length = count * len(block)
    with path.open("wb") as out:
        if path.suffix == ".wav":
            out.write(b"RIFF" + (36 + length).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little"))
            out.write(bytes.fromhex("0100020080bb000000ee02000400 1000") + b"data" + length.to_bytes(4, "little"))
        for _ in range(count):
            out.write(block)
peak = []
for count in (1, megabytes):
    path = folder / f"{count}.{kind}"
    write(path, count)
    sign_asset(claim_signer(), path, folder / "out", manifest(source_type=None))
    peak.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
print(*peak)
"""


@pytest.mark.parametrize("kind", ["wav", "usd"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, kind: str) -> None:
    """Megabytes at most, after a file of one megabyte and after one of two hundred."""
    given = [sys.executable, "-c", MEASURE, kind, str(tmp_path), str(MEGABYTES)]
    done = subprocess.run(given, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    small, large = map(int, done.stdout.split())
    assert large - small < GROWTH


@pytest.mark.parametrize("media_type", ["audio/wav", "image/png"])
def test_what_is_read_back_in_pieces_is_what_everybody_reads(monkeypatch: pytest.MonkeyPatch, media_type: str) -> None:
    monkeypatch.setattr(sign, "LARGE", 0)
    data = signed_by(claim_signer(), plain(media_type), media_type, manifest())
    assert judge(c2pa.read(data, media_type), world().roots, AT).state == "trusted"


@pytest.mark.parametrize("media_type", ["audio/wav", "image/png"])
def test_reading_back_in_pieces_sees_every_changed_byte(media_type: str) -> None:
    data = signed_by(claim_signer(), plain(media_type), media_type, manifest())
    held = locate(io.BytesIO(data), len(data), media_type)
    lengths = {at for start, end in held.lengths for at in range(start, end)}
    places = [at for at in range(len(data)) if not held.span[0] <= at < held.span[1] and at not in lengths]
    assert len(places) > 60
    for at in places:
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises((MalformedInput, VerificationFailed)):
            require_as_composed(io.BytesIO(changed), len(changed), media_type, None)


def test_a_file_that_changes_while_it_is_signed_is_not_given_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read twice, to be hashed and to be copied."""
    monkeypatch.setattr(sign, "LARGE", 0)
    length = 4 << 20
    head = plain("audio/wav")[:40]
    sound = head[:4] + (36 + length).to_bytes(4, "little") + head[8:] + length.to_bytes(4, "little") + bytes(length)
    path = tmp_path / "sound.wav"
    path.write_bytes(sound)
    seen = []

    def progress(count: int) -> None:
        seen.append(count)
        if sum(seen) >= len(sound) and path.read_bytes() == sound:
            path.write_bytes(sound[:-1] + b"x")

    with pytest.raises(SigningFailed, match="does not verify"):
        sign.sign_asset(claim_signer(), path, tmp_path / "out", manifest(), progress=progress)
    assert not (tmp_path / "out").exists()
