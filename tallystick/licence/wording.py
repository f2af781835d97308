"""The terms in words, Chinese and English, as a reader of the answer sees them. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tallystick.licence import clauses
from tallystick.licence.vocabulary import AI_USES, COUNT_UNITS, FORMATS, MEDIA, USES, WORLD, Word
from tallystick.wording import Wording

NAMES = {
    "licensee": Wording("被许可人", "licensee"),
    "asset": Wording("标的", "asset"),
    "use": Wording("许可用途", "uses"),
    "exclusivity": Wording("专有性", "exclusivity"),
    "territory": Wording("地域", "territory"),
    "window": Wording("期限", "window"),
    "media": Wording("媒介", "media"),
    "sublicensing": Wording("转许可", "sublicensing"),
    "ai_use": Wording("人工智能使用", "AI use"),
    "channel": Wording("渠道", "channel"),
    "format": Wording("格式", "format"),
    "language": Wording("语言", "language"),
    "holdback": Wording("保留期", "holdback"),
    "count": Wording("次数", "count"),
    "derivatives": Wording("衍生", "derivatives"),
    "attribution": Wording("署名", "attribution"),
    "payment": Wording("付款", "payment"),
    "consent": Wording("肖像与声音同意", "likeness and voice consent"),
    "contract": Wording("合同", "contract"),
    "windows": Wording("分期窗口", "windows"),
}

WITHHELD = Wording("（未披露）", "(withheld)")


def clause_text(name: str, value: Any) -> Wording:
    """The term ``name`` with its decoded ``value`` in words."""
    return _WRITERS[name](value)


def word(token: str, known: Mapping[str, Word]) -> Wording:
    """One word of a vocabulary; tokens without an entry (territories, languages) stand for themselves."""
    found = known.get(token)
    if found is not None:
        return Wording(found.zh, found.en)
    return Wording("全球", "the whole world") if token == WORLD else Wording(token, token)


def _words(tokens: tuple[str, ...], known: Mapping[str, Word]) -> Wording:
    texts = [word(token, known) for token in tokens]
    return Wording("、".join(each.zh for each in texts), ", ".join(each.en for each in texts))


def _scope(known: Mapping[str, Word]) -> Callable[[clauses.Scope], Wording]:
    def write(scope: clauses.Scope) -> Wording:
        granted, denied = _words(scope.include, known), _words(scope.exclude, known)
        if not scope.exclude:
            return granted
        return Wording(f"{granted.zh}；不含{denied.zh}", f"{granted.en}; not {denied.en}")

    return write


def _licensee(value: clauses.Licensee) -> Wording:
    return Wording(value.party, value.party)


def _asset(value: clauses.Asset) -> Wording:
    edit = Wording(f"，版本：{value.edit}", f", edit {value.edit}") if value.edit else Wording("", "")
    return Wording(
        f"{value.object}，SHA-256 {value.sha256}{edit.zh}", f"{value.object}, SHA-256 {value.sha256}{edit.en}"
    )


def _period(start: str, end: str | None) -> Wording:
    if end is None:
        return Wording(f"自{start}起，无终止日", f"from {start}, without end")
    return Wording(f"自{start}起至{end}前", f"from {start} until before {end}")


def _window(value: clauses.Window) -> Wording:
    period = _period(value.start, value.end)
    if value.conditional is None:
        return period
    return Wording(f"{period.zh}；起始条件：{value.conditional}", f"{period.en}; starts when: {value.conditional}")


def _windows(value: tuple[clauses.Release, ...]) -> Wording:
    texts = [_release(each) for each in value]
    return Wording("；".join(each.zh for each in texts), "; ".join(each.en for each in texts))


def _release(value: clauses.Release) -> Wording:
    parts = [_period(value.start, value.end)]
    if value.territory is not None:
        where = _scope({})(value.territory)
        parts.append(Wording(f"地域：{where.zh}", f"in {where.en}"))
    if value.media is not None:
        on = _scope(MEDIA)(value.media)
        parts.append(Wording(f"媒介：{on.zh}", f"on {on.en}"))
    return Wording("，".join(each.zh for each in parts), ", ".join(each.en for each in parts))


def _sublicensing(value: clauses.Sublicensing) -> Wording:
    if not value.allowed:
        return Wording("不得转许可", "not allowed")
    return Wording(f"允许，至多{value.max_depth}层", f"allowed, at most {value.max_depth} deep")


def _ai_use(value: clauses.AiUse) -> Wording:
    flags = [(label, getattr(value, field)) for field, label in AI_USES.values()]
    verdict = {"permitted": Wording("允许", "permitted"), "prohibited": Wording("禁止", "prohibited")}
    return Wording(
        "；".join(f"{label.zh}：{verdict[flag].zh}" for label, flag in flags),
        "; ".join(f"{label.en}: {verdict[flag].en}" for label, flag in flags),
    )


def _holdback(value: tuple[clauses.Holdback, ...]) -> Wording:
    texts = [holdback_text(each) for each in value]
    return Wording("；".join(each.zh for each in texts), "; ".join(each.en for each in texts))


def holdback_text(value: clauses.Holdback) -> Wording:
    """One holdback."""
    media, territory, period = _words(value.media, MEDIA), _words(value.territory, {}), _period(value.start, value.end)
    return Wording(f"{period.zh}，{territory.zh}的{media.zh}不得使用", f"no {media.en} in {territory.en} {period.en}")


def _count(value: clauses.Count) -> Wording:
    unit = COUNT_UNITS[value.unit]
    return Wording(f"至多{value.limit}{unit.zh}", f"at most {value.limit} {unit.en}")


def _payment(value: clauses.Payment) -> Wording:
    shares = ", ".join(f"{share.party} {share.basis_points / 100:.2f} %" for share in value.shares)
    return Wording(
        f"{value.amount} {value.currency}（最小货币单位）；分配：{shares}",
        f"{value.amount} {value.currency} in minor units; shares: {shares}",
    )


def _consent(value: tuple[clauses.Consent, ...]) -> Wording:
    kinds = {"likeness": "肖像", "voice": "声音"}
    return Wording(
        "；".join(f"{kinds[each.kind]}同意书 SHA-256 {each.sha256}" for each in value),
        "; ".join(f"consent to the use of {each.kind}, SHA-256 {each.sha256}" for each in value),
    )


def _contract(value: clauses.Contract) -> Wording:
    return Wording(
        f"SHA-256 {value.sha256}；适用法律：{value.governing_law}；管辖：{value.forum}；"
        f"以{value.controlling_language}文本为准",
        f"SHA-256 {value.sha256}; law: {value.governing_law}; forum: {value.forum}; "
        f"the {value.controlling_language} text prevails",
    )


def _plain(value: str) -> Wording:
    return Wording(value, value)


def _choice(options: dict[str, Wording]) -> Callable[[str], Wording]:
    return options.__getitem__


_EXCLUSIVITY = {
    "exclusive": Wording("专有许可（许可人亦不得使用）", "exclusive, the licensor included"),
    "sole": Wording("排他许可（许可人可使用）", "sole: the licensor keeps its own use"),
    "non-exclusive": Wording("普通许可", "non-exclusive"),
}
_DERIVATIVES = {
    "permitted": Wording("允许", "permitted"),
    "with-approval": Wording("须经批准", "with the licensor's approval"),
    "prohibited": Wording("禁止", "prohibited"),
}

_WRITERS: dict[str, Callable[[Any], Wording]] = {
    "licensee": _licensee,
    "asset": _asset,
    "use": _scope(USES),
    "exclusivity": _choice(_EXCLUSIVITY),
    "territory": _scope({}),
    "window": _window,
    "media": _scope(MEDIA),
    "sublicensing": _sublicensing,
    "ai_use": _ai_use,
    "channel": lambda value: _words(value, {}),
    "format": _scope(FORMATS),
    "language": _scope({}),
    "holdback": _holdback,
    "count": _count,
    "derivatives": _choice(_DERIVATIVES),
    "attribution": _plain,
    "payment": _payment,
    "consent": _consent,
    "contract": _contract,
    "windows": _windows,
}
