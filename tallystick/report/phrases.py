"""What each line of evidence says, in English and Chinese: what was found, and for a fault what to do next.

A value in braces comes from the evidence. ``{detail}`` is the core's own message (found and expected values), in
English; in Chinese those that are met most often are said in Chinese (``detail_words``).
"""

from __future__ import annotations

from tallystick.report.fact_phrases import FACT_PHRASES
from tallystick.report.kind_phrases import KIND_PHRASES
from tallystick.report.map_phrases import MAP_PHRASES
from tallystick.report.phrase import ADD, KEEP, Language, Phrase
from tallystick.report.time_phrases import TIME_PHRASES

__all__ = ["PHRASES", "Language", "Phrase"]

_EXPORT = (
    "ask the exporter for the bundle again, by another channel",
    "请通过另一渠道向出具方重新索取证据包",
)
_FORKED = (
    "keep both checkpoints; tell the log's operator, its witnesses and whoever relies on it; anchors and witnesses "
    "may tell which history came first",
    "请保全两个检查点，并告知日志运营方、见证人及信赖该日志者；锚定与见证或可判明何者在先",
)
PHRASES: dict[str, Phrase] = {
    **TIME_PHRASES,
    **KIND_PHRASES,
    **MAP_PHRASES,
    **FACT_PHRASES,
    # steps 1 and 2
    "integrity.good": Phrase(
        "{count} members are exactly those that exporter “{name}” (key {kid}) signed",
        "{count} 个成员文件与出具方“{name}”（密钥 {kid}）签名时完全一致",
    ),
    "container.bad": Phrase(
        "the bytes are not those of the signed manifests: {detail}", "内容与签名清单不符：{detail}", *_EXPORT
    ),
    "malformed": Phrase("not of the form of the format: {detail}", "不符合格式：{detail}", *_EXPORT),
    "version": Phrase(
        "of a version that this program does not know: {detail}",
        "版本高于本程序所知：{detail}",
        "install a newer tallystick and verify again",
        "请安装新版 tallystick 后重新验证",
    ),
    "exporter.unknown": Phrase(
        "the manifests are signed by key {kid}, which the trust file does not name",
        "清单由密钥 {kid} 签名，信任文件未列出该密钥",
        "find out whose key it is by another channel; only then add it to the trust file",
        "请通过另一渠道查明密钥归属，确认后方可加入信任文件",
    ),
    "exporter.bad": Phrase(
        "the signature of exporter “{name}” does not hold: {detail}",
        "出具方“{name}”的签名不成立：{detail}",
        *_EXPORT,
    ),
    "not-examined": Phrase("not examined, because step {step} does not hold", "因第 {step} 步不成立，未予审查"),
    "rests-on": Phrase(
        "not proved, because it rests on step {steps}, which does not hold",
        "因所依据的第 {steps} 步不成立，不能认定为已证明",
    ),
    "rests-on-whole": Phrase(
        "this is what the entries shown say: that none was withheld which says otherwise is not proved up to the end "
        "of the log shown (step {step})",
        "以上仅据所示条目：直至所示日志末尾，尚未证明没有内容相反的条目被隐去（第 {step} 步）",
    ),
    "failed": Phrase("{detail}", "{detail}", *KEEP),
    # step 3
    "signature.good": Phrase(
        "{count} entries are signed over their exact bytes, by {keys} keys that entries of the log declare",
        "{count} 个条目的签名均覆盖其原始字节，由日志条目所登记的 {keys} 个密钥作出",
    ),
    "signature.no-key": Phrase(
        "entry {position} is signed by key {kid}, which no entry shown declares",
        "第 {position} 条由密钥 {kid} 签名，所示条目均未登记该密钥",
        *ADD,
    ),
    "signature.bad": Phrase(
        "the signature of entry {position} does not hold: {detail}", "第 {position} 条的签名不成立：{detail}", *KEEP
    ),
    # step 4
    "inclusion.good": Phrase(
        "{count} entries stand at their indexes in the tree of {size} entries with root {root}",
        "{count} 个条目位于其序号处，所属日志树共 {size} 条，根为 {root}",
    ),
    "inclusion.missing": Phrase(
        "entry {position} comes without an inclusion proof", "第 {position} 条缺少包含证明", *ADD
    ),
    "inclusion.bad": Phrase(
        "entry {position} does not stand there in the signed tree: {detail}",
        "第 {position} 条不在已签名的日志树的该位置：{detail}",
        *KEEP,
    ),
    # step 5
    "checkpoint.good": Phrase(
        "log {origin} signed a tree of {size} entries with root {root}: Ed25519, ML-DSA-44 and EIP-712 signatures hold",
        "日志 {origin} 对共 {size} 条、根为 {root} 的日志树签名：Ed25519、ML-DSA-44、EIP-712 三个签名均成立",
    ),
    "checkpoint.witnesses": Phrase(
        "at least {quorum} witnesses of the trust file cosigned it", "信任文件所列见证人中至少 {quorum} 个已联署"
    ),
    "checkpoint.rotated-shown": Phrase(
        "at position {position}, {time}, the log replaced its {role} key: the old key, the new one and a second key "
        "of the log signed that; the trust file does not name it yet",
        "日志于位置 {position}（{time}）更换 {role} 密钥：旧密钥、新密钥及日志的另一密钥均已签名；信任文件尚未载明",
    ),
    "checkpoint.rotated-trust": Phrase(
        "at position {position}, {time}, the log replaced its {role} key, as the trust file says",
        "日志于位置 {position}（{time}）更换 {role} 密钥，信任文件已载明",
    ),
    "checkpoint.unknown-log": Phrase(
        "the case is of log {origin}; the trust file names {known}",
        "本案所属日志为 {origin}，信任文件所列为 {known}",
        "compare origin and keys of the log by another channel; only then add it to the trust file",
        "请通过另一渠道核对日志的名称与密钥，确认后方可加入信任文件",
    ),
    "checkpoint.bad": Phrase("the tree head does not hold: {detail}", "树头不成立：{detail}", *KEEP),
    "checkpoint.fork-roots": Phrase(
        "the log forked: its keys ({keys}) signed two trees of {first} entries, with roots {first_root} and "
        "{second_root}; nothing rests on its word",
        "日志分叉：其密钥（{keys}）对同为 {first} 条的两棵树签名，根分别为 {first_root} 与 {second_root}；"
        "该日志所述一概不足为据",
        *_FORKED,
    ),
    "checkpoint.fork-history": Phrase(
        "the log forked: its keys ({keys}) signed root {first_root} for {first} entries, and a tree of {second} "
        "entries which had root {opened} at that size; nothing rests on its word",
        "日志分叉：其密钥（{keys}）对 {first} 条签署根 {first_root}，又签署共 {second} 条的树，"
        "而该树在同一大小时的根为 {opened}；该日志所述一概不足为据",
        *_FORKED,
    ),
    "checkpoint.fork-leaves": Phrase(
        "the log forked: its keys ({keys}) signed trees of {first} and of {second} entries with different entries at "
        "position {index}; nothing rests on its word",
        "日志分叉：其密钥（{keys}）签署的 {first} 条与 {second} 条两棵树，在位置 {index} 的条目不同；"
        "该日志所述一概不足为据",
        *_FORKED,
    ),
    "checkpoint.no-fork": Phrase(
        "a file says that the log forked; it does not show it: {detail}",
        "有文件指称该日志分叉，但未能证明：{detail}",
    ),
    "conviction.operator": Phrase(
        "by the word of the chain's operator alone, authority 0x{authority} stands convicted in {court} on chain "
        "{chain} since block {block} ({time})",
        "仅据链的运营方陈述：权限方 0x{authority} 自链 {chain} 的区块 {block}（{time}）起在 {court} 中被判定分叉",
    ),
    "conviction.named-block": Phrase(
        "authority 0x{authority} stands convicted in {court} on chain {chain} since block {block} ({time}), whose hash "
        "{hash} the trust file names",
        "权限方 0x{authority} 自链 {chain} 的区块 {block}（{time}）起在 {court} 中被判定分叉，"
        "该区块的哈希 {hash} 由信任文件载明",
    ),
    "conviction.external": Phrase(
        "authority 0x{authority} stands convicted in {court} if block {block} of chain {chain} ({time}) has hash "
        "0x{hash}; the fork itself is proved without that",
        "若链 {chain} 的区块 {block}（{time}）的哈希为 0x{hash}，则权限方 0x{authority} 在 {court} 中被判定分叉；"
        "分叉本身无须此项即已证明",
        "compare this hash with two explorers or your own node",
        "请与两个区块浏览器或自有节点核对该哈希",
    ),
    "conviction.later": Phrase(
        "the block of the conviction in {court} is dated {time}, after the time of verification; the fork itself is "
        "proved without it",
        "{court} 中判定分叉的区块时间 {time} 晚于验证所据时间；分叉本身无须此项即已证明",
    ),
    "conviction.bad": Phrase(
        "the fork was not shown to stand convicted on a chain: {detail}; the fork itself is proved without that",
        "未能证明该分叉已在链上被判定：{detail}；分叉本身无须此项即已证明",
    ),
    "checkpoint.later": Phrase(
        "the tree head says it was signed at {time}, after the time of verification",
        "树头自称签于 {time}，晚于验证所据时间",
        "verify as of a later time, or check the clock",
        "请以更晚的时间验证，或核对时钟",
    ),
    "checkpoint.no-quorum": Phrase(
        "{quorum} witnesses must have cosigned the tree head: {detail}",
        "树头须有 {quorum} 个见证人联署：{detail}",
        "export again under a checkpoint that the witnesses cosigned",
        "请以见证人已联署的检查点重新导出",
    ),
    "checkpoint.no-genesis": Phrase(
        "entry 0, the log's key set, is not in the bundle", "证据包缺少第 0 条（日志密钥集）", *ADD
    ),
    "checkpoint.other-log": Phrase(
        "entry 0 and the trust file name different keys ({roles}): another log under the same name",
        "第 0 条与信任文件所列密钥不同（{roles}）：系同名的另一日志",
        *KEEP,
    ),
    # step 6
    "entitlement.good": Phrase(
        "the admission rules, applied again to the entries shown, admit all {count} of them",
        "对所示条目重新适用登记规则，{count} 条全部准予登记",
    ),
    "entitlement.no-genesis": Phrase("entry 0 is not in the bundle", "证据包缺少第 0 条", *ADD),
    "entitlement.refused": Phrase(
        "the rules do not admit entry {position} on the entries shown: {detail}; {hint}",
        "依所示条目，规则不准予登记第 {position} 条：{detail}；{hint}",
        *ADD,
    ),
    "entitlement.later": Phrase(
        "entry {position} was admitted at {time}, after the time of verification",
        "第 {position} 条登记于 {time}，晚于验证所据时间",
        "verify as of a later time, or check the clock",
        "请以更晚的时间验证，或核对时钟",
    ),
    # step 7
    "disclosure.good": Phrase(
        "private values opened, each matching its salted commitment: {opened}; withheld: {withheld}",
        "已披露的 {opened} 项非公开内容与其加盐承诺一致；另有 {withheld} 项未披露",
    ),
    "disclosure.bad": Phrase(
        "a value disclosed for entry {position} is not the committed one: {detail}",
        "第 {position} 条所披露的内容与承诺不符：{detail}",
        *KEEP,
    ),
    "disclosure.erased": Phrase(
        "entry {entry} records that {names} of entry {position} and the salts were erased at {time} ({grounds}): the "
        "commitments stand; that no copy is left, no log can show",
        "第 {entry} 条记载：第 {position} 条的 {names} 及其盐值已于 {time} 删除（{grounds}）；"
        "承诺仍在；是否另有留存，日志不能证明",
    ),
    "disclosure.kept": Phrase(
        "a value erased there is shown here all the same: somebody else kept it (entry {position})",
        "平台已删除的内容在此仍有出示：系他人自行留存（第 {position} 条）",
    ),
    # step 8
    "content.good": Phrase(
        "files of {object} that have the registered SHA-256, SM3 and size, in the registered tree: all {count}",
        "{object} 的 {count} 个文件与登记的 SHA-256、SM3、大小和树根一致",
    ),
    "content.bad": Phrase(
        "the bytes given for {object} are not those registered: {detail}",
        "所附 {object} 的内容与登记不符：{detail}",
        "compare with the original in its holder's hands",
        "请与持有人保存的原件比对",
    ),
    "content.chunks": Phrase(
        "of {object} not the whole is here: chunks {pieces} of {count}, counted from 0 ({bytes} of {size} bytes), are "
        "those of the registered file, each at its place; of the others nothing is proved",
        "{object} 并非完整在卷：从0起计共 {count} 块中的第 {pieces} 块（{size} 字节中的 {bytes} 字节）"
        "与登记文件的对应块一致，位置相同；对其余各块不作任何证明",
    ),
    "content.lines": Phrase(
        "of {object} not the whole is here: lines {pieces} of the {count} of its file list, counted from 0, and the "
        "bytes of {files} of these {lines} files are as registered; of the rest nothing is proved",
        "{object} 并非完整在卷：登记文件清单共 {count} 行，其中从0起计第 {pieces} 行，"
        "以及这 {lines} 个文件中 {files} 个文件的字节与登记一致；对其余部分不作任何证明",
    ),
    "content.withheld": Phrase(
        "of {object} pieces {pieces} are withheld; the exporter's reason: {reason}",
        "{object} 第 {pieces} 部分未予披露；导出方所述理由：{reason}",
    ),
    "content.digests": Phrase(
        "the bytes of {object} are not in the bundle; compare your own copy: tallystick digest FILE",
        "证据包未附 {object} 的原件；请以自有副本比对：tallystick digest FILE",
    ),
    "content.none": Phrase(
        "the case names no original of what it is about; compare your own copy: tallystick digest FILE",
        "本案未列涉案客体的原件；请以自有副本比对：tallystick digest FILE",
    ),
    "content.unregistered": Phrase("no entry shown registers {object}", "所示条目均未登记 {object}", *ADD),
    # step 9
    "traceability.good": Phrase(
        "objects that name their basis and, if generated, their job and capability: {objects}; "
        "those they were made from: {sources}",
        "{objects} 个客体及其所依据的 {sources} 个客体均载明权利依据；其中生成的客体均已与任务和能力绑定",
    ),
    "traceability.none": Phrase(
        "the case is about no object: there was nothing to trace", "本案不涉及任何客体，无可追溯"
    ),
    "traceability.missing": Phrase(
        "{subject} is not registered by any entry shown", "所示条目均未登记 {subject}", *ADD
    ),
    "traceability.no-job": Phrase(
        "{subject} names job {job}, which no entry shown registers", "{subject} 所称任务 {job} 未见登记条目", *ADD
    ),
    "traceability.unbound": Phrase(
        "{subject} names job {job}, whose completion does not list it",
        "{subject} 所称任务 {job} 的完成条目未列出该客体",
        "complete the job in the log, then export again",
        "请先在日志中完成该任务，再重新导出",
    ),
    "traceability.no-capability": Phrase(
        "{subject} names capability {capability}, which no entry shown files",
        "{subject} 所称能力 {capability} 未见备案条目",
        *ADD,
    ),
    "traceability.no-outputs": Phrase(
        "job {job} is not completed with any output",
        "任务 {job} 尚未以任何输出完成",
        "complete the job in the log, then export again",
        "请先在日志中完成该任务，再重新导出",
    ),
    # step 10
    "anchor.good": Phrase(
        "by the word of the chain's operator alone, {registry} on chain {chain} held size {size} in block {block} "
        "({time}), and checked that it extends what it held before",
        "仅据链的运营方陈述：链 {chain} 上的 {registry} 在区块 {block}（{time}）中记有大小 {size}，"
        "并已校验其为此前记录的延续",
    ),
    "anchor.named": Phrase(
        "{registry} on chain {chain} held size {size} in block {block} ({time}), whose hash {hash} the trust file "
        "names, and checked that it extends what it held before",
        "链 {chain} 上的 {registry} 在区块 {block}（{time}）中记有大小 {size}，"
        "该区块的哈希 {hash} 由信任文件载明，并已校验其为此前记录的延续",
    ),
    "anchor.external": Phrase(
        "{registry} held size {size} and checked that it extends what it held before, if block {block} of "
        "chain {chain} ({time}) has hash 0x{hash}",
        "若链 {chain} 的区块 {block}（{time}）的哈希为 0x{hash}，则 {registry} 记有大小 {size}，"
        "并已校验其为此前记录的延续",
        "compare this hash with two explorers or your own node; a trust file that names the block makes it count",
        "请与两个区块浏览器或自有节点核对该哈希；信任文件载明该区块后即可作数",
    ),
    "anchor.token": Phrase(
        "authority {authority} stamped the hash of block {block}, and so the checkpoint in it, no later than {time}",
        "时间戳机构 {authority} 已对区块 {block} 的哈希（从而对其中的检查点）加盖时间戳，不晚于 {time}",
    ),
    "anchor.token-unknown": Phrase(
        "a timestamp over the block of anchor {number} says nothing here: {detail}",
        "锚定证明 {number} 的区块上的时间戳在此不作数：{detail}",
        "name the authority in the trust file, if you believe it",
        "如信任该机构，请将其列入信任文件",
    ),
    "anchor.token-revoked": Phrase(
        "a timestamp over the block of anchor {number} counts no more: {detail}",
        "锚定证明 {number} 的区块上的时间戳不再作数：{detail}",
    ),
    "anchor.token-later": Phrase(
        "authority {authority} stamped block {block} of anchor {number} at {time}, after the time of verification",
        "时间戳机构 {authority} 对锚定证明 {number} 的区块 {block} 加盖时间戳的时间 {time} 晚于验证所据时间",
    ),
    "anchor.covers": Phrase(
        "every entry about the case's subjects lies below the anchored size {size}",
        "涉案条目均在已锚定的大小 {size} 之内",
    ),
    "anchor.named-covers": Phrase(
        "every entry about the case's subjects lies below the size {size}, held in a block that the trust file names",
        "涉案条目均在大小 {size} 之内，该大小记于信任文件载明的区块",
    ),
    "anchor.none": Phrase(
        "the bundle holds no anchor", "证据包无锚定证明", "anchor the log, then export again", "请锚定日志后重新导出"
    ),
    "anchor.bad": Phrase("anchor {number} does not hold: {detail}", "锚定证明 {number} 不成立：{detail}", *KEEP),
    "anchor.unknown-target": Phrase(
        "anchor {number} is on contract {contract}, which neither the log nor the trust file names",
        "锚定证明 {number} 所在合约 {contract} 未见于日志或信任文件",
        *ADD,
    ),
    "anchor.later": Phrase(
        "anchor {number} is dated {time}, after the time of verification",
        "锚定证明 {number} 的时间为 {time}，晚于验证所据时间",
        "verify as of a later time, or check the clock",
        "请以更晚的时间验证，或核对时钟",
    ),
    "anchor.unused-proof": Phrase(
        "a consistency proof from {old} to {new} belongs to no anchor that holds",
        "由 {old} 至 {new} 的一致性证明不属于任何成立的锚定",
        *_EXPORT,
    ),
    "anchor.uncovered": Phrase(
        "the entries {positions} are not below any anchored size (the largest is {size})",
        "第 {positions} 条不在任何已锚定的大小之内（最大为 {size}）",
        "anchor the log again, then export again",
        "请再次锚定日志后重新导出",
    ),
    # steps 10, 12 and 14
    "revocation.unrevoked": Phrase(
        "{file}: as of {since} (next word due: {until}) {by} had not revoked the certificate of {of}, says {source}",
        "{file}：据 {source}，截至 {since}（下次更新：{until}），{by} 未吊销 {of} 的证书",
    ),
    "revocation.later": Phrase(
        "{file}: {by} revoked the certificate of {of} at {revoked}, after it had signed; told as of {since} "
        "(next word due: {until}) by {source}",
        "{file}：据 {source}，{by} 于 {revoked} 吊销 {of} 的证书，晚于其签署；截至 {since}（下次更新：{until}）",
    ),
    "revocation.unanswered": Phrase(
        "{file}: whether the certificate of {of} had been revoked by {time} needs an external fact: its issuer tells "
        "of revocation at {places}, and nothing that is enclosed reaches that instant",
        "{file}：{of} 的证书截至 {time} 是否已被吊销，需外部事实：其签发者在 {places} 公布吊销情况，"
        "而所附材料未覆盖该时刻",
    ),
    "revocation.idle": Phrase(
        "{file} says nothing that counts of anybody who signed here",
        "{file} 对本案的任何签名者均无可采信的陈述",
    ),
    # step 12
    "credential.good": Phrase(
        "{file} is the file recorded at entry {position}; signed by {signer}, entitled at {time}; it names {subject}",
        "{file} 即第 {position} 条所记文件；由 {signer} 签名，其于 {time} 有权签署；文件载明 {subject}",
    ),
    "credential.problem": Phrase("about {file}: {detail}", "关于 {file}：{detail}"),
    "credential.none": Phrase("the entries shown record no signed file", "所示条目未记录任何签名文件"),
    "credential.missing": Phrase(
        "the signed file that entry {position} records is not in the bundle",
        "第 {position} 条所记的签名文件不在证据包中",
        "export again with the credential files",
        "请附上凭证文件后重新导出",
    ),
    "credential.bad": Phrase(
        "{file}, recorded at entry {position}, does not hold: {detail}",
        "第 {position} 条所记文件 {file} 不成立：{detail}",
        *KEEP,
    ),
    "credential.unlogged": Phrase(
        "{file} is given for entry {position}, which records no signed file",
        "{file} 称属于第 {position} 条，该条未记录签名文件",
        *_EXPORT,
    ),
    # step 13
    "adverse.event": Phrase(
        "{time}: {type} about {about} (entry {position}): {detail}",
        "{time}：{type}，涉及 {about}（第 {position} 条）：{detail}",
    ),
    "adverse.misnamed": Phrase(
        "the index does not name exactly the adverse entries that the case holds: {positions}",
        "索引所列不利条目与案卷所载不一致：{positions}",
    ),
}
