"""The proof that a phone reads from a certificate on paper: small enough for a QR code, and verified without a network.

``TALLYSTICK1:`` and base45 (RFC 9285) of deterministic CBOR: the certificate's identifier and number, the registrar's
signature over all of it, and the place of its entry's leaf in a checkpoint with the log's Ed25519 signature. The other
two signatures of a checkpoint do not fit: what is proved here rests on Ed25519 alone, and is said to.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import cbor2

from tallystick.checkpoint import Checkpoint
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.events.log import ORIGIN
from tallystick.identifiers import Letter, parse_identifier
from tallystick.keys import PublicKey, Signer
from tallystick.lazy_dataclass import dataclass
from tallystick.merkle import root_from_inclusion
from tallystick.note import Ed25519Verifier, Note
from tallystick.trust import LogTrust, Trust

PREFIX = "TALLYSTICK1:"
MAX_TEXT = 4296
"""What one QR code holds in its alphanumeric mode."""
_CONTEXT = b"tallystick/certificate-qr/v1\n"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VERSION, _HASH, _SIGNATURE, _MAX_PATH = 1, 32, 64, 64
_MAX_SIZE = 1 << 53


@dataclass(frozen=True)
class QrProof:
    """A code that was read; nothing in it is verified. ``path``: inclusion, leaf side first."""

    log: str
    certificate: str
    number: str
    position: int
    leaf: bytes
    size: int
    path: tuple[bytes, ...]
    checkpoint_signature: bytes
    registrar_signature: bytes

    def fields(self) -> list[Any]:
        """What the registrar signs, behind ``_CONTEXT``."""
        return [
            _VERSION,
            self.log,
            self.certificate,
            self.number,
            self.position,
            self.leaf,
            self.size,
            b"".join(self.path),
            self.checkpoint_signature,
        ]

    def encode(self) -> str:
        """The text of the code."""
        return PREFIX + to_base45(_cbor([*self.fields(), self.registrar_signature]))


@dataclass(frozen=True)
class QrFact:
    """What a code showed: this registrar signed this number, and its record stood in the log at this checkpoint."""

    certificate: str
    number: str
    log: str
    position: int
    leaf: bytes
    checkpoint: Checkpoint


def make_qr(
    registrar: Signer, certificate: str, number: str, position: int, leaf: bytes, path: tuple[bytes, ...], note: Note
) -> str:
    """The text of a code. ``note``: the signed checkpoint under which ``path`` places ``leaf``.

    Raises ``MalformedInput`` for a registrar whose signatures have not 64 bytes.
    """
    origin, size, *_ = note.text.split("\n")
    signatures = [one for one in note.signatures if one.name == origin and len(one.signature) == _SIGNATURE]
    if len(signatures) != 1:
        raise MalformedInput("the checkpoint bears no Ed25519 signature of its log, or several")
    unsigned = QrProof(origin, certificate, number, position, leaf, int(size), path, signatures[0].signature, b"")
    signature = registrar.sign(_CONTEXT + _cbor(unsigned.fields()))
    text = dataclasses.replace(unsigned, registrar_signature=signature).encode()
    parse_qr(text)
    return text


def parse_qr(text: str) -> QrProof:
    """Inverse of ``QrProof.encode``. Raises ``MalformedInput`` for every other text."""
    if len(text) > MAX_TEXT or not text.startswith(PREFIX):
        raise MalformedInput(f"the text is not that of a certificate's code: it begins with {text[:20]!r}")
    data = from_base45(text.removeprefix(PREFIX))
    try:
        found = cbor2.loads(data)
    # ArithmeticError: a decimal that is none; what else a tag may stand for is refused by its type below.
    except (cbor2.CBORDecodeError, ValueError, ArithmeticError, RecursionError):
        raise MalformedInput("the code holds no CBOR") from None
    kinds = (int, str, str, str, int, bytes, int, bytes, bytes, bytes)
    if not isinstance(found, list) or tuple(map(type, found)) != kinds or _cbor(found) != data:
        raise MalformedInput("the code does not hold the fields of a certificate in their one form")
    version, log, certificate, number, position, leaf, size, path, checkpoint, registrar = found
    if version != _VERSION:
        raise MalformedInput(f"the code is of version {version}: install a newer program")
    ORIGIN.check(log)
    parse_identifier(certificate, Letter.CERTIFICATE)
    sized = len(leaf) == _HASH and len(path) % _HASH == 0 and len(path) <= _HASH * _MAX_PATH
    if not sized or len(checkpoint) != _SIGNATURE or len(registrar) != _SIGNATURE or not 1 <= len(number) <= 80:
        raise MalformedInput("a field of the code is not as long as it must be")
    if not 0 <= position < size < _MAX_SIZE:
        raise MalformedInput(f"the code places leaf {position} in a tree of {size}")
    hashes = tuple(path[at : at + _HASH] for at in range(0, len(path), _HASH))
    return QrProof(log, certificate, number, position, leaf, size, hashes, checkpoint, registrar)


def verify_qr(text: str, trust: Trust) -> QrFact:
    """What the code proves under a trust file. Raises ``MalformedInput``, ``VerificationFailed``.

    It cannot carry cosignatures: where the trust file demands witnesses, a code alone proves nothing.
    It proves nothing about the words on paper around it, nor that the certificate is still in force.
    """
    proof = parse_qr(text)
    log = trust.logs.get(proof.log)
    if log is None:
        raise VerificationFailed(f"the code is of log {proof.log!r}, which the trust file does not name")
    root = root_from_inclusion(proof.leaf, proof.position, proof.size, proof.path)
    checkpoint = Checkpoint(proof.log, proof.size, root)
    keys = log.history.at(proof.size)
    Ed25519Verifier(proof.log, keys.ed25519).verify(checkpoint.body(), proof.checkpoint_signature)
    _registrar(log, proof).verify(_CONTEXT + _cbor(proof.fields()), proof.registrar_signature)
    if log.quorum:
        raise VerificationFailed(
            f"the code's signatures hold, but your trust file demands {log.quorum} witnesses and a code shows none: "
            "verify the PDF or the card"
        )
    return QrFact(proof.certificate, proof.number, proof.log, proof.position, proof.leaf, checkpoint)


def _registrar(log: LogTrust, proof: QrProof) -> PublicKey:
    """The registrar's key in force at the size of the code's checkpoint, as the trust file knows it."""
    return log.history.key_of("registrar", proof.size) or log.registrar


def _cbor(value: Any) -> bytes:
    return cbor2.dumps(value, canonical=True)


def to_base45(data: bytes) -> str:
    """RFC 9285."""
    out = []
    for at in range(0, len(data), 2):
        pair = data[at : at + 2]
        value = int.from_bytes(pair, "big")
        for _ in range(3 if len(pair) == 2 else 2):
            value, digit = divmod(value, 45)
            out.append(_ALPHABET[digit])
    return "".join(out)


def from_base45(text: str) -> bytes:
    """Inverse of ``to_base45``. Raises ``MalformedInput``."""
    if len(text) % 3 == 1 or any(one not in _ALPHABET for one in text):
        raise MalformedInput("the code is not base45")
    out = bytearray()
    for at in range(0, len(text), 3):
        part = text[at : at + 3]
        value = sum(_ALPHABET.index(one) * 45**place for place, one in enumerate(part))
        if value >> (8 * (len(part) - 1)):
            raise MalformedInput("the code is not base45")
        out += value.to_bytes(len(part) - 1, "big")
    return bytes(out)
