"""Who issues, holds and steals in the corpus: keys and certificates whose every byte follows from a name. TEST ONLY."""

from __future__ import annotations

from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from credentials.token_signer import TokenIssuer
from fixtures.keys import private_key
from tallystick.keys import Algorithm, LocalSigner
from tallystick.token.issuer import LICENCE_TOKENS
from tallystick.token.licence import issuer_of
from tests.c2pa_corpus.people import AUTHORITY, Extension, Person, constraints, der, person, purposes, usage
from tests.world import World

BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)


class SteadySigner(LocalSigner):
    """A local signer whose ECDSA signatures are those of RFC 6979: the same bytes each time."""

    def sign(self, message: bytes) -> bytes:
        """See ``LocalSigner.sign``."""
        if self.public.alg != "es256":
            return super().sign(message)
        made = self.private.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        return b"".join(one.to_bytes(32, "big") for one in decode_dss_signature(made))


def steady(name: str, alg: Algorithm = "es256") -> SteadySigner:
    """The signer that a name always gives."""
    return SteadySigner(private_key(f"token corpus {name}", alg))


def leaf(issuer: str) -> tuple[Extension, ...]:
    """What the certificate of an issuer of tokens has."""
    named = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(issuer)])
    return constraints(False), usage("digital_signature"), purposes(LICENCE_TOKENS), (named, False)


def certified(
    name: str, above: Person | None, extensions: tuple[Extension, ...], alg: Algorithm = "es256", **more: datetime
) -> Person:
    """A certificate of the corpus, for ten years."""
    key = private_key(f"token corpus {name}", alg)
    return person(f"token corpus {name}", above, extensions, key=key, **{"begin": BEGIN, "end": END, **more})


ORIGIN = World().origin
ISSUER = issuer_of(ORIGIN)
ROOT = certified("root", None, AUTHORITY)
SIGNER = certified("signer", ROOT, leaf(ISSUER))


def issuing(who: Person) -> TokenIssuer:
    """The issuer of tokens that ``who`` is."""
    ends = int(who.certificate.not_valid_after_utc.timestamp())
    return TokenIssuer(who.shown, der(who.chain[-1]), SteadySigner(who.key), ends)


OTHER_ROOT = certified("other root", None, AUTHORITY)
OTHER_SIGNER = certified("other signer", OTHER_ROOT, leaf("https://log.example/another"))
