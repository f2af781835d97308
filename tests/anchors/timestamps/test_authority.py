"""The local authority: what it signs, what it refuses, and what OpenSSL says to both."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from anchors.timestamps import folder as folders
from anchors.timestamps.authority import AHEAD, LocalAuthority
from anchors.timestamps.folder import create_folder, open_authority, system_micros
from anchors.timestamps.wire import encode_request, parse_reply
from tallystick.errors import MalformedInput
from tallystick.timestamp import LOCAL_POLICY, Authority, TimestampFact, verify_token
from tests.anchors.timestamps.conftest import root_of
from tests.core.timestamp import openssl

MESSAGE = b"log.example/films\n7\nAAAA\n"


@dataclass
class Clock:
    now: int

    def __call__(self) -> int:
        return self.now


def asked(authority: LocalAuthority, folder: Path, message: bytes = MESSAGE) -> TimestampFact:
    reply = parse_reply(authority.answer(encode_request(message, 77, None)))
    assert reply.token is not None, reply
    # Whoever lists it as independent is not believed.
    return verify_token(reply.token, message, [Authority("own", root_of(folder), True)])


def refused(answer: bytes) -> tuple[str, ...]:
    reply = parse_reply(answer)
    assert (reply.status, reply.token) == (2, None)
    return reply.failures


def test_what_it_signs(folder: Path) -> None:
    before = system_micros()
    with open_authority(folder, None) as authority:
        facts = [asked(authority, folder) for _ in range(20)]
    for fact in facts:
        assert (fact.policy, fact.accuracy, fact.ordering, fact.nonce) == (LOCAL_POLICY, 1_000_000, True, 77)
        assert (fact.independent, fact.operator_only) == (False, True)
        assert before <= fact.gen_time <= system_micros()
    serials = {fact.serial for fact in facts}
    assert len(serials) == 20
    # 128 random bits: that all of twenty are below 2^100 does not happen.
    assert max(serials) > 1 << 100
    assert max(serials) < 1 << 128


def test_time_only_rises(folder: Path) -> None:
    """However fast it is asked, when the clock stands still or goes back a little, and after a restart."""
    clock = Clock(system_micros())
    times = []
    for step in (0, 0, 1, -1, -AHEAD // 2, 0):
        clock.now += step
        with open_authority(folder, None, clock) as authority:
            times += [asked(authority, folder).gen_time for _ in range(2)]
    assert times == sorted(set(times))


def test_a_clock_that_went_back_far_stamps_nothing(folder: Path) -> None:
    clock = Clock(system_micros())
    with open_authority(folder, None, clock) as authority:
        first = asked(authority, folder)
        clock.now -= AHEAD + 10
        assert refused(authority.answer(encode_request(MESSAGE, 1, None))) == ("timeNotAvailable",)
        clock.now += AHEAD + 20
        assert asked(authority, folder).gen_time > first.gen_time


@pytest.mark.parametrize("days", [-1, 365 * 11])
def test_outside_its_certificate_it_stamps_nothing(folder: Path, days: int) -> None:
    clock = Clock(system_micros() + days * 86_400_000_000)
    with open_authority(folder, None, clock) as authority:
        assert refused(authority.answer(encode_request(MESSAGE, 1, None))) == ("timeNotAvailable",)


def test_many_at_once_get_times_and_serials_of_their_own(folder: Path) -> None:
    facts: list[TimestampFact] = []
    with open_authority(folder, None) as authority:
        threads = [threading.Thread(target=lambda: facts.append(asked(authority, folder))) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert len({fact.gen_time for fact in facts}) == len({fact.serial for fact in facts}) == 12


QUERY = encode_request(MESSAGE, 77, None)
BAD_QUERIES = {
    "nothing": (b"", "badDataFormat"),
    "something else": (b"GET / HTTP/1.1", "badDataFormat"),
    "cut off": (QUERY[:-1], "badDataFormat"),
    "with something behind": (QUERY + b"\x00", "badDataFormat"),
    "too long": (bytes(5000), "badDataFormat"),
    "of another version": (QUERY.replace(b"\x02\x01\x01\x30", b"\x02\x01\x02\x30"), "badDataFormat"),
    "over SHA-1": (
        bytes.fromhex("302602010130213009") + bytes.fromhex("06052b0e03021a0500") + b"\x04\x14" + bytes(20),
        "badAlg",
    ),
    "of another policy": (encode_request(MESSAGE, 1, "1.2.3.4"), "unacceptedPolicy"),
    "an imprint that is too short": (
        QUERY.replace(QUERY[1:2] + b"\x02\x01\x01\x30\x31", bytes([QUERY[1] - 1]) + b"\x02\x01\x01\x30\x30").replace(
            b"\x04\x20" + QUERY[24:56], b"\x04\x1f" + QUERY[24:55]
        ),
        "badDataFormat",
    ),
}


@pytest.mark.parametrize("what", BAD_QUERIES)
def test_refused_queries(folder: Path, what: str) -> None:
    query, failure = BAD_QUERIES[what]
    with open_authority(folder, None) as authority:
        assert refused(authority.answer(query)) == (failure,)


def test_without_certificates_where_none_are_asked_for(folder: Path, tmp_path: Path) -> None:
    """As OpenSSL asks by default: the trust file must have the signer's certificate."""
    query = _query(tmp_path, MESSAGE, "-sha384")
    with open_authority(folder, None) as authority:
        reply = parse_reply(authority.answer(query.read_bytes()))
    assert reply.token is not None
    signer = x509.load_pem_x509_certificate((folder / "signer.pem").read_bytes())
    told = Authority("own", root_of(folder), False, (signer.public_bytes(folders.Encoding.DER),))
    assert verify_token(reply.token, MESSAGE, [told]).hash == "sha384"


def _query(tmp_path: Path, message: bytes, *options: str) -> Path:
    (tmp_path / "message").write_bytes(message)
    openssl.run("ts", "-query", "-data", tmp_path / "message", *options, "-out", tmp_path / "query.tsq")
    return tmp_path / "query.tsq"


@pytest.mark.parametrize(
    "options", [("-cert",), ("-cert", "-no_nonce"), ("-cert", "-sha512", "-tspolicy", LOCAL_POLICY)]
)
def test_openssl_asks_and_verifies(folder: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    """Query and verification by OpenSSL; the token between them is ours."""
    query, answer = _query(tmp_path, MESSAGE, *options), tmp_path / "answer.tsr"
    with open_authority(folder, None) as authority:
        answer.write_bytes(authority.answer(query.read_bytes()))
    for against in (("-queryfile", query), ("-data", tmp_path / "message")):
        done = openssl.run("ts", "-verify", "-in", answer, *against, "-CAfile", folder / "root.pem")
        assert b"Verification: OK" in done.stdout + done.stderr
    text = openssl.run("ts", "-reply", "-in", answer, "-text").stdout.decode()
    for line in ("Status: Granted.", f"Policy OID: {LOCAL_POLICY}", "Accuracy: 0x01 seconds", "Ordering: yes"):
        assert line in text
    other = tmp_path / "other"
    other.write_bytes(MESSAGE + b"!")
    done = openssl.run("ts", "-verify", "-in", answer, "-data", other, "-CAfile", folder / "root.pem", check=False)
    assert b"Verification: FAILED" in done.stdout + done.stderr


def test_openssl_reads_a_refusal(folder: Path, tmp_path: Path) -> None:
    query, answer = _query(tmp_path, MESSAGE, "-tspolicy", "1.2.3.4"), tmp_path / "answer.tsr"
    with open_authority(folder, None) as authority:
        answer.write_bytes(authority.answer(query.read_bytes()))
    text = openssl.run("ts", "-reply", "-in", answer, "-text").stdout.decode()
    for line in ("Status: Rejected.", "the policy here is", "Failure info: the requested TSA policy is not supported"):
        assert line in text


# --- the folder -----------------------------------------------------------------------


def test_its_certificates_bear_the_mark(folder: Path) -> None:
    for name in ("root.pem", "signer.pem"):
        certificate = x509.load_pem_x509_certificate((folder / name).read_bytes())
        (policy,) = certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
        assert policy.policy_identifier.dotted_string == LOCAL_POLICY
        assert "(operator only)" in certificate.subject.rfc4514_string()


def test_keys_are_encrypted_and_never_overwritten(folder: Path) -> None:
    for name in ("root.key.pem", "signer.key.pem"):
        path = folder / name
        assert path.stat().st_mode & 0o077 == 0
        with pytest.raises(TypeError, match="encrypted"):
            load_pem_private_key(path.read_bytes(), None)
    with pytest.raises(MalformedInput, match="never overwritten"):
        create_folder(folder, "again", None, datetime.now(UTC))


def test_a_passphrase_of_its_own(tmp_path: Path) -> None:
    create_folder(tmp_path / "a", "a", "correct horse", datetime.now(UTC))
    assert not (tmp_path / "a" / "passphrase").exists()
    for wrong, said in (("wrong", "opens"), (None, "AUTHORITY_PASSPHRASE")):
        with pytest.raises(MalformedInput, match=said), open_authority(tmp_path / "a", wrong):
            pass
    with open_authority(tmp_path / "a", "correct horse") as authority:
        asked(authority, tmp_path / "a")


def test_one_process_at_a_time(folder: Path) -> None:
    with (
        open_authority(folder, None),
        pytest.raises(MalformedInput, match="another process serves"),
        open_authority(folder, None),
    ):
        pass
    with open_authority(folder, None) as authority:
        asked(authority, folder)


def test_no_folder_and_another_key(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match="make one with"), open_authority(tmp_path / "none", None):
        pass
    (folder / "signer.key.pem").unlink()
    (folder / "root.key.pem").rename(folder / "signer.key.pem")
    with pytest.raises(MalformedInput, match=r"not the key of signer\.pem"), open_authority(folder, None):
        pass


# --- the program -----------------------------------------------------------------------


@contextmanager
def program(folder: Path) -> Iterator[str]:
    """`python -m anchors.timestamps serve` in a process of its own; its address."""
    command = [sys.executable, "-m", "anchors.timestamps", "serve", str(folder), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        # Ends by itself when the process does.
        line = process.stdout.readline()
        assert line.startswith("timestamps (operator only) on http://"), line
        yield line.split()[-1]
    finally:
        process.kill()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


def test_killed_and_started_again_its_time_goes_on(tmp_path: Path) -> None:
    from anchors.timestamps.client import TimestampClient
    from anchors.timestamps.service import Service

    begun = subprocess.run(
        [sys.executable, "-m", "anchors.timestamps", "begin", str(tmp_path / "a")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert begun.returncode == 0
    assert str(tmp_path / "a" / "root.pem") in begun.stdout
    times = []
    for _ in range(2):
        with program(tmp_path / "a") as url:
            client = TimestampClient(Service("own", url, (root_of(tmp_path / "a"),)), lambda: system_micros() // 10**6)
            times += [client.stamp(MESSAGE)[1].gen_time for _ in range(2)]
    assert times == sorted(set(times))
    again = subprocess.run(
        [sys.executable, "-m", "anchors.timestamps", "begin", str(tmp_path / "a")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert again.returncode == 1
    assert again.stderr.startswith("timestamps: ")


def test_its_certificates_live_as_long_as_is_said(folder: Path) -> None:
    root, signer = (x509.load_pem_x509_certificate((folder / name).read_bytes()) for name in ("root.pem", "signer.pem"))
    assert root.not_valid_after_utc - root.not_valid_before_utc == timedelta(days=folders.ROOT_DAYS)
    assert signer.not_valid_after_utc - signer.not_valid_before_utc == timedelta(days=folders.SIGNER_DAYS)
    assert signer.not_valid_after_utc < root.not_valid_after_utc
