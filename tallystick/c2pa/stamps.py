"""When a claim was signed, as timestamp authorities that the reader trusts say it (C2PA specification, section 15.8).

A timestamp stands outside the signature: anybody may take it away, or put another in its place. So a bad one refuses
nothing and proves nothing; it is told. One that speaks of a time after the check refuses, whoever made it. What an
update brought (`c2pa.time-stamp`) stands under the update's signature, and is judged alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from tallystick.c2pa.refusal import CredentialRefused
from tallystick.c2pa.signature import TIME_STAMP, CoseSignature, Stamped
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.lazy_dataclass import dataclass
from tallystick.revocation import Words, unanswered
from tallystick.timestamp import (
    Authority,
    RevokedAuthority,
    TimestampFact,
    UnknownAuthority,
    der,
    parse_token,
    verify_token,
)

OVER_SIGNATURE = frozenset({"sigTst2", TIME_STAMP})
"""Where a timestamp is over the signature. That of the older header is over what was signed: it could be had before."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = 253_402_300_799
"""The last second of the year 9999."""


@dataclass(frozen=True, slots=True)
class ProvenTime:
    """The signature existed by `time`, says `authority`, who is `independent` of the log's operator or not.

    `time`: genTime and accuracy together, rounded up to a second, but not after the instant of the check.
    """

    time: datetime
    authority: str
    signer: str
    independent: bool


def proven_time(
    signature: CoseSignature,
    authorities: Sequence[Authority],
    at: datetime,
    later: Sequence[Stamped] = (),
    beside: Words | None = None,
) -> tuple[ProvenTime | None, tuple[str, ...]]:
    """The earliest time that a trusted authority gives `signature`, and what is to be told of the other timestamps.

    `later`: those that updates brought (`tallystick.c2pa.updates.later_stamps`). `beside`: what is known of the
    revocation of authorities; a token by one that was revoked counts for nothing.

    Raises CredentialRefused with ``time.future`` for one that was made after `at`, by its own word.
    """
    proven: list[ProvenTime] = []
    told: list[str] = []
    for stamp in (*signature.stamps, *later):
        try:
            found, fact = _proven(stamp, authorities, at, beside)
            if stamp.form in OVER_SIGNATURE:
                proven.append(found)
                told += (unanswered(name, places, found.time) for name, places in fact.unanswered)
            else:
                told.append(f"a timestamp ({stamp.form}) is over the claim alone: when it was signed remains open")
        except RevokedAuthority as error:
            told.append(f"a timestamp ({stamp.form}) counts no more: {error}")
        except UnknownAuthority as error:
            told.append(f"a timestamp ({stamp.form}) is by an authority that is not trusted: {error}")
        except CredentialRefused:
            raise
        except (MalformedInput, VerificationFailed) as error:
            told.append(f"a timestamp ({stamp.form}) does not hold: {error}")
    first = min(proven, key=lambda one: one.time, default=None)
    if first is not None and not first.independent:
        told.append(f"the time of signing is the word of {first.authority}, who is not independent of the operator")
    return first, tuple(told)


def _proven(
    stamp: Stamped, authorities: Sequence[Authority], at: datetime, beside: Words | None
) -> tuple[ProvenTime, TimestampFact]:
    token = token_of(stamp)
    info = parse_token(token).info
    made = _EPOCH + timedelta(microseconds=info.gen_time)
    if info.gen_time - (info.accuracy or 0) > (at - _EPOCH) // timedelta(microseconds=1):
        raise CredentialRefused("time.future", f"the signature is dated {made.isoformat()}, after {at.isoformat()}")
    fact = verify_token(token, stamp.message, authorities, beside)
    # By then it existed; as far as the calendar reaches, and not later than now.
    until = min(_EPOCH + timedelta(seconds=min(fact.not_after, _LAST)), at)
    return ProvenTime(until, fact.authority, fact.signer, fact.independent), fact


def token_of(stamp: Stamped) -> bytes:
    """The older header holds a whole TimeStampResp (RFC 3161 §2.4.2), the newer one the token alone."""
    if stamp.form != "sigTst":
        return stamp.token
    fields = der.Fields(der.single(stamp.token, der.SEQUENCE, "timestamp response").content, "timestamp response")
    status = fields.take(der.SEQUENCE, "its status")
    granted = der.Fields(status.content, "status").take(der.INTEGER, "its number")
    if der.integer(granted.content, "the status") not in (0, 1):
        raise VerificationFailed("the authority did not grant it")
    token = fields.take(der.SEQUENCE, "its token").whole
    fields.end()
    return token
