"""Ed25519 by libsodium, in half of the time that OpenSSL takes (ADR 64).

Its *yes* counts, for it takes fewer signatures than ``cryptography`` does; its *no* does not: then that is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from tallystick.admission.signer import check_signature
from tallystick.keys import COSE_ALGORITHMS, SIGNATURE_BYTES, LocalSigner, PublicKey, Signer
from tallystick.statement import Statement

_SIZE = SIGNATURE_BYTES["ed25519"]

# Signatures over nothing that hold with the cofactor and not without (docs/evidence/values.md §9): to R, or to the key,
# a point of order 8 was added.
_BY_COFACTOR = [
    (
        "94ebceeddab3d3b0305ad0388d0fda33274f1a8c2be9dbebfeb2bc3b363fa07d",
        "607055ca3d4aa8af26961afb12b1e60a75fac88f9c260ff25806631dbb269159"
        "789c27749e0a201ed17f52ed648ae1e647e46ad9d910a1928feddd725cf8a704",
    ),
    (
        "70655a47a25c002d690b31c6dae823609fc7282f511fa9fdb0773eac2f4379b5",
        "3e54c441927f9f0ee5e13e34f0b0404c5043651a8f4b7ef087a1c42262a85d0a"
        "b15bfecde28e6d33845bf1f85e305ebd54d553b041f6c39594fd55fbf755e807",
    ),
]
# And the first of RFC 8032, §7.1, with the order of the group added to S: who takes both gives one statement two forms.
_TOO_LARGE = (
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
    "4c8c7872aa064e049dbb3013fbf29380d25bf5f0595bbe24655141438e7a101b",
)
_NOT_OURS = [*_BY_COFACTOR, _TOO_LARGE]


class Quick:
    """An Ed25519 signer by libsodium; RFC 8032 leaves it no choice, so that the bytes are ``LocalSigner``'s."""

    def __init__(self, signer: LocalSigner) -> None:
        """``signer``: with an Ed25519 key, of which nothing else is kept."""
        from nacl.bindings import crypto_sign

        self.public = signer.public
        self._secret = signer.private.private_bytes_raw() + self.public.raw
        self._sign = crypto_sign

    def sign(self, message: bytes) -> bytes:
        """See ``Signer``."""
        return self._sign(message, self._secret)[:_SIZE]


def quick(signer: LocalSigner) -> Signer:
    """One that signs the same, sooner where there is a way."""
    return Quick(signer) if signer.public.alg == "ed25519" else signer


def check(statement: Statement, key: PublicKey) -> None:
    """As ``check_signature``."""
    parts = statement.parts
    named = key.alg == "ed25519" and parts.alg == COSE_ALGORITHMS["ed25519"]
    if not (named and confirmed(key.raw, statement.to_be_signed, parts.signature)):
        check_signature(statement, key)


def confirmed(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether libsodium says that ``key`` (32 bytes) signed it; ``False`` does not say that it did not."""
    opened = _opened()
    # It is given signature and message as one string: another length would move the border between them.
    return opened is not None and len(signature) == _SIZE and opened(signature + message, key)


@cache
def _opened() -> Callable[[bytes, bytes], bool] | None:
    """Whether a signed message opens; ``None`` where the library takes what we do not (a later one may)."""
    from nacl.bindings import crypto_sign_open
    from nacl.exceptions import BadSignatureError

    def opened(signed: bytes, key: bytes) -> bool:
        try:
            crypto_sign_open(signed, key)
        except BadSignatureError:
            return False
        return True

    taken = any(opened(bytes.fromhex(signature), bytes.fromhex(key)) for key, signature in _NOT_OURS)
    return None if taken else opened
