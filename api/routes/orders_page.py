"""The page of orders, for a registrar or licensor: gives one from a file, shows how far it is, fetches its cards.

It holds nothing itself: its script asks the interface with the token that is typed into it, which no cookie and no
storage keeps. Nothing comes from elsewhere, and nothing but this very script runs.
"""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from pathlib import Path
from typing import Annotated

from fastapi import Header, Query
from fastapi.responses import HTMLResponse

from api.middleware import NOTHING
from api.routes.anchor_words import Language
from api.routes.base import UsedServices
from api.routes.late import plain_router
from api.routes.page import choose

routes = plain_router()

WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "title": "Orders of licences",
        "token": "Token",
        "token_line": "Of the licensor, with the scopes submit and read-private. It stays in this page.",
        "file": "Order (JSON)",
        "give": "Give the order",
        "give_line": "Given again, the same file is the same order: what was done stays, the rest goes on.",
        "name": "Order",
        "follow": "See how far it is",
        "cards": "Fetch the cards (ZIP)",
        "state": "State",
        "working": "working",
        "done": "done",
        "total": "Licences",
        "granted": "granted",
        "issued": "with their card",
        "refused": "refused",
        "accepted": "Taken at",
        "trouble": "Waits because",
        "item": "No. {n}",
        "taken": "The order is taken. It is worked off whatever becomes of this page.",
        "known": "This order was taken before; it goes on.",
        "no_file": "Choose a file first.",
        "no_order": "The file is no order: JSON with the members order and grants.",
        "scripts": "This page needs its script. Without one: tallystick order grants.json -o cards.zip",
    },
    "zh": {
        "title": "批量许可订单",
        "token": "访问令牌",
        "token_line": "许可人的令牌，须有 submit 与 read-private 权限。令牌仅留在本页面。",
        "file": "订单文件（JSON）",
        "give": "提交订单",
        "give_line": "再次提交同一文件即为同一订单：已完成的保留，其余继续。",
        "name": "订单号",
        "follow": "查看进度",
        "cards": "下载许可卡（ZIP）",
        "state": "状态",
        "working": "处理中",
        "done": "已完成",
        "total": "许可总数",
        "granted": "已授予",
        "issued": "已出卡",
        "refused": "被拒绝",
        "accepted": "受理时间",
        "trouble": "等待原因",
        "item": "第 {n} 项",
        "taken": "订单已受理。关闭本页面不影响处理。",
        "known": "该订单此前已受理，继续处理。",
        "no_file": "请先选择文件。",
        "no_order": "该文件不是订单：应为含 order 与 grants 的 JSON。",
        "scripts": "本页面需要脚本。也可使用命令：tallystick order grants.json -o cards.zip",
    },
}
_STYLE = (
    "body{font:16px/1.5 system-ui,'Noto Sans CJK SC',sans-serif;max-width:44rem;margin:1.5rem auto;padding:0 1rem;"
    "color:#1a1a1a;background:#fff}nav{text-align:right}a{color:#0b4f79}h1{font-size:1.4rem;overflow-wrap:anywhere}"
    "fieldset{border:1px solid #8aa;margin:1rem 0;padding:1rem;min-width:0}label{display:block;font-weight:700}"
    "input{font:inherit;width:100%;box-sizing:border-box;margin:.2rem 0 .6rem}"
    "button{font:inherit;padding:.4rem 1rem}small{display:block;color:#33475b}"
    "progress{width:100%;height:1.6rem}.bad{color:#8f1414;font-weight:700}dt{font-weight:700;margin-top:.4rem}"
    "dd,#said,li{margin-left:0;overflow-wrap:anywhere}"
)
_SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_POLICY = f"{NOTHING}; style-src {_hash(_STYLE)}; script-src {_hash(_SCRIPT)}; connect-src 'self'"
_TOLD = ("state", "total", "granted", "issued", "refused", "accepted", "trouble")


@routes.get("/orders", response_class=HTMLResponse, include_in_schema=False)
def page(
    services: UsedServices,
    lang: Annotated[Language | None, Query()] = None,
    accept_language: Annotated[str, Header()] = "",
) -> HTMLResponse:
    """The page; it shows nothing before somebody types a token."""
    language: Language = lang or choose(accept_language)
    html = render(services.voices.origin, language)
    return HTMLResponse(html, headers={"Content-Security-Policy": _POLICY, "Vary": "Accept-Language"})


def render(origin: str, language: Language) -> str:
    """The page of a log."""
    words = WORDS[language]
    other, label = ("zh", "中文") if language == "en" else ("en", "English")
    told = "".join(f'<dt id="{name}-word">{words[name]}</dt><dd id="{name}"></dd>' for name in _TOLD)
    data = json.dumps(words, ensure_ascii=False).replace("<", "\\u003c")
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f"<title>{words['title']}</title><style>{_STYLE}</style></head><body>"
        f'<nav><a href="?lang={other}" lang="{other}">{label}</a></nav>'
        f"<main><h1>{words['title']}: {escape(origin)}</h1><noscript><p class=bad>{words['scripts']}</p></noscript>"
        f'<label for="token">{words["token"]}</label><input type="password" id="token" autocomplete="off">'
        f"<small>{words['token_line']}</small>"
        f'<fieldset><label for="file">{words["file"]}</label><input type="file" id="file" accept=".json"><br>'
        f'<button id="give">{words["give"]}</button><small>{words["give_line"]}</small></fieldset>'
        f'<fieldset><label for="name">{words["name"]}</label><input type="text" id="name" maxlength="64">'
        f'<button id="follow">{words["follow"]}</button></fieldset>'
        '<p id="said" role="status"></p>'
        f'<section id="found" hidden><h2 id="order"></h2><progress id="bar"></progress><dl>{told}</dl>'
        f'<button id="cards" hidden>{words["cards"]}</button><ul id="problems" class="bad"></ul></section></main>'
        f'<script type="application/json" id="words">{data}</script><script>{_SCRIPT}</script></body></html>'
    )
