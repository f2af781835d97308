"""OpenSSL's own timestamp tool, as authority and as verifier: another program, written by others."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.core.timestamp.forge import Holder

_CONFIG = """
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
certs = {folder}/chain.pem
signer_digest = {digest}
default_policy = 1.3.6.1.4.1.99999.7.1
other_policies = 1.3.6.1.4.1.99999.7.2
digests = sha256, sha384, sha512, sha1
accuracy = secs:1, millisecs:500, microsecs:100
clock_precision_digits = {digits}
ordering = {ordering}
tsa_name = {name}
ess_cert_id_chain = {chain}
ess_cert_id_alg = {ess}
"""


def run(*arguments: object, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    """One run of ``openssl``."""
    program = shutil.which("openssl")
    assert program, "openssl is not installed: these tests compare with it"
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, timeout=60)
    assert not check or done.returncode == 0, done.stderr.decode()
    return done


def pem(path: Path, certificates: Sequence[Holder]) -> Path:
    """A file of certificates."""
    path.write_bytes(b"".join(one.certificate.public_bytes(Encoding.PEM) for one in certificates))
    return path


@dataclass(frozen=True)
class Authority:
    """``openssl ts -reply`` for one signer, in ``folder``."""

    folder: Path

    @classmethod
    def make(cls, folder: Path, signer: Holder, certificates: Sequence[Holder] = (), **options: str) -> Authority:
        """``options``: digest, digits, ordering, name, chain, ess."""
        folder.mkdir()
        pem(folder / "tsa.pem", [signer])
        pem(folder / "chain.pem", certificates or [signer])
        key = signer.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / "tsa.key").write_bytes(key)
        (folder / "serial").write_text("01\n")
        chosen = {"digest": "sha256", "digits": "0", "ordering": "no", "name": "yes", "chain": "no", "ess": "sha256"}
        (folder / "tsa.cnf").write_text(_CONFIG.format(folder=folder, **(chosen | options)))
        return cls(folder)

    def reply(self, query: Path) -> bytes:
        """The ``TimeStampResp`` to a query."""
        out = query.with_suffix(".tsr")
        run("ts", "-reply", "-config", self.folder / "tsa.cnf", "-queryfile", query, "-out", out)
        return out.read_bytes()

    def token(self, message: bytes, *options: str) -> bytes:
        """A token over ``message``."""
        data, query, out = (self.folder / name for name in ("message", "query.tsq", "token.tst"))
        data.write_bytes(message)
        run("ts", "-query", "-data", data, "-cert", "-sha256", *options, "-out", query)
        run("ts", "-reply", "-config", self.folder / "tsa.cnf", "-queryfile", query, "-token_out", "-out", out)
        return out.read_bytes()


def verifies(
    folder: Path, token: bytes, message: bytes, root: Holder, at: datetime, others: Sequence[Holder] = ()
) -> bool:
    """Whether ``openssl ts -verify`` accepts a token as of its own time."""
    (folder / "shown.tst").write_bytes(token)
    (folder / "shown").write_bytes(message)
    more = ["-untrusted", pem(folder / "others.pem", others)] if others else []
    done = run(
        *("ts", "-verify", "-token_in", "-in", folder / "shown.tst", "-data", folder / "shown"),
        *("-CAfile", pem(folder / "root.pem", [root]), "-attime", int(at.timestamp()), *more),
        check=False,
    )
    return done.returncode == 0 and b"Verification: OK" in done.stdout + done.stderr
