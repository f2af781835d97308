"""Type Metadata of a licence token (draft-ietf-oauth-sd-jwt-vc, section "Type Metadata"): one document, for ever.

Its bytes are hashed into every token (``vct#integrity``), so a changed word is another ``vct``.
"""

from __future__ import annotations

import hashlib

from tallystick import canonical
from tallystick.base64s import to_base64
from tallystick.canonical import JsonValue

VCT = "urn:tallystick:vct:licence:1"
METADATA_TYPE = "application/json"

_TERMS = {
    "licensee": ("被许可人", "licensee"),
    "asset": ("标的", "asset"),
    "use": ("许可用途", "uses"),
    "exclusivity": ("专有性", "exclusivity"),
    "territory": ("地域", "territory"),
    "window": ("期限", "window"),
    "media": ("媒介", "media"),
    "sublicensing": ("转许可", "sublicensing"),
    "ai_use": ("人工智能使用", "AI use"),
    "channel": ("渠道", "channel"),
    "format": ("格式", "format"),
    "language": ("语言", "language"),
    "holdback": ("保留期", "holdback"),
    "count": ("次数", "count"),
    "derivatives": ("衍生", "derivatives"),
    "attribution": ("署名", "attribution"),
    "payment": ("付款", "payment"),
    "consent": ("肖像与声音同意", "likeness and voice consent"),
    "contract": ("合同", "contract"),
}
"""Labels of the terms, written down here: words elsewhere may be bettered, these are hashed."""
_OPEN = ("iss", "iat", "nbf", "exp", "cnf", "status", "licence")
_MANDATORY = frozenset(tuple(_TERMS)[:9])


def _claim(path: str, disclosable: str, mandatory: bool, labels: tuple[str, str] | None = None) -> JsonValue:
    claim: dict[str, JsonValue] = {"mandatory": mandatory, "path": [path], "sd": disclosable}
    if labels:
        claim["display"] = [{"label": label, "locale": each} for each, label in zip(("zh", "en"), labels, strict=True)]
    return claim


def type_metadata() -> dict[str, JsonValue]:
    """The document as a JSON value."""
    return {
        "vct": VCT,
        "name": "tallystick licence",
        "description": "A licence, never ownership. Its terms are the commitments of its grant in a transparency log.",
        "display": [
            {"locale": "zh", "name": "许可", "description": "许可不是所有权。各条款即其授权在透明日志中的承诺值。"},
            {
                "locale": "en",
                "name": "Licence",
                "description": "A licence, never ownership. Its terms are commitments in a transparency log.",
            },
        ],
        "claims": [
            *(_claim(name, "never", True) for name in _OPEN),
            *(_claim(name, "always", name in _MANDATORY, labels) for name, labels in _TERMS.items()),
        ],
    }


DOCUMENT = canonical.encode(type_metadata())
"""Its bytes, as they are served and hashed."""
INTEGRITY = f"sha256-{to_base64(hashlib.sha256(DOCUMENT).digest())}"
"""``vct#integrity``: W3C subresource integrity of the document."""
