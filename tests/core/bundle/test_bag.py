"""The bag: manifests, their signature, and what is refused although every manifest was rebuilt and signed."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tallystick import cose
from tallystick.bundle import write_bundle
from tallystick.bundle.bag import BAGIT, CONTENT_TYPE, INFO, MANIFEST, SIGNATURE, TAG_MANIFEST
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.schema import FieldError
from tests.core.bundle.paper import EXPORTER, PAYLOAD, assembled, contents, opened, parts, signed_again, small
from tests.world import key_from


def test_the_same_payload_gives_the_same_bytes() -> None:
    assert small() == small()


def test_the_manifests_are_those_of_bagit(tmp_path: Path) -> None:
    """Checked by sha256sum, which has never heard of us."""
    for name, data in contents(small()).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    manifest = (tmp_path / MANIFEST).read_text().replace("%25", "%")
    for text in (manifest, (tmp_path / TAG_MANIFEST).read_text()):
        done = subprocess.run(
            ["sha256sum", "--check", "--strict"], input=text, cwd=tmp_path, text=True, check=False, capture_output=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / BAGIT).read_text().startswith("BagIt-Version: 1.0\n")
    assert "100 %25.txt" in (tmp_path / MANIFEST).read_text()


def test_a_member_is_read_within_its_cap() -> None:
    bundle = opened(small())
    assert bundle.read("data/case.json", 7) == b'{"v":1}'
    assert b"".join(bundle.stream("data/entries/0.cose")) == b"entry zero"
    with pytest.raises(MalformedInput, match="at most 6"):
        bundle.read("data/case.json", 6)
    with pytest.raises(MalformedInput, match="no member"):
        bundle.read("data/absent", 7)


def _changed(change: Callable[[dict[str, bytes]], None]) -> bytes:
    members = signed_again(PAYLOAD)
    change(members)
    return assembled(parts(members))


def _without(name: str) -> Callable[[dict[str, bytes]], None]:
    return lambda members: members.__delitem__(name)


def _with(name: str, data: bytes) -> Callable[[dict[str, bytes]], None]:
    return lambda members: members.__setitem__(name, data)


def _swapped(members: dict[str, bytes]) -> None:
    one, two = "data/entries/0.cose", "data/entries/1.cose"
    members[one], members[two] = members[two], members[one]


def _renamed(members: dict[str, bytes]) -> None:
    members["data/entries/2.cose"] = members.pop("data/entries/1.cose")


def _manifest_reordered(members: dict[str, bytes]) -> None:
    members[MANIFEST] = b"\n".join(reversed(members[MANIFEST].strip().split(b"\n"))) + b"\n"


def _foreign_signature(members: dict[str, bytes]) -> None:
    stranger = key_from("a stranger")
    header = {cose.CONTENT_TYPE: CONTENT_TYPE, cose.KID: EXPORTER.public.kid}
    members[SIGNATURE] = cose.sign1(stranger, header, members[TAG_MANIFEST], detached=True)


def _attached_signature(members: dict[str, bytes]) -> None:
    header = {cose.CONTENT_TYPE: CONTENT_TYPE, cose.KID: EXPORTER.public.kid}
    members[SIGNATURE] = cose.sign1(EXPORTER, header, members[TAG_MANIFEST])


def _signature_of_another_type(members: dict[str, bytes]) -> None:
    header = {cose.CONTENT_TYPE: "text/plain", cose.KID: EXPORTER.public.kid}
    members[SIGNATURE] = cose.sign1(EXPORTER, header, members[TAG_MANIFEST], detached=True)


def _hidden_in_signature(members: dict[str, bytes]) -> None:
    header = {cose.CONTENT_TYPE: CONTENT_TYPE, cose.KID: EXPORTER.public.kid}
    tag = members[TAG_MANIFEST]
    members[SIGNATURE] = cose.sign1(EXPORTER, header, tag, detached=True, unprotected={99: b"hidden"})


BEHIND_THE_MANIFEST: dict[str, Callable[[dict[str, bytes]], None]] = {
    "a file removed": _without("data/entries/1.cose"),
    "an unlisted file added": _with("data/entries/9.cose", b"new"),
    "an unlisted tag file added": _with("notes.txt", b"new"),
    "two files swapped": _swapped,
    "a file renamed": _renamed,
    "a file changed": _with("data/case.json", b'{"v":2}'),
    "the manifest reordered": _manifest_reordered,
    "the declaration removed": _without(BAGIT),
    "the declaration of another version": _with(BAGIT, b"BagIt-Version: 0.97\nTag-File-Character-Encoding: UTF-8\n"),
    "the bag info removed": _without(INFO),
    "the bag info changed": _with(INFO, b"Payload-Oxum: 1.1\n"),
    "the manifest removed": _without(MANIFEST),
    "the tag manifest removed": _without(TAG_MANIFEST),
    "the signature removed": _without(SIGNATURE),
    "the signature empty": _with(SIGNATURE, b""),
    "the signature of a stranger": _foreign_signature,
    "the signature with its payload": _attached_signature,
    "the signature over another type": _signature_of_another_type,
    "bytes hidden in the signature": _hidden_in_signature,
}


@pytest.mark.parametrize("name", BEHIND_THE_MANIFEST)
def test_changes_behind_the_signature_are_refused(name: str) -> None:
    with pytest.raises((MalformedInput, VerificationFailed)):
        opened(_changed(BEHIND_THE_MANIFEST[name]))


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        (signed_again(PAYLOAD, info=b"Payload-Oxum: 999.9\n"), "bag-info.txt does not say"),
        (signed_again(PAYLOAD, info=b"External-Identifier: x\n"), "bag-info.txt does not say"),
        (signed_again(PAYLOAD, declaration=b"BagIt-Version: 0.97\n"), "does not declare BagIt 1.0"),
        (signed_again({**PAYLOAD, "notes.txt": b"x"}), "notes.txt, which no bundle has"),
    ],
)
def test_what_the_exporter_itself_may_not_sign(members: dict[str, bytes], problem: str) -> None:
    with pytest.raises((MalformedInput, VerificationFailed), match=problem):
        opened(assembled(parts(members)))


@pytest.mark.parametrize(
    ("members", "info"),
    [
        ({"case.json": b""}, {}),
        ({"data/../x": b""}, {}),
        ({"data/x": b""}, {"A:B": "c"}),
        ({"data/x": b""}, {"A": "b\nPayload-Oxum: 0.0"}),
    ],
)
def test_the_writer_refuses_what_the_reader_would(members: dict[str, bytes | Path], info: dict[str, str]) -> None:
    with pytest.raises((FieldError, MalformedInput)):
        write_bundle(io.BytesIO(), members, EXPORTER, info)


def test_a_file_that_changes_while_it_is_exported_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "growing"
    path.write_bytes(b"one")

    class Disk(io.BytesIO):
        def write(self, data: object) -> int:
            path.write_bytes(b"two")
            return super().write(data)  # type: ignore[arg-type]

    with pytest.raises(MalformedInput, match="changed while it was being exported"):
        write_bundle(Disk(), {"data/a": b"", "data/growing": path}, EXPORTER, {})


def test_a_large_member_is_never_held_in_memory(tmp_path: Path) -> None:
    """Sixty-four megabytes through a process that may not have forty more than it starts with."""
    program = (
        "import io, resource, sys\n"
        "from pathlib import Path\n"
        "from tallystick.bundle import read_bundle, write_bundle\n"
        "from tests.core.bundle.paper import EXPORTER\n"
        "big, out = Path(sys.argv[1]), Path(sys.argv[2])\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "write_bundle(out.open('wb'), {'data/big': big}, EXPORTER, {})\n"
        "bundle = read_bundle(out.open('rb'))\n"
        "assert sum(map(len, bundle.stream('data/big'))) == 64 << 20\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    big = tmp_path / "big"
    with big.open("wb") as file:
        file.truncate(64 << 20)
    command = [sys.executable, "-W", "ignore", "-c", program, str(big), str(tmp_path / "out.zip")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3])
    assert int(done.stdout) < 40 << 10
