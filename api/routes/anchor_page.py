"""The page of the anchors, for people: what somebody must look at, how an entry gets into a block, every anchor.

HTML in Chinese or English, without scripts and without anything from elsewhere.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from html import escape
from typing import Annotated

from fastapi import Header, Path, Query
from fastapi.responses import HTMLResponse

from api.middleware import NOTHING
from api.routes.anchor_svg import draw
from api.routes.anchor_words import MEANINGS, STATES, UNITS, WORDS, Language
from api.routes.base import UsedServices
from api.routes.late import plain_router
from api.routes.page import choose
from api.services.anchor_picture import Picture
from api.services.anchor_watch import Alarm, TargetView
from api.services.anchoring import AnchorView
from api.services.authorities import Followed, authority_changes
from api.wiring import Services
from tallystick.times import format_time

SHOWN = 50
"""Anchors in the table."""
_COIN = 10**18

routes = plain_router()

_STYLE = (
    "body{font:16px/1.5 system-ui,'Noto Sans CJK SC',sans-serif;max-width:64rem;margin:1.5rem auto;padding:0 1rem;"
    "color:#1a1a1a;background:#fff}nav{display:flex;justify-content:space-between;gap:1rem}a{color:#0b4f79}"
    "h1{margin:.6rem 0;font-size:1.6rem}h2{margin:2rem 0 .4rem}time,.state{white-space:nowrap}"
    ".alarm{border:2px solid #8f1414;background:#fdf0f0;padding:.2rem 1rem}.alarm h2{margin:.5rem 0;color:#8f1414}"
    ".calm,.final{color:#14532d}.dropped{color:#8f1414}.state{font-weight:700}.wrap,.alarm,h1{overflow-wrap:anywhere}"
    ".way{display:grid;gap:1rem 2rem}.way>*{min-width:0}@media(min-width:56rem){.way{grid-template-columns:27rem 1fr}}"
    ".steps dt{font-weight:700;margin-top:.8rem}dd{margin:0}svg{width:100%;max-width:30rem;height:auto}"
    ".box{fill:#f3f6f9;stroke:#33475b}.stage{font-size:17px;font-weight:700}.value{font-size:14px}"
    ".link{font-size:14px;fill:#33475b;font-style:italic}text{fill:#1a1a1a}"
    ".shape{fill:#fff;stroke:#33475b;stroke-width:2}.thin{fill:none;stroke:#5b7083;stroke-width:2}"
    ".thick,.arrow{fill:none;stroke:#0b4f79;stroke-width:4}.head,.mark{fill:#0b4f79}"
    ".tick{fill:none;stroke:#fff;stroke-width:3}"
    "table{border-collapse:collapse;width:100%}caption{text-align:left;padding:.3rem 0;color:#33475b}"
    "td,th{border-top:1px solid #9fb0bf;padding:.4rem .9rem .4rem 0;text-align:left;vertical-align:top}"
    "code{overflow-wrap:anywhere}th,td{word-break:keep-all}td:last-child{overflow-wrap:anywhere;word-break:normal}"
    "@media(max-width:55.9rem){thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}"
    "table,tbody,tr,td,caption{display:block}tr{border-top:2px solid #33475b;padding:.4rem 0}td:empty{display:none}"
    "td{border:0;padding:.1rem 0;overflow-wrap:anywhere;word-break:normal}"
    "td::before{content:attr(data-label) ': ';font-weight:600}}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"{NOTHING}; style-src 'sha256-{_STYLE_HASH}'"

Lang = Annotated[Language | None, Query()]
Entry = Annotated[int | None, Query(ge=0, lt=1 << 63)]


@routes.get("/anchors", response_class=HTMLResponse, include_in_schema=False)
def page(services: UsedServices, lang: Lang = None, accept_language: Annotated[str, Header()] = "") -> HTMLResponse:
    """All anchors, and the picture of the newest."""
    view = services.pictures.newest()
    return _answer(services, services.pictures.of(view) if view else None, lang or choose(accept_language), "/anchors")


@routes.get("/anchors/{id}", response_class=HTMLResponse, include_in_schema=False)
def page_of(
    id: Annotated[int, Path(ge=1, lt=1 << 63)],
    services: UsedServices,
    entry: Entry = None,
    lang: Lang = None,
    accept_language: Annotated[str, Header()] = "",
) -> HTMLResponse:
    """As ``page``, with the picture of one anchor, and of one entry in it."""
    picture = services.pictures.of(services.desk.anchor(id), entry)
    return _answer(services, picture, lang or choose(accept_language), f"/anchors/{id}")


def _answer(services: Services, picture: Picture | None, language: Language, path: str) -> HTMLResponse:
    html = _Page(services, language).render(picture, path)
    return HTMLResponse(html, headers={"Content-Security-Policy": _POLICY, "Vary": "Accept-Language"})


def age(seconds: int, language: Language) -> str:
    """A span of time in the largest unit of which there are two."""
    for unit, length in zip(reversed(UNITS[language]), (86_400, 3600, 60, 1), strict=True):
        if seconds >= 2 * length:
            return unit.format(n=seconds // length)
    return UNITS[language][0].format(n=max(seconds, 0))


def coins(wei: int) -> str:
    """Wei as coins of 10^18, exactly."""
    whole, rest = divmod(wei, _COIN)
    return f"{whole}.{rest:018}".rstrip("0").rstrip(".")


class _Page:
    """One page as of now."""

    def __init__(self, services: Services, language: Language) -> None:
        self._services = services
        self._language: Language = language
        self._words = WORDS[language]
        self._states = STATES[language]
        self._now = services.clock()

    def render(self, picture: Picture | None, path: str) -> str:
        """All of it: the alarm in front."""
        words, origin = self._words, escape(self._services.voices.origin)
        other, label = ("zh", "中文") if self._language == "en" else ("en", "English")
        return (
            f'<!doctype html><html lang="{self._language}"><head><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width"><title>{words["title"]}: {origin}</title>'
            f"<style>{_STYLE}</style></head><body>"
            f'<nav><a href="/?lang={self._language}">{words["back"]}</a>'
            f'<a href="{path}?lang={other}" lang="{other}">{label}</a></nav>'
            f"<main><h1>{words['title']}: {origin}</h1>{self._alarms(self._services.watch.alarms())}"
            f"{self._picture(picture) if picture else ''}"
            f"{self._targets(self._services.watch.targets())}{self._table()}{self._authorities()}"
            f"{self._stamps()}{self._meanings()}</main></body></html>"
        )

    def _alarms(self, alarms: Sequence[Alarm]) -> str:
        words = self._words
        if not alarms:
            return f'<p class="calm">{words["calm"]}</p>'
        items = "".join(
            f"<li><strong>{escape(one.target)}</strong>: {escape(one.words.in_language(self._language))} "
            f"({words['since'].format(time=_time(one.since))})</li>"
            for one in alarms
        )
        return f'<section class="alarm" role="alert"><h2>{words["alarms"]}</h2><ul>{items}</ul></section>'

    def _picture(self, picture: Picture) -> str:
        words, anchor = self._words, picture.view.anchor
        told = {"position": picture.position, "id": anchor.id, "size": anchor.size, "steps": picture.steps}
        block = "block_own" if picture.view.trust.operator_only else "block"
        plain = {name: name for name in ("entry", "tree", "checkpoint", "transaction")} | {"block": block}
        steps = "".join(
            f"<dt>{words[f'stage_{name}']}</dt><dd>{words[f'plain_{said}'].format(**told)}</dd>"
            for name, said in plain.items()
        )
        return (
            f"<h2>{words['picture']}</h2><p>{words['picture_intro'].format(**told)}</p>"
            f'<div class="way"><div>{draw(picture, self._language)}</div>'
            f'<div><dl class="steps">{steps}</dl>{self._meant(picture)}</div></div>'
        )

    def _meant(self, picture: Picture) -> str:
        """What is proved, what is not, and how to check it."""
        words, view = self._words, picture.view
        own = words["not_operator"] if view.trust.operator_only else words["not_chain"]
        is_final = view.anchor.state == "final"
        believed = words["if_operator"] if view.trust.operator_only else words["if_chain"]
        proved = [believed + words["proved_1"], words["proved_2"]] if is_final else []
        proved.append(words["proved_trust"].format(line=escape(view.trust.text(self._language))))
        path = f"/v1/anchors/{view.anchor.id}/proof"
        line = f'{words["check_line"]} <a href="{path}">{path}</a>' if is_final else words["check_none"]
        return (
            f'<h3>{words["proved"]}</h3><ul class="wrap">{_items(proved)}</ul>'
            f"<h3>{words['not_proved']}</h3><ul>{_items([own, words['not_1'], words['not_2']])}</ul>"
            f"<h3>{words['check']}</h3><p>{line}</p>"
        )

    def _targets(self, targets: Sequence[TargetView]) -> str:
        words = self._words
        columns = ("target", "target_state", "covers", "oldest", "hindered")
        rows = [self._target(view) for view in targets]
        return f"<h2>{words['targets']}</h2>" + self._rows(words["targets_caption"], columns, rows)

    def _target(self, view: TargetView) -> list[str]:
        words, target, oldest = self._words, view.target, view.oldest
        size = self._services.log.status().size
        told: dict[str, int | str] = {"anchored": view.anchored, "size": size}
        since = words["none"]
        if oldest:
            waiting = age(self._now - oldest.admitted_at, self._language)
            told |= {"position": oldest.position, "time": _time(oldest.admitted_at), "age": waiting}
            since = words["oldest_line"].format(**told)
        return [
            escape(target.spec.name),
            self._states[target.state] if view.current else words["unnamed"],
            words["covers_line" if oldest else "covers_all"].format(**told),
            since,
            escape("; ".join(one for one in (target.waits, target.trouble) if one)) or words["nothing"],
        ]

    def _table(self) -> str:
        words, views = self._words, self._services.desk.latest(SHOWN)
        columns = ("size", "where", "state", "age", "time", "cost", "reason", "trust")
        rows = [self._anchor(view) for view in views]
        more = f"<p>{words['table_more'].format(shown=SHOWN)}</p>" if len(views) == SHOWN else ""
        return f"<h2>{words['table']}</h2>" + self._rows(words["table_caption"], columns, rows) + more

    def _anchor(self, view: AnchorView) -> list[str]:
        anchor = view.anchor
        link = f'<a href="/anchors/{anchor.id}?lang={self._language}">{anchor.size}</a>'
        state = f'<span class="state {anchor.state}">{self._states[anchor.state]}</span>'
        error = f"<br>{escape(anchor.error)}" if anchor.error else ""
        return [
            link,
            escape(view.target.spec.name),
            state + error,
            age(self._now - (anchor.block_time or anchor.prepared_at), self._language),
            "" if anchor.block_time is None else _time(anchor.block_time),
            self._cost(view),
            escape(anchor.reason),
            escape(view.trust.text(self._language)),
        ]

    def _authorities(self) -> str:
        """Whose key speaks for the log on contracts, where that was ever replaced."""
        words, services = self._words, self._services
        changes = authority_changes(services.log_keys.windows(), services.desk.handovers())
        if not changes:
            return ""
        rows = [
            [
                words["change_line"].format(time=f"<time>{one.time}</time>", position=one.position),
                f"<code>0x{one.predecessor.hex()}</code>",
                f"<code>0x{one.successor.hex()}</code>",
                "<br>".join(map(self._followed, one.contracts)) or words["followed_none"],
            ]
            for one in changes
        ]
        columns = ("change", "predecessor", "successor", "followed")
        return f"<h2>{words['authorities']}</h2>" + self._rows(words["authorities_caption"], columns, rows)

    def _followed(self, one: Followed) -> str:
        words, told = self._words, {"target": escape(one.target), "size": one.size}
        if one.done_at is None:
            return words["followed_not_yet"].format(**told, since=_time(one.prepared_at))
        return words["followed_done"].format(**told, time=_time(one.done_at))

    def _stamps(self) -> str:
        """What other clocks say; nothing where nobody is asked."""
        words, language = self._words, self._language
        stamps = self._services.timestamps.latest(SHOWN)
        if not stamps:
            return ""
        rows = [
            [
                escape(one.authority),
                words[f"over_{one.kind}"].format(size=one.size),
                f'<span class="state {one.state}">{self._states[one.state]}</span>'
                + (f"<br>{escape(one.error)}" if one.error else ""),
                age(self._now - one.prepared_at, language),
                "" if one.gen_time is None else _time(one.gen_time // 1_000_000),
                escape(one.trust().text(language)),
            ]
            for one in stamps
        ]
        columns = ("authority", "over", "state", "age", "stamped", "trust")
        return f"<h2>{words['stamps']}</h2>" + self._rows(words["stamps_caption"], columns, rows)

    def _cost(self, view: AnchorView) -> str:
        if view.is_free:
            return self._words["free"]
        if not view.cost:
            return self._words["unpaid"]
        return self._words["wei"].format(coins=coins(view.cost), wei=f"{view.cost:,}")

    def _rows(self, caption: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        words = self._words
        if not rows:
            return f"<p>{words['none']}</p>"
        heads = "".join(f'<th scope="col">{words[name]}</th>' for name in columns)
        body = "".join(
            "<tr>"
            + "".join(f'<td data-label="{words[name]}">{cell}</td>' for name, cell in zip(columns, row, strict=True))
            + "</tr>"
            for row in rows
        )
        return f"<table><caption>{caption}</caption><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"

    def _meanings(self) -> str:
        meanings = MEANINGS[self._language]
        items = "".join(f"<dt>{self._states[name]}</dt><dd>{text}</dd>" for name, text in meanings.items())
        return f'<h2>{self._words["states_title"]}</h2><dl class="steps">{items}</dl>'


def _time(seconds: int) -> str:
    return f"<time>{format_time(seconds)}</time>"


def _items(lines: Sequence[str]) -> str:
    return "".join(f"<li>{line}</li>" for line in lines)
