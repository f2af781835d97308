"""The picture of an anchor: entry, tree, checkpoint, transaction, block, one below the other, drawn with real values.

Inline SVG without scripts, fonts or links. Every text that is not ours is escaped, and short enough to stay inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from api.routes.anchor_words import STATES, WORDS, Language
from api.services.anchor_picture import Picture
from tallystick.times import format_time

WIDTH, BOX, GAP = 420, 104, 46
"""Of the picture, of a box's height, and between two boxes; in units of the picture."""

SHOWN = 16
"""Characters of a fingerprint that are shown."""
_TEXT_LEFT, _TEXT_LONGEST = 118, 38


def short(value: bytes | None) -> str:
    """The first characters of a hash."""
    return "" if value is None else value.hex()[:SHOWN] + "…"


def draw(picture: Picture, language: Language) -> str:
    """The picture as SVG."""
    stages = _stages(picture, language)
    links = [WORDS[language][f"link_{name}"] for name in ("tree", "checkpoint", "transaction", "block")]
    drawn = [_box(number, title, lines) for number, (title, lines) in enumerate(stages)]
    arrows = [_arrow(number, text) for number, text in enumerate(links)]
    icons = [_entry_icon(), _tree_icon(picture.position), _checkpoint_icon(), _transaction_icon(), _block_icon()]
    placed = [f'<g transform="translate(14 {_top(at) + 12})">{icon}</g>' for at, icon in enumerate(icons)]
    height = _top(len(stages)) - GAP + 2
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="picture-title picture-text">'
        f'<title id="picture-title">{escape(WORDS[language]["picture"])}</title>'
        f'<desc id="picture-text">{escape(describe(picture, language))}</desc>'
        f"{''.join(arrows)}{''.join(drawn)}{''.join(placed)}</svg>"
    )


def describe(picture: Picture, language: Language) -> str:
    """The picture in words, for those who do not see it."""
    words, anchor = WORDS[language], picture.view.anchor
    if anchor.state == "final" and anchor.tx_hash is not None and anchor.block_time is not None:
        rest = words["described_final"].format(
            tx=anchor.tx_hash.hex(),
            block=anchor.block_number,
            chain=picture.view.target.spec.chain_id,
            time=format_time(anchor.block_time),
        )
    else:
        rest = words["described_open"].format(state=STATES[language][anchor.state])
    return words["described"].format(
        position=picture.position,
        kind=picture.kind,
        leaf=picture.leaf.hex(),
        size=anchor.size,
        root=anchor.root.hex(),
        origin=picture.origin,
        rest=rest,
    )


def _stages(picture: Picture, language: Language) -> list[tuple[str, Sequence[str]]]:
    words, anchor, target = WORDS[language], picture.view.anchor, picture.view.target
    waits = words["not_yet"].format(state=STATES[language][anchor.state])
    transaction = [waits] if anchor.tx_hash is None else [words["tx"].format(hash=short(anchor.tx_hash))]
    if target.contract is not None:
        transaction.append(words["contract"].format(hash=short(target.contract)))
    block = [waits]
    if anchor.block_hash is not None and anchor.block_time is not None:
        block = [
            words["block"].format(number=anchor.block_number, chain=target.spec.chain_id),
            words["tx"].format(hash=short(anchor.block_hash)),
            format_time(anchor.block_time),
        ]
    place, leaf = words["place"].format(position=picture.position), words["leaf"].format(hash=short(picture.leaf))
    entries, root = words["entries"].format(size=anchor.size), words["root"].format(hash=short(anchor.root))
    return [
        (words["stage_entry"], [f"{picture.kind}, {place}", leaf, format_time(picture.admitted_at)]),
        (words["stage_tree"], [entries, root]),
        (words["stage_checkpoint"], [picture.origin, entries, root]),
        (words["stage_transaction"], transaction),
        (words["stage_block"], block),
    ]


def _top(number: int) -> int:
    return number * (BOX + GAP) + 1


def _box(number: int, title: str, lines: Sequence[str]) -> str:
    top = _top(number)
    texts = "".join(
        f'<text class="value" x="{_TEXT_LEFT}" y="{top + 50 + 20 * at}">{escape(_cut(line))}</text>'
        for at, line in enumerate(lines)
    )
    return (
        f'<rect class="box" x="1" y="{top}" width="{WIDTH - 2}" height="{BOX}" rx="8"/>'
        f'<text class="stage" x="{_TEXT_LEFT}" y="{top + 27}">{escape(title)}</text>{texts}'
    )


def _cut(line: str) -> str:
    return line if len(line) <= _TEXT_LONGEST else line[: _TEXT_LONGEST - 1] + "…"


def _arrow(number: int, text: str) -> str:
    start, end = _top(number) + BOX, _top(number + 1)
    return (
        f'<path class="arrow" d="M58 {start}V{end - 9}"/>'
        f'<path class="head" d="M51 {end - 11}H65L58 {end - 1}Z"/>'
        f'<text class="link" x="{_TEXT_LEFT}" y="{(start + end) // 2 + 5}">{escape(text)}</text>'
    )


# --- what is drawn in the boxes: 88 wide, 80 high ---------------------------------------


def _entry_icon() -> str:
    lines = "".join(f'<path class="thin" d="M28 {y}H{60 - 6 * (y == 46)}"/>' for y in (18, 27, 36, 46))
    return f'<path class="shape" d="M20 4H58L68 14V76H20Z"/>{lines}<path class="thick" d="M28 64q6-10 11 0t11-3"/>'


def _tree_icon(position: int) -> str:
    """Four leaves of the tree, ours marked, and the way from it to the root."""
    own = position % 4
    leaves, inner, root = [(11 + 22 * at, 68) for at in range(4)], [(22, 40), (66, 40)], (44, 12)
    parents = {**{leaves[at]: inner[at // 2] for at in range(4)}, **dict.fromkeys(inner, root)}
    way = {leaves[own], inner[own // 2], root}
    edges = "".join(
        f'<path class="{"thick" if {low, high} <= way else "thin"}" d="M{low[0]} {low[1]}L{high[0]} {high[1]}"/>'
        for low, high in parents.items()
    )
    nodes = "".join(
        f'<circle class="{"mark" if node in way else "shape"}" cx="{node[0]}" cy="{node[1]}" r="8"/>'
        for node in (*leaves, *inner, root)
    )
    return edges + nodes


def _checkpoint_icon() -> str:
    return (
        '<path class="shape" d="M10 10H78V58H10Z"/><path class="thin" d="M18 22H60M18 33H70"/>'
        '<circle class="mark" cx="62" cy="56" r="13"/><path class="tick" d="M56 56l5 5 8-10"/>'
    )


def _transaction_icon() -> str:
    return (
        '<path class="shape" d="M6 22H54V58H6Z"/><path class="thin" d="M6 22L30 42L54 22"/>'
        '<path class="thick" d="M58 40H76"/><path class="head" d="M72 32V48L84 40Z"/>'
    )


def _block_icon() -> str:
    blocks = "".join(
        f'<rect class="{"mark" if at == 1 else "shape"}" x="{2 + 30 * at}" y="28" width="24" height="24" rx="3"/>'
        for at in range(3)
    )
    return f'{blocks}<path class="thick" d="M26 40H32M56 40H62"/>'
