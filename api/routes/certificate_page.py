"""The page that a certificate's code leads to, for people: whether it is in force, and what speaks against it.

HTML in Chinese or English, without scripts and without anything from elsewhere. It names nobody.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from html import escape
from typing import Annotated

from fastapi import Header, Query
from fastapi.responses import HTMLResponse

from api.middleware import NOTHING
from api.routes.anchor_words import Language
from api.routes.base import UsedServices
from api.routes.late import plain_router
from api.routes.page import choose
from api.services.certificate_print import FIELDS
from api.services.errors import NotFound
from api.services.standing import Standing

routes = plain_router()

WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "title": "Certificate of registration",
        "in-force": "In force",
        "superseded": "SUPERSEDED: no longer in force",
        "withdrawn": "WITHDRAWN: no longer in force",
        "disputed": "There are open disputes.",
        "unknown": "NOT ISSUED HERE",
        "unknown_line": "No certificate of this number or identifier was ever issued by this registrar.",
        "number": "Number",
        "certificate": "Certificate",
        "object": "Object",
        "issued": "Issued",
        "entry": "Entry of the log",
        "supersedes": "Supersedes",
        "since": "No longer in force since",
        "by": "Superseded by",
        "reason": "Reason",
        "corrected": "Corrected",
        "grounds": "Grounds",
        "disputes": "Disputes",
        "none": "none is known here",
        "dispute_line": "{dispute}: {claim}, opened {opened}, {status}",
        "as_of": "As of {size} entries of the log, {time}.",
        "unpublished": "Not all of this is covered by a published checkpoint yet.",
        "limits": "This page is the operator's word. The signed file and its proofs show, without a network, what the "
        "log said up to a checkpoint; only a newer checkpoint shows what came after.",
    },
    "zh": {
        "title": "登记证书",
        "in-force": "有效",
        "superseded": "已被替代，不再有效",
        "withdrawn": "已撤回，不再有效",
        "disputed": "存在未决争议。",
        "unknown": "本机构从未签发",
        "unknown_line": "本登记机构从未签发此号码或标识的证书。",
        "number": "登记号",
        "certificate": "证书标识",
        "object": "作品标识",
        "issued": "签发时间",
        "entry": "日志条目",
        "supersedes": "所替代的证书",
        "since": "失效时间",
        "by": "由何证书替代",
        "reason": "原因",
        "corrected": "更正事项",
        "grounds": "理由",
        "disputes": "争议",
        "none": "未见争议",
        "dispute_line": "{dispute}：{claim}，提出于{opened}，{status}",
        "as_of": "截至日志的{size}条记录，{time}。",
        "unpublished": "以上内容尚未全部被已发布的检查点覆盖。",
        "limits": "本页面仅为运营方的陈述。经签名的文件及其证明可在断网情况下说明日志截至某检查点的内容；"
        "此后的情况只有更新的检查点才能说明。",
    },
}
_TERMS: dict[str, str] = {
    "reissue": "补发",
    "correction": "更正",
    "error": "错误",
    "request": "申请人请求",
    "court-order": "法院裁定",
    "dispute": "争议",
    "superseded": "被替代",
    "open": "未决",
    "upheld": "成立",
    "rejected": "驳回",
    "settled": "和解",
    "withdrawn": "撤回",
    "authorship": "作者身份",
    "ownership": "权属",
    "authority": "授权",
    "content": "内容",
    "provenance": "来源",
    "licence": "许可",
    "other": "其他",
}
_STYLE = (
    "body{font:16px/1.5 system-ui,'Noto Sans CJK SC',sans-serif;max-width:44rem;margin:1.5rem auto;padding:0 1rem;"
    "color:#1a1a1a;background:#fff}nav{text-align:right}a{color:#0b4f79}h1{font-size:1.4rem}"
    ".state{font-size:1.5rem;font-weight:700;border:3px solid;padding:.5rem 1rem;overflow-wrap:anywhere}"
    ".good{color:#14532d}.bad{color:#8f1414;background:#fdf0f0}dt{font-weight:700;margin-top:.6rem}"
    "dd{margin:0;overflow-wrap:anywhere}footer{margin-top:2rem;color:#33475b}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"{NOTHING}; style-src 'sha256-{_STYLE_HASH}'"


@routes.get("/certificates/{name:path}", response_class=HTMLResponse, include_in_schema=False)
def page(
    name: str,
    services: UsedServices,
    lang: Annotated[Language | None, Query()] = None,
    accept_language: Annotated[str, Header()] = "",
) -> HTMLResponse:
    """One certificate, by number or identifier; 404 says that it was never issued, in the same words."""
    language: Language = lang or choose(accept_language)
    try:
        status, inside = 200, _standing(services.standings.of(name), language)
    except NotFound:
        words = WORDS[language]
        inside = f'<p class="state bad">{words["unknown"]}</p><p>{escape(name[:200])}</p><p>{words["unknown_line"]}</p>'
        status = 404
    other, label = ("zh", "中文") if language == "en" else ("en", "English")
    words, origin = WORDS[language], escape(services.voices.origin)
    html = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f"<title>{words['title']}: {escape(name[:80])}</title><style>{_STYLE}</style></head><body>"
        f'<nav><a href="?lang={other}" lang="{other}">{label}</a></nav><main><h1>{words["title"]}: {origin}</h1>'
        f"{inside}"
        f"</main><footer>{words['limits']}</footer></body></html>"
    )
    return HTMLResponse(html, status, {"Content-Security-Policy": _POLICY, "Vary": "Accept-Language"})


def _named(fields: Sequence[str], language: Language) -> str:
    """Private values of a certificate by the names that are printed on it."""
    printed = [FIELDS.get(name) for name in fields]
    told = [getattr(one, language) if one else name for name, one in zip(fields, printed, strict=True)]
    return ("、" if language == "zh" else ", ").join(map(escape, told))


def _standing(found: Standing, language: Language) -> str:
    words = WORDS[language]

    def term(text: str) -> str:
        return escape(_TERMS.get(text, text) if language == "zh" else text)

    def link(certificate: str) -> str:
        return f'<a href="/certificates/{escape(certificate)}?lang={language}">{escape(certificate)}</a>'

    rows = [("number", escape(found.number)), ("certificate", escape(found.certificate))]
    if found.ending:
        rows.append(("since", found.ending.time))
        if found.ending.superseded_by:
            rows.append(("by", f"{escape(found.ending.number or '')} {link(found.ending.superseded_by)}"))
        rows += [("reason", term(found.ending.reason))] if found.ending.reason else []
        rows += [("corrected", _named(found.ending.corrected, language))] if found.ending.corrected else []
        rows += [("grounds", term(found.ending.grounds))] if found.ending.grounds else []
    rows += [("issued", found.issued), ("entry", str(found.position)), ("object", escape(found.object))]
    rows += [("supersedes", link(found.supersedes))] if found.supersedes else []
    disputes = "".join(
        "<dd>"
        + words["dispute_line"].format(
            dispute=escape(one.dispute), claim=term(one.claim), opened=one.opened, status=term(one.status)
        )
        + "</dd>"
        for one in found.disputes
    )
    told = "".join(f"<dt>{words[name]}</dt><dd>{value}</dd>" for name, value in rows)
    is_open = any(one.status == "open" for one in found.disputes)
    return (
        f'<p class="state {"good" if found.ending is None else "bad"}">{words[found.state]}</p>'
        + (f'<p class="bad">{words["disputed"]}</p>' if is_open else "")
        + f"<dl>{told}<dt>{words['disputes']}</dt>{disputes or '<dd>' + words['none'] + '</dd>'}</dl>"
        + f"<p>{words['as_of'].format(size=found.size, time=found.time)}"
        + ("" if found.published else f" {words['unpublished']}")
        + "</p>"
    )
