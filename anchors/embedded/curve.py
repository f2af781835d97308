"""Recovery on secp256k1 for py-evm: the core's, which keeps what it recovered last.

py-evm asks for the sender of the same transaction whenever it reads a block, and
eth_keys, without its C library, takes milliseconds each time.
"""

from __future__ import annotations

import os

from eth_keys.backends.native.main import NativeECCBackend
from eth_keys.datatypes import PublicKey, Signature
from eth_keys.exceptions import BadSignature

from tallystick.errors import VerificationFailed
from tallystick.evm.secp256k1 import N, recover

NAME = "anchors.embedded.curve.Backend"


class Backend(NativeECCBackend):
    """What eth_keys calls. High s, which Ethereum's own precompile takes, stays with eth_keys."""

    def ecdsa_recover(self, msg_hash: bytes, signature: Signature) -> PublicKey:
        """The key that signed. Raises ``BadSignature``."""
        v, r, s = signature.vrs
        if v not in (0, 1) or not 0 < s <= N // 2 or not 0 < r < N:
            return super().ecdsa_recover(msg_hash, signature)
        try:
            found = recover(bytes(msg_hash), r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([27 + v]))
        except VerificationFailed as error:
            raise BadSignature(str(error)) from None
        return PublicKey(found[1:], backend=self)


def install() -> None:
    """Have eth_keys use this, unless the operator chose another (coincurve, where there is a C compiler)."""
    os.environ.setdefault("ECC_BACKEND_CLASS", NAME)
