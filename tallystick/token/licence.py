"""A licence as SD-JWT VC (draft-ietf-oauth-sd-jwt-vc): what its issuer says openly, and what stands as digests.

The digests are the SHA-256 commitments of the grant in the log, all of them and no others: what a holder shows is
opened by the very disclosure that the log committed to, and what it withholds is known to exist. Header and claims
are canonical JSON, so that a licence token has one form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from tallystick import canonical
from tallystick.base64s import from_base64, to_base64, to_base64url
from tallystick.canonical import JsonValue
from tallystick.commitments import Disclosure, parse_disclosure
from tallystick.digests import DigestPair
from tallystick.errors import MalformedInput
from tallystick.events.licence import StatusPointer
from tallystick.events.log import ORIGIN
from tallystick.identifiers import Letter
from tallystick.keys import PublicKey, Signer
from tallystick.lazy_dataclass import dataclass
from tallystick.schema import COUNT, HEX32, FieldError, Rule, between, identifier, read, record, text, write
from tallystick.times import UnixSeconds
from tallystick.token.jose import Jws, parse_jws, read_jwk, sign_jws, write_jwk
from tallystick.token.metadata import INTEGRITY, VCT
from tallystick.token.refusal import TokenRefused
from tallystick.token.sdjwt import ALGORITHM, DIGESTS, SHA_256, SdJwt, digest_of, open_claims, parse_sd_jwt
from tallystick.versions import check_version

TYP = "dc+sd-jwt"
MEDIA_TYPE = "application/dc+sd-jwt"
VERSION: Literal[1] = 1
MAX_TOKEN_BYTES = 1 << 20
MAX_CERTIFICATES = 4
MAX_CERTIFICATE_BYTES = 8192
_INTEGRITY = "vct#integrity"
_HTTPS = "https://"
_LAST_SECOND = 253402300799
_SECONDS = between(0, _LAST_SECOND)
_JWK = Rule("a public key", read_jwk)


def issuer_of(origin: str) -> str:
    """``iss``: the log as a URI. The certificate of the issuer's key names the same."""
    return _HTTPS + origin


def list_uri(uri: str) -> str:
    """A status list as ``status_list.uri`` has it: the grant's name of the list, as a URI."""
    return uri if uri.startswith((_HTTPS, "http://")) else _HTTPS + uri


@record
class Holder:
    """RFC 7800: the key that the holder shows to have."""

    jwk: Annotated[dict[str, str], _JWK]


@record
class StatusIndex:
    """Where the status stands: Token Status List, ``status_list``."""

    idx: Annotated[int, between(0, (1 << 20) - 1)]
    uri: Annotated[str, text(220)]


@record
class Status:
    """RFC 9901 names no status of its own; this is the one of draft-ietf-oauth-status-list."""

    status_list: StatusIndex


@record
class Granted:
    """The grant in the log. ``grant``: leaf index; ``leaf``: leaf hash of its entry, hex."""

    v: Literal[1]
    id: Annotated[str, identifier(Letter.LICENCE)]
    origin: Annotated[str, ORIGIN]
    grant: Annotated[int, COUNT]
    leaf: Annotated[str, HEX32]


@record
class Claims:
    """What a licence token says openly, besides ``vct`` and the digests. Times: Unix seconds."""

    iss: Annotated[str, text(220)]
    iat: Annotated[int, _SECONDS]
    nbf: Annotated[int, _SECONDS]
    exp: Annotated[int, _SECONDS]
    cnf: Holder
    status: Status
    licence: Granted


@dataclass(frozen=True)
class LicenceToken:
    """A licence token that was read; the issuer's signature is not verified yet (``jws.verify``).

    ``chain``: DER certificates, leaf first; ``digests``: of all terms; ``shown``: the disclosures of those shown.
    """

    sd_jwt: SdJwt
    jws: Jws
    chain: tuple[bytes, ...]
    claims: Claims
    digests: frozenset[str]
    shown: tuple[Disclosure, ...]

    @property
    def holder(self) -> PublicKey:
        """The key that the token is bound to."""
        return read_jwk(self.claims.cnf.jwk)

    def require_commitments(self, commitments: Mapping[str, DigestPair]) -> None:
        """Raise ``TokenRefused`` unless the digests are exactly what the grant commits to."""
        if self.digests != digests_of(commitments):
            raise TokenRefused("log.commitments", "the token's digests are not those of the grant in the log")

    def showing(self, names: Sequence[str]) -> SdJwt:
        """The same token with the disclosures of these terms alone. Raises ``FieldError`` for one that it has not."""
        held = {one.name: one.text for one in self.shown}
        for name in names:
            if name not in held:
                raise FieldError("show", f"the token shows no {name[:40]!r}; it has: {', '.join(held) or 'nothing'}")
        return SdJwt(self.sd_jwt.jwt, tuple(text for name, text in held.items() if name in names))


def digests_of(commitments: Mapping[str, DigestPair]) -> frozenset[str]:
    """The digests by which a token stands for the commitments of a grant."""
    return frozenset(to_base64url(bytes.fromhex(one.sha256)) for one in commitments.values())


def issue(
    claims: Claims,
    commitments: Mapping[str, DigestPair],
    disclosures: Sequence[str],
    chain: Sequence[bytes],
    signer: Signer,
) -> SdJwt:
    """A token that shows ``disclosures``. ``chain``: certificates (DER) of ``signer``, leaf first, without the root.

    Raises ``MalformedInput`` or ``TokenRefused`` for one that ``parse_licence_token`` would refuse.
    """
    payload = {
        **write(claims),
        "vct": VCT,
        _INTEGRITY: INTEGRITY,
        ALGORITHM: SHA_256,
        DIGESTS: sorted(digests_of(commitments)),
    }
    jwt = sign_jws({"typ": TYP, "x5c": [to_base64(one) for one in chain]}, payload, signer)
    made = SdJwt(jwt, tuple(disclosures))
    parse_licence_token(made.text)
    return made


def write_claims(
    origin: str, licence: str, grant: int, leaf: bytes, pointer: StatusPointer, holder: PublicKey, span: tuple[int, int]
) -> Claims:
    """The claims of a token issued at ``span[0]`` that ends at ``span[1]`` (Unix seconds)."""
    issued, ends = span
    return Claims(
        iss=issuer_of(origin),
        iat=issued,
        nbf=issued,
        exp=ends,
        cnf=Holder(write_jwk(holder)),
        status=Status(StatusIndex(pointer.index, list_uri(pointer.list))),
        licence=Granted(VERSION, licence, origin, grant, leaf.hex()),
    )


def parse_licence_token(text: str) -> LicenceToken:
    """Read a licence token, issued or presented. Raises ``MalformedInput``, ``UnknownVersion``, ``TokenRefused``."""
    token = parse_sd_jwt(text)
    jws = parse_jws(token.jwt, TYP)
    chain = _chain(jws)
    payload = canonical.decode(jws.payload, MAX_TOKEN_BYTES)
    if not isinstance(payload, dict):
        raise MalformedInput("the claims are not a JSON object")
    digests = _digests(payload)
    claims = _claims(payload)
    opened = open_claims(payload, token.disclosures)
    shown = tuple(parse_disclosure(one) for one in token.disclosures)
    for one in shown:
        # A disclosure inside a disclosure would be a term that the log never committed to.
        if digest_of(one.text) not in digests or opened.get(one.name) != one.value:
            raise TokenRefused("disclosure.place", f"the disclosure of {one.name[:40]!r} is no term of the licence")
    return LicenceToken(token, jws, chain, claims, digests, shown)


def _chain(jws: Jws) -> tuple[bytes, ...]:
    if set(jws.header) != {"alg", "typ", "x5c"}:
        raise MalformedInput(f"the header of a licence token has alg, typ and x5c, found {', '.join(jws.header)}")
    if jws.signed.split(b".")[0].decode() != to_base64url(canonical.encode(jws.header)):
        raise MalformedInput("the header of the token is not in canonical form (RFC 8785)")
    listed = jws.header["x5c"]
    if not isinstance(listed, list) or not 1 <= len(listed) <= MAX_CERTIFICATES:
        raise MalformedInput(f"x5c holds 1 to {MAX_CERTIFICATES} certificates")
    found = tuple(from_base64(one) if isinstance(one, str) else b"" for one in listed)
    if not all(1 <= len(one) <= MAX_CERTIFICATE_BYTES for one in found):
        raise MalformedInput(f"a certificate of x5c has 1 to {MAX_CERTIFICATE_BYTES} bytes")
    return found


def _digests(payload: dict[str, JsonValue]) -> frozenset[str]:
    listed = payload.get(DIGESTS)
    if not isinstance(listed, list) or not all(isinstance(one, str) and len(one) == 43 for one in listed):
        raise MalformedInput("_sd is not a list of SHA-256 digests in base64url")
    if listed != sorted(set(listed)):
        raise TokenRefused("disclosure.digest", "_sd is not sorted, each digest once")
    return frozenset(listed)


def _claims(payload: dict[str, JsonValue]) -> Claims:
    if payload.get("vct") != VCT:
        raise TokenRefused("vct", f"vct is {payload.get('vct')!r:.80}, a licence token has {VCT!r}")
    if payload.get(_INTEGRITY) != INTEGRITY or payload.get(ALGORITHM) != SHA_256:
        raise MalformedInput(f"expected {_INTEGRITY} {INTEGRITY} and {ALGORITHM} {SHA_256}")
    check_version(payload.get("licence"), "licence token", VERSION)
    rest = {name: each for name, each in payload.items() if name not in (DIGESTS, ALGORITHM, "vct", _INTEGRITY)}
    claims = read(Claims, rest, "token")
    if claims.iss != issuer_of(claims.licence.origin):
        raise FieldError("token.iss", f"expected {issuer_of(claims.licence.origin)}, the issuer of that log")
    if not claims.iat == claims.nbf < claims.exp:
        raise FieldError("token.exp", "expected nbf to equal iat and exp to be later")
    return claims


def valid_at(token: LicenceToken, at: UnixSeconds) -> bool:
    """Whether ``at`` lies from ``nbf`` up to, not including, ``exp``."""
    return token.claims.nbf <= at < token.claims.exp


__all__ = [
    "MAX_TOKEN_BYTES",
    "MEDIA_TYPE",
    "TYP",
    "Claims",
    "LicenceToken",
    "digests_of",
    "issue",
    "issuer_of",
    "list_uri",
    "parse_licence_token",
    "valid_at",
    "write_claims",
]
