"""What is published for a version, the same bytes each time: `python tools/release.py FOLDER`, or `make release`.

The wheel, the source of the wheel, the second verifier, the offline kit, and SHA256SUMS of them, which is published
in a place of its own (docs/release.md). Whoever has the source builds the same files and compares.
"""

from __future__ import annotations

import gzip
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools import kit, outsiders, wheel

SDIST = "import setuptools.build_meta as made, sys; print(made.build_sdist(sys.argv[1]))"


def sdist(target: Path) -> Path:
    """The source that the wheel is built from: setuptools' archive, in order, without its builder, clock and modes."""
    with tempfile.TemporaryDirectory() as folder:
        tree, out = Path(folder, "tree"), Path(folder, "out")
        tree.mkdir()
        wheel.copy_sources(wheel.ROOT, tree)
        command = [sys.executable, "-c", SDIST, str(out)]
        subprocess.run(command, cwd=tree, env={**os.environ}, umask=0o022, check=True, capture_output=True)
        (made,) = out.iterdir()
        found = target / made.name
        found.write_bytes(_settled(made.read_bytes()))
        return found


def _settled(archive: bytes) -> bytes:
    plain = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(archive)) as source,
        tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as target,
    ):
        for member in sorted(source.getmembers(), key=lambda member: member.name):
            settled = tarfile.TarInfo(member.name)
            settled.type, settled.size, settled.mtime = member.type, member.size, int(wheel.EPOCH)
            settled.mode = 0o755 if member.isdir() else 0o644
            target.addfile(settled, source.extractfile(member))
    # Stored, not deflated: zlib's versions differ in what they write.
    return gzip.compress(plain.getvalue(), compresslevel=0, mtime=0)


def build(target: Path) -> Path:
    """All of it into the folder ``target``, which is emptied; the path of SHA256SUMS."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    shutil.rmtree(kit.build(target).with_suffix(""))
    sdist(target)
    shutil.copyfile(outsiders.verifier() / "verifier.html", target / "verifier.html")
    kit.write_sums(target)
    return target / "SHA256SUMS"


if __name__ == "__main__":
    print(build(Path(sys.argv[1])).read_text(encoding="utf-8"), end="")
