"""What steps 11 and 14 say of time: bounds, sources, contradictions, timestamp tokens."""

from __future__ import annotations

from tallystick.report.phrase import ADD, KEEP, Phrase

_TIMES = (
    "keep the bundle as it is, ask whoever dated it to explain, and rely on no time that rests on one of them alone",
    "原样留存证据包，请作出该时间陈述者说明；仅依据其中之一的时间不予采信",
)

TIME_PHRASES: dict[str, Phrase] = {
    "time.not-after": Phrase(
        "on the word of someone independent, all entries about the case ({count}) stood in the log by {time}: {source}",
        "据独立方陈述，全部涉案条目（{count} 条）最迟于 {time} 已载入日志：{source}",
    ),
    "time.first-not-after": Phrase(
        "the first of them, entry {position}, by {time}: {source}",
        "其中首条（第 {position} 条）最迟于 {time}：{source}",
    ),
    "time.not-before": Phrase(
        "on the word of someone independent, none of them (from entry {position} on) entered this log before {time}: "
        "{source}",
        "据独立方陈述，涉案条目（自第 {position} 条起）不早于 {time} 载入本日志：{source}",
    ),
    "time.no-start": Phrase(
        "nobody independent shows an earliest time: that they are not older rests on the operator",
        "无独立方证明最早时间：条目是否更早形成，仅依据运营方陈述",
    ),
    "time.interval": Phrase(
        "with the operator's word: between {earliest} and {latest}",
        "结合运营方陈述：介于 {earliest} 与 {latest} 之间",
    ),
    "time.claimed": Phrase("as the signers themselves say: {first} to {last}", "据签名者自述：{first} 至 {last}"),
    "time.bytes": Phrase(
        "bytes that have a registered digest existed when their entry did; how long before, no time here says",
        "具有所登记摘要的内容，在其登记条目载入时已存在；此前存在多久，上述时间均不能说明",
    ),
    "time.source": Phrase("{time}: {source}, {word}", "时间 {time}：{source}（{word}）"),
    "time.later": Phrase(
        "not counted: {source} is dated {time}, after the time of verification",
        "不予采信：{source} 的时间为 {time}，晚于验证所据时间",
    ),
    "time.unshown": Phrase(
        "not counted: entry {position} names a {kind} of {name} that is not here or does not hold",
        "不予采信：第 {position} 条所指 {name} 的 {kind} 未附或不成立",
    ),
    "time.imprecise": Phrase(
        "not counted: {source} claims a precision of no better than {accuracy} seconds",
        "不予采信：{source} 自称精度仅为 {accuracy} 秒",
    ),
    "time.operator": Phrase(
        "every source of time is the operator's own; compare with a fact from outside, such as a publication, "
        "a delivery or a timestamp of an independent authority",
        "全部时间来源均出自运营方自身；须以外部事实印证，例如公开发表、交付记录或独立时间戳机构的时间戳",
    ),
    "time.bad-cosignature": Phrase(
        "what stands under the name of witness {name} on the tree of {size} entries is not its cosignature: {detail}",
        "共 {size} 条的日志树上以见证人 {name} 之名的联署并非其签名：{detail}",
        *KEEP,
    ),
    "time.dated-late": Phrase(
        "the log says that its entries from {place} on were admitted at {start}; {second} shows them there at {end}",
        "日志称第 {place} 条起于 {start} 载入；{second} 显示其在 {end} 已在日志中",
        *_TIMES,
    ),
    "time.dated-back": Phrase(
        "the log says that its first {size} entries were admitted by {end}; among them entry {place} holds what did "
        "not exist before {start}: {first}",
        "日志称其前 {size} 条于 {end} 已载入；其中第 {place} 条所含内容在 {start} 之前尚不存在：{first}",
        *_TIMES,
    ),
    "time.claimed-late": Phrase(
        "entry {place} says that it was made at {start}; {second} shows it in the log at {end}",
        "第 {place} 条自称作于 {start}；{second} 显示其在 {end} 已在日志中",
        *_TIMES,
    ),
    "time.crossed": Phrase(
        "{first}, did not exist before {start}, yet {second} shows a tree that holds it at {end}: one of them is false",
        "{first}，在 {start} 之前尚不存在；而 {second} 于 {end} 已显示包含它的日志树：二者必有一伪",
        *_TIMES,
    ),
    "time.backwards": Phrase(
        "one clock went back: {first} is dated {start}, {second}, of a larger tree, {end}",
        "同一时钟倒退：{first} 的时间为 {start}，而更大日志树的 {second} 为 {end}",
        *_TIMES,
    ),
    # step 14
    "timestamp.good": Phrase(
        "the authority {authority} stamped the log at size {size}: {time} ± {accuracy} s, signed by {signer}",
        "时间戳机构 {authority} 对大小为 {size} 的日志加盖时间戳：{time} ± {accuracy} 秒，签名者 {signer}",
    ),
    "timestamp.own": Phrase(
        "the authority {authority} is run by the log's operator: its time is the operator's word, "
        "whatever the trust file says",
        "时间戳机构 {authority} 由日志运营方自行运行：无论信任文件如何记载，其时间均仅为运营方陈述",
    ),
    "timestamp.dependent": Phrase(
        "the trust file does not call the authority {authority} independent of the operator",
        "信任文件未认定时间戳机构 {authority} 独立于运营方",
    ),
    "timestamp.none": Phrase(
        "the bundle holds no timestamp token",
        "证据包无时间戳令牌",
        "have the log stamped by an authority, then export again",
        "请由时间戳机构对日志加盖时间戳后重新导出",
    ),
    "timestamp.unknown": Phrase(
        "timestamp {number} is sound, but {detail}",
        "时间戳 {number} 本身完好，但其签名者之上无受信任的根证书：{detail}",
        *ADD,
    ),
    "timestamp.revoked": Phrase(
        "timestamp {number} counts no more: {detail}",
        "时间戳 {number} 不再作数：{detail}",
        "export again with a timestamp by another authority",
        "请附上另一时间戳机构的时间戳后重新导出",
    ),
    "timestamp.bad": Phrase("timestamp {number} does not hold: {detail}", "时间戳 {number} 不成立：{detail}", *KEEP),
    "timestamp.later": Phrase(
        "timestamp {number} is dated {time}, after the time of verification",
        "时间戳 {number} 的时间为 {time}，晚于验证所据时间",
        "verify as of a later time, or check the clock",
        "请以更晚的时间验证，或核对时钟",
    ),
}
