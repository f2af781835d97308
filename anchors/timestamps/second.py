"""A second opinion on a token, by the library of others (rfc3161-client), before it is kept.

It checks less than we do and reads less (no signer named by key identifier, no certificates out of order), so only its
"no" to a token that it can read counts: then one of the two is wrong, and nobody should rest evidence on it.
"""

from __future__ import annotations

from collections.abc import Sequence

import rfc3161_client
from cryptography import x509

from anchors.timestamps.wire import encode_grant
from tallystick.errors import TallystickError


class Disagreement(TallystickError):
    """Two programs differ about a token."""


def second_opinion(token: bytes, message: bytes, roots: Sequence[bytes], certificates: Sequence[bytes]) -> None:
    """Raise ``Disagreement`` when the other library reads the token and does not accept it."""
    try:
        reply = rfc3161_client.decode_timestamp_response(encode_grant(token))
    except ValueError:
        return
    builder = rfc3161_client.VerifierBuilder()
    for root in roots:
        builder = builder.add_root_certificate(x509.load_der_x509_certificate(root))
    for one in certificates:
        builder = builder.add_intermediate_certificate(x509.load_der_x509_certificate(one))
    try:
        builder.build().verify_message(reply, message)
    except (rfc3161_client.VerificationError, ValueError) as error:
        raise Disagreement(f"another program does not accept this token: {str(error)[:300]}") from None
