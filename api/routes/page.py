"""The status page, for people: one page of HTML, in Chinese or English, without scripts."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import Annotated

from fastapi import Header, Query
from fastapi.responses import HTMLResponse

from api.middleware import NOTHING
from api.routes.anchor_words import STATES, Language
from api.routes.anchors import AlarmSchema, AnchorSchema
from api.routes.base import UsedServices
from api.routes.late import plain_router
from api.routes.status import StatusSchema, WitnessesSchema, status_schema

routes = plain_router()

WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "title": "Provenance log",
        "size": "Entries",
        "ended": "Ended",
        "ended_line": "at position {position} ({reason}): nothing enters this log any more, its last checkpoint stands",
        "successor": "Goes on as",
        "predecessor": "Succeeds",
        "checkpoint": "Newest checkpoint",
        "checkpoint_line": "{size} entries, root {root}",
        "none": "none yet",
        "halted": "HALTED",
        "halted_line": "what this log signed or acknowledged is missing, or contradicted: nothing is recorded nor "
        "signed until the operator has decided; /v1/status says why",
        "publishing": "Publishing",
        "ok": "in order",
        "failing": "failing: the operator's log says why",
        "witnesses": "Witnesses",
        "witnesses_line": "{cosigned} cosigned, {quorum} must: {judged}",
        "met": "quorum met",
        "below": "BELOW QUORUM",
        "unwitnessed": "none: nobody but the operator vouches that there is one history",
        "witness": "Witness",
        "cosigned": "cosigned",
        "not_cosigned": "has not cosigned",
        "alarm": "ALARM: contradicts this log",
        "completeness": "Objects bound and complete",
        "completeness_line": "{complete} of {objects} ({share})",
        "incomplete": "Incomplete",
        "unanchored": "Oldest entry without an anchor",
        "unanchored_line": "position {position}, admitted {admitted_at}",
        "anchors": "Anchors",
        "anchor_size": "entries",
        "state": "state",
        "block_time": "block time",
        "trust": "what it proves, and on whose word",
        "alarms": "Alarm: somebody must look at this",
        "alarm_line": "{target}: {text} (since {since})",
        "all_anchors": "All anchors, and how an entry gets into a block",
        "more": "Interface",
    },
    "zh": {
        "title": "溯源日志",
        "size": "条目数",
        "ended": "已终止",
        "ended_line": "位置 {position}（{reason}）：本日志不再接受条目，最后的检查点保持有效",
        "successor": "后续日志",
        "predecessor": "承接日志",
        "checkpoint": "最新检查点",
        "checkpoint_line": "{size} 条，根 {root}",
        "none": "尚无",
        "halted": "已停止",
        "halted_line": "本日志曾签署或确认的内容已缺失，或与现状矛盾：在运营者作出决定之前不再收录，也不再签署；"
        "原因见 /v1/status",
        "publishing": "发布",
        "ok": "正常",
        "failing": "失败：原因见运营方日志",
        "witnesses": "见证人",
        "witnesses_line": "已联署 {cosigned} 个，须有 {quorum} 个：{judged}",
        "met": "达到法定数",
        "below": "未达法定数",
        "unwitnessed": "无：除运营方外，无人担保只有一部历史",
        "witness": "见证人",
        "cosigned": "已联署",
        "not_cosigned": "未联署",
        "alarm": "警报：与本日志矛盾",
        "completeness": "已绑定且要素齐全的客体",
        "completeness_line": "{objects} 个中的 {complete} 个（{share}）",
        "incomplete": "不完整",
        "unanchored": "最早的未锚定条目",
        "unanchored_line": "位置 {position}，收录于 {admitted_at}",
        "anchors": "锚定",
        "anchor_size": "条目数",
        "state": "状态",
        "block_time": "区块时间",
        "trust": "证明了什么，凭谁的话",
        "alarms": "警报：须有人查看",
        "alarm_line": "{target}：{text}（自 {since} 起）",
        "all_anchors": "全部锚定，以及条目如何进入区块",
        "more": "接口",
    },
}

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "dt{font-weight:600;margin-top:.8rem}dd{margin:0;overflow-wrap:anywhere}"
    "table{border-collapse:collapse;width:100%}td,th{border-top:1px solid #ccc;padding:.3rem .6rem .3rem 0;"
    "text-align:left;vertical-align:top}td:last-child,h1{overflow-wrap:anywhere}nav{float:right}"
    ".alarm{border:2px solid #8f1414;background:#fdf0f0;padding:.2rem 1rem}.alarm h2{margin:.5rem 0;color:#8f1414}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"{NOTHING}; style-src 'sha256-{_STYLE_HASH}'"


@routes.get("/", response_class=HTMLResponse, include_in_schema=False)
def page(
    services: UsedServices,
    lang: Annotated[Language | None, Query()] = None,
    accept_language: Annotated[str, Header()] = "",
) -> HTMLResponse:
    """The status at a glance."""
    language = lang or choose(accept_language)
    html = render(status_schema(services.status.status()), language)
    return HTMLResponse(html, headers={"Content-Security-Policy": _POLICY, "Vary": "Accept-Language"})


def choose(accept_language: str) -> Language:
    """Chinese for whoever names it before English."""
    named = [part.split(";")[0].strip().lower()[:2] for part in accept_language.split(",")]
    return next(("zh" if name == "zh" else "en" for name in named if name in WORDS), "en")


def render(status: StatusSchema, language: Language) -> str:
    """The page."""
    words = WORDS[language]
    facts = "".join(f"<dt>{words[name]}</dt><dd>{value}</dd>" for name, value in _facts(status, words))
    other, label = ("zh", "中文") if language == "en" else ("en", "English")
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(status.origin)}</title>'
        f"<style>{_STYLE}</style></head><body>"
        f'<nav><a href="/?lang={other}" lang="{other}">{label}</a></nav>'
        f"<h1>{words['title']} {escape(status.origin)}</h1>{_alarms(status.alarms, language)}<dl>{facts}</dl>"
        f"<h2>{words['anchors']}</h2>{_anchors(status.anchors, language)}"
        f'<p><a href="/anchors?lang={language}">{words["all_anchors"]}</a></p>'
        f'<p>{words["more"]}: <a href="/docs">/docs</a>, <a href="/v1/status">/v1/status</a>, '
        '<a href="/checkpoint">/checkpoint</a>, <a href="/vkeys">/vkeys</a></p></body></html>'
    )


def _facts(status: StatusSchema, words: dict[str, str]) -> list[tuple[str, str]]:
    head, found, oldest = status.checkpoint, status.completeness, status.oldest_unanchored
    facts = [
        *_ends(status, words),
        ("size", str(status.size)),
        ("checkpoint", words["checkpoint_line"].format(size=head.size, root=head.root) if head else words["none"]),
        *([("halted", words["halted_line"])] if status.halted else []),
        ("publishing", words["ok"] if status.publishing else words["failing"]),
        *_witnesses(status.witnesses, words),
        (
            "completeness",
            words["completeness_line"].format(
                objects=found.objects, complete=found.complete, share=f"{found.share:.2%}"
            ),
        ),
    ]
    facts += [
        ("incomplete", escape(f"{one.subject} ({one.position}): {', '.join(one.missing)}")) for one in found.incomplete
    ]
    line = words["unanchored_line"].format(**oldest.model_dump()) if oldest else words["none"]
    return [*facts, ("unanchored", line)]


def _ends(status: StatusSchema, words: dict[str, str]) -> list[tuple[str, str]]:
    """Where the log came from and where it goes on."""
    found = [("predecessor", escape(status.predecessor))] if status.predecessor else []
    if status.ended:
        line = words["ended_line"].format(position=status.ended.position, reason=escape(status.ended.reason))
        found.append(("ended", f"<strong>{line}</strong>"))
        if status.ended.successor:
            found.append(("successor", escape(status.ended.successor)))
    return found


def _witnesses(found: WitnessesSchema, words: dict[str, str]) -> list[tuple[str, str]]:
    if not found.witnesses:
        return [("witnesses", words["unwitnessed"])]
    judged = words["met"] if found.met else f"<strong>{words['below']}</strong>"
    line = words["witnesses_line"].format(cosigned=found.cosigned, quorum=found.quorum, judged=judged)
    each = [
        (
            "witness",
            escape(one.name) + ": " + words["alarm" if one.alarm else "cosigned" if one.cosigned else "not_cosigned"],
        )
        for one in found.witnesses
    ]
    return [("witnesses", line), *each]


def _alarms(alarms: list[AlarmSchema], language: Language) -> str:
    if not alarms:
        return ""
    words = WORDS[language]
    lines = [
        words["alarm_line"].format(
            target=one.target, text=one.message if language == "en" else one.message_zh, since=one.since
        )
        for one in alarms
    ]
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<section class="alarm" role="alert"><h2>{words["alarms"]}</h2><ul>{items}</ul></section>'


def _anchors(anchors: list[AnchorSchema], language: Language) -> str:
    words = WORDS[language]
    if not anchors:
        return f"<p>{words['none']}</p>"
    rows = "".join(
        f"<tr><td>{one.size}</td><td>{STATES[language][one.state]}</td><td>{one.block_time or ''}</td>"
        f"<td>{escape(one.trust if language == 'en' else one.trust_zh)}</td></tr>"
        for one in anchors
    )
    heads = "".join(f"<th>{words[name]}</th>" for name in ("anchor_size", "state", "block_time", "trust"))
    return f"<table><tr>{heads}</tr>{rows}</table>"
