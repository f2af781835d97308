"""From a licence token to the facts of the first stages: issuer, signature, who holds it, when it speaks."""

from __future__ import annotations

from tallystick.errors import VerificationFailed
from tallystick.licence.check import CheckRequest, FileFacts, Outcome, Reason, Stage, TokenFacts
from tallystick.times import format_time, parse_time
from tallystick.token.binding import require, verify_binding
from tallystick.token.issuer import require_issuer
from tallystick.token.licence import LicenceToken, parse_licence_token, valid_at
from tallystick.token.refusal import TokenRefused
from tallystick.trust import Trust
from tallystick.wording import Wording

_NOT_JUDGED = Wording("令牌不成立，未予判断", "not judged: the token does not hold")
_SIGNED = Wording("令牌签名有效", "the signature over the token holds")


def read_licence_token(text: str, trust: Trust, request: CheckRequest) -> FileFacts:
    """Read and judge a licence token, issued or presented, as of the instant that the request names.

    Raises ``MalformedInput`` on a text that has not its form; what does not hold is a failed stage.
    """
    try:
        token = parse_licence_token(text)
    except TokenRefused as error:
        text_of = Wording(f"令牌被拒绝：{error}", f"the token is refused: {error}")
        return _failed(Reason(Stage.ISSUER, Outcome.UNKNOWN, _NOT_JUDGED), Stage.SIGNATURE, text_of)
    at = parse_time(request.at)
    try:
        key, root = require_issuer(token.chain, trust.token_roots, token.claims.iss, at)
    except TokenRefused as error:
        return _untrusted(token, error)
    name = root.subject.rfc4514_string()
    issuer = Reason(
        Stage.ISSUER,
        Outcome.MET,
        Wording(f"由{token.claims.iss}签发，可追溯至{name}", f"issued by {token.claims.iss}, who stands under {name}"),
    )
    try:
        token.jws.verify(key)
    except TokenRefused as error:
        return _failed(
            issuer, Stage.SIGNATURE, Wording(f"签名不成立：{error}", f"the signature does not hold: {error}")
        )
    facts = TokenFacts(token, _holder(token, request), _dates(token, request.at))
    return FileFacts(issuer, Reason(Stage.SIGNATURE, Outcome.MET, _SIGNED), None, facts)


def _failed(issuer: Reason, stage: Stage, text: Wording) -> FileFacts:
    return FileFacts(issuer, Reason(stage, Outcome.FAILED, text), None)


def _untrusted(token: LicenceToken, error: VerificationFailed) -> FileFacts:
    refused = Wording(f"签发者不可信：{error}", f"its issuer is not trusted: {error}")
    return FileFacts(
        Reason(Stage.ISSUER, Outcome.FAILED, refused), Reason(Stage.SIGNATURE, Outcome.UNKNOWN, _NOT_JUDGED), None
    )


def _dates(token: LicenceToken, at: str) -> Reason:
    start, end = format_time(token.claims.nbf), format_time(token.claims.exp)
    if valid_at(token, parse_time(at)):
        text = Wording(f"令牌自{start}起至{end}前有效", f"the token speaks from {start} until {end}")
        return Reason(Stage.DATES, Outcome.MET, text)
    text = Wording(
        f"令牌仅自{start}起至{end}前有效", f"the token speaks only from {start} until {end}: have it reissued"
    )
    return Reason(Stage.DATES, Outcome.FAILED, text)


def _holder(token: LicenceToken, request: CheckRequest) -> Reason:
    try:
        return _bound(token, request)
    except TokenRefused as error:
        text = Wording(f"未证明持有密钥：{error}", f"the holder's key is not shown: {error}")
        return Reason(Stage.HOLDER, Outcome.FAILED, text, "licensee")


def _bound(token: LicenceToken, request: CheckRequest) -> Reason:
    expected = request.expected
    if expected is None and token.sd_jwt.binding is None:
        text = Wording(
            "未出示持有人密钥：任何持有此令牌者均可出示它",
            "no holder key was shown: anyone who has the token can show it",
        )
        return Reason(Stage.HOLDER, Outcome.CONDITION, text, "licensee")
    found = verify_binding(token.sd_jwt, token.holder)
    if expected is None:
        made = format_time(found.issued_at)
        text = Wording(
            f"持有人密钥曾于{made}为{found.audience}签名；受众与随机数未经核对，可能是重放",
            f"the holder's key signed at {made} for {found.audience}; audience and nonce were not compared, "
            "so somebody else may be showing it again",
        )
        return Reason(Stage.HOLDER, Outcome.CONDITION, text, "licensee")
    require(found, expected, parse_time(request.at))
    text = Wording("出示者持有令牌所绑定的密钥", "the presenter holds the key that the token is bound to")
    return Reason(Stage.HOLDER, Outcome.MET, text, "licensee")
