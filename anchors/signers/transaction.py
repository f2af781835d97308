"""The one kind of transaction that is made here (EIP-1559), unsigned and signed, and the check of a signed one."""

from __future__ import annotations

from dataclasses import replace

from anchors.errors import SignerFailed
from anchors.hashing import keccak256
from tallystick.errors import TallystickError
from tallystick.evm import rlp
from tallystick.evm.secp256k1 import N, address_of, recover
from tallystick.lazy_dataclass import dataclass

_TYPE = 2
_FIELDS = 12


@dataclass(frozen=True)
class UnsignedTransaction:
    """Amounts are in wei. ``to``: 20 bytes, or empty to create a contract."""

    chain_id: int
    nonce: int
    max_tip: int
    max_fee: int
    gas: int
    to: bytes
    data: bytes

    def payload(self) -> bytes:
        """What is hashed with keccak-256 and then signed: the type byte and the fields."""
        return bytes([_TYPE]) + rlp.encode(self._fields())

    def signed(self, signature: bytes) -> bytes:
        """Raw bytes for ``eth_sendRawTransaction``. ``signature``: 65 bytes r ‖ s ‖ v, v 27 or 28."""
        r, s = (int.from_bytes(signature[at : at + 32], "big") for at in (0, 32))
        return bytes([_TYPE]) + rlp.encode([*self._fields(), *(_integer(one) for one in (signature[64] - 27, r, s))])

    def dearer(self, max_fee: int, max_tip: int) -> UnsignedTransaction:
        """The same with other fees: it replaces the first one where that waits."""
        return replace(self, max_fee=max_fee, max_tip=max_tip)

    def _fields(self) -> list[object]:
        numbers = [_integer(one) for one in (self.chain_id, self.nonce, self.max_tip, self.max_fee, self.gas)]
        return [*numbers, self.to, b"", self.data, []]


def read_signed(raw: bytes) -> tuple[UnsignedTransaction, bytes]:
    """A signed transaction's parts, the signature as 65 bytes r ‖ s ‖ v. Raises ``SignerFailed``."""
    try:
        fields = rlp.as_list(rlp.decode(raw[1:]), "a transaction") if raw[:1] == bytes([_TYPE]) else []
        if len(fields) != _FIELDS or fields[6:9:2] != [b"", []]:
            raise SignerFailed("this is no EIP-1559 transaction without value and access list")
        chain_id, nonce, max_tip, max_fee, gas = (rlp.as_int(one, "a number") for one in fields[:5])
        to, data = rlp.as_bytes(fields[5], "to"), rlp.as_bytes(fields[7], "data")
        parity, r, s = (rlp.as_int(one, "a signature") for one in fields[9:])
    except TallystickError as error:
        raise SignerFailed(f"the signer returned something that is no transaction: {error}") from None
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([27 + min(parity, 2)])
    return UnsignedTransaction(chain_id, nonce, max_tip, max_fee, gas, to, data), signature


def check_signed(raw: bytes, wanted: UnsignedTransaction, address: bytes) -> None:
    """Raise ``SignerFailed`` unless ``raw`` is ``wanted``, whole and unchanged, signed by the key of ``address``."""
    found, signature = read_signed(raw)
    if found != wanted:
        changed = [name for name in vars(wanted) if getattr(found, name) != getattr(wanted, name)]
        raise SignerFailed(f"the signer changed the transaction's {', '.join(changed)}: it is not sent")
    check_signature(signature, keccak256(wanted.payload()), address)
    if found.signed(signature) != raw:
        raise SignerFailed("the signed transaction is not in its one canonical form")


def check_signature(signature: bytes, digest: bytes, address: bytes) -> None:
    """Raise ``SignerFailed`` unless the key of ``address`` made this 65-byte signature."""
    try:
        signer = address_of(recover(digest, signature))
    except TallystickError as error:
        raise SignerFailed(f"the signer's signature is none: {error}") from None
    if signer != address:
        raise SignerFailed(
            f"the signer signs as 0x{signer.hex()}, configured is 0x{address.hex()}: correct the configuration, "
            "or give the signer the right key"
        )


def with_parity(r: int, s: int, digest: bytes, address: bytes) -> bytes:
    """65 bytes r ‖ s ‖ v of a signature that came without v, as devices give it. Raises ``SignerFailed``."""
    s = min(s, N - s)
    for v in (27, 28):
        candidate = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([v])
        try:
            check_signature(candidate, digest, address)
        except SignerFailed as error:
            refused = error
        else:
            return candidate
    raise refused


def _integer(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")
