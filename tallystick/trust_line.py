"""The line that goes with every anchor: what is proved, who vouches for it, and what is still wanted.

One function for every kind of anchor, so that API, page, report and command say
the same, in Chinese and English. It decides nothing: whoever verified says what
was found, and here it is put into words. An anchor that only the log's own
operator vouches for says so, always.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from tallystick.lazy_dataclass import dataclass
from tallystick.times import format_time
from tallystick.wording import Wording

Kind: TypeAlias = Literal["embedded", "chain", "rfc3161", "witness"]
State: TypeAlias = Literal["prepared", "sent", "mined", "final", "dropped"]
_LAST_SECOND = 253402300799


@dataclass(frozen=True)
class Anchored:
    """A checkpoint (size, root) on its way to, or at, something outside the log.

    kind: the operator's own chain, any other chain, a timestamp authority, a witness.
    time: Unix seconds that block, token or cosignature claims. name: of the authority or witness.
    chain_id, block, block_hash: where, for chains; ``None`` before it is mined.
    vouched: for a chain, the reader's trust file names this block's hash.
    independent: for an authority or witness, the reader's trust file calls it independent of the operator.
    own: for an authority or witness, the log's operator runs it.
    """

    kind: Kind
    size: int
    root: bytes
    state: State = "final"
    time: int | None = None
    name: str = ""
    chain_id: int | None = None
    block: int | None = None
    block_hash: bytes | None = None
    vouched: bool = False
    independent: bool = False
    own: bool = False


@dataclass(frozen=True)
class TrustLine:
    """What to show with an anchor. ``needs``: the fact from outside that is wanted before it proves anything.

    operator_only: nobody but the log's operator stands behind it, so alone it proves nothing against the operator.
    """

    proved: Wording
    vouched_by: Wording
    needs: Wording | None
    operator_only: bool

    def text(self, language: str) -> str:
        """All of it, ``zh`` or ``en``, without a full stop."""
        parts = [self.proved.in_language(language), _VOUCHED.in_language(language).format(self.vouched_by_in(language))]
        if self.needs is not None:
            parts.append(_NEEDS.in_language(language).format(self.needs.in_language(language)))
        return ("；" if language == "zh" else "; ").join(parts)

    def vouched_by_in(self, language: str) -> str:
        """Who vouches, in one language."""
        return self.vouched_by.in_language(language)


def trust_line(anchor: Anchored) -> TrustLine:
    """The line of any anchor in any state."""
    proved = _proved(anchor) if anchor.state == "final" else _nothing(anchor)
    return TrustLine(proved, _voucher(anchor), _wanted(anchor), _is_own(anchor))


def convicted_line(
    *,
    authority: bytes,
    court: str,
    time: int,
    chain_id: int,
    block: int,
    block_hash: bytes,
    vouched_by: Literal["operator", "named-block", "nobody"],
) -> TrustLine:
    """The line of a conviction that stands in a contract: what is public, and on whose word.

    ``authority``: 20 bytes. ``operator``: of the chain, whose seal the block bears.
    """
    held = Anchored(
        kind="embedded" if vouched_by == "operator" else "chain",
        size=0,
        root=b"",
        time=time,
        chain_id=chain_id,
        block=block,
        block_hash=block_hash,
        vouched=vouched_by == "named-block",
    )
    told = {"authority": authority.hex(), "court": court, "time": _time(time), "chain": chain_id, "block": block}
    proved = Wording(_CONVICTED.zh.format_map(told), _CONVICTED.en.format_map(told))
    return TrustLine(proved, _voucher(held), _wanted(held), _is_own(held))


def fact_wanted(chain_id: int, block: int, block_hash: bytes) -> Wording:
    """What a reader must find out of a public chain's block before an anchor in it proves anything."""
    told = {"chain": chain_id, "block": block, "hash": block_hash.hex()}
    return Wording(_COMPARE.zh.format_map(told), _COMPARE.en.format_map(told))


_VOUCHED = Wording("担保方：{}", "vouched for by: {}")
_NEEDS = Wording("尚需：{}", "needs: {}")
_OPERATOR = Wording("仅日志运营方自身", "operator only")
_COMPARE = Wording(
    "链 {chain} 的区块 {block} 的哈希为 0x{hash}：请与两个区块浏览器或自有节点核对",
    "block {block} of chain {chain} has hash 0x{hash}: compare it with two explorers or your own node",
)
_CONVICTED = Wording(
    "权限方 0x{authority} 自链 {chain} 的区块 {block}（区块时间 {time}）起在 {court} 中被判定分叉",
    "authority 0x{authority} stands convicted in {court} since block {block} of chain {chain}, block time {time}",
)
_PROVED = {
    "embedded": Wording(
        "不晚于区块时间 {time}，日志大小为 {size}，根为 {root}，且为此前锚定内容的延续",
        "the log had size {size} and root {root} no later than block time {time}, and extends what was anchored before",
    ),
    "rfc3161": Wording(
        "不晚于 {time}，日志大小为 {size}，根为 {root}；不说明其是否延续此前内容",
        "the log had size {size} and root {root} no later than {time}; nothing is said of what came before",
    ),
    "witness": Wording(
        "见证人于 {time} 见到日志大小为 {size}，根为 {root}，且为其此前所见的延续",
        "a witness saw the log at size {size} and root {root} at {time}, extending what it saw before",
    ),
}
_PROVED["chain"] = _PROVED["embedded"]


def _proved(anchor: Anchored) -> Wording:
    told = {"size": anchor.size, "root": anchor.root.hex(), "time": "?" if anchor.time is None else _time(anchor.time)}
    wording = _PROVED[anchor.kind]
    return Wording(wording.zh.format_map(told), wording.en.format_map(told))


def _time(seconds: int) -> str:
    return format_time(min(seconds, _LAST_SECOND))


def _nothing(anchor: Anchored) -> Wording:
    if anchor.state == "dropped":
        return Wording(f"无：大小 {anchor.size} 的锚定已放弃", f"nothing: the anchor of size {anchor.size} was dropped")
    states = {"prepared": "待发送", "sent": "已发送", "mined": "已入块"}
    return Wording(
        f"尚无：大小 {anchor.size} 的锚定{states[anchor.state]}，未终局",
        f"nothing yet: the anchor of size {anchor.size} is {anchor.state}, not final",
    )


def _is_own(anchor: Anchored) -> bool:
    return anchor.kind == "embedded" or anchor.own


def _voucher(anchor: Anchored) -> Wording:
    if _is_own(anchor):
        return _OPERATOR
    if anchor.kind == "chain":
        if anchor.vouched:
            return Wording("信任文件所载的区块哈希", "the block hash that the trust file names")
        return Wording("尚无；区块头未经证实", "nobody yet: the block header is not vouched for")
    zh, en = ("时间戳机构", "the timestamp authority") if anchor.kind == "rfc3161" else ("见证人", "witness")
    if anchor.independent:
        return Wording(f"独立于运营方的{zh} {anchor.name}", f"{en} {anchor.name}, independent of the operator")
    return Wording(
        f"{zh} {anchor.name}；未被认定独立于运营方",
        f"{en} {anchor.name}, which the trust file does not call independent of the operator",
    )


def _wanted(anchor: Anchored) -> Wording | None:
    """Of a final anchor only: before that there is nothing to compare."""
    if anchor.state != "final":
        return None
    if _is_own(anchor):
        return Wording(
            "由独立于运营方者对同一内容所作的时间戳或锚定",
            "a timestamp or an anchor of the same by someone independent of the operator",
        )
    if anchor.kind == "chain" and not anchor.vouched:
        return fact_wanted(anchor.chain_id or 0, anchor.block or 0, anchor.block_hash or b"")
    return None
