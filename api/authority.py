"""The log's authority by libsecp256k1: the same signatures as the core's, for a tenth of the processor time (ADR 76).

A publication signs twice, and what stands beside it in the service waits for the interpreter meanwhile.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from tallystick.errors import MalformedInput
from tallystick.evm.secp256k1 import remember
from tallystick.keys import LocalSigner

if TYPE_CHECKING:
    from coincurve import PrivateKey


class QuickAuthority:
    """A ``tree_head.Authority`` whose key is in this process."""

    def __init__(self, signer: LocalSigner) -> None:
        if signer.public.alg != "es256k":
            raise MalformedInput(f"an authority has an es256k key, found {signer.public.alg}")
        self.public = signer.public
        self._signer = signer

    @cached_property
    def _private(self) -> PrivateKey:
        from coincurve import PrivateKey  # with the first checkpoint, and not for who only reads

        return PrivateKey.from_int(self._signer.private.private_numbers().private_value)

    def sign_digest(self, digest: bytes) -> bytes:
        """See ``Authority.sign_digest``. A faulty one does not leave: its key is recovered before."""
        from coincurve import PublicKey

        made = self._private.sign_recoverable(digest, hasher=None)
        try:
            found = PublicKey.from_signature_and_message(made, digest, hasher=None).format(compressed=False)
        # Whatever the library says of it.
        except Exception:
            found = b""
        signature = made[:64] + bytes([27 + made[64]])
        if found != self.public.raw or made[64] > 1:
            raise RuntimeError("a signature that was just made does not verify")
        remember(digest, signature, found)
        return signature
