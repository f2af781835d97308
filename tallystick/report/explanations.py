"""What each numbered step of verification does, for ``tallystick verify --explain STEP``, in English and Chinese.

The steps are those of docs/evidence-format.md, section 5; a test holds claims, summaries and references to that page.
"""

from __future__ import annotations

from collections.abc import Iterable

from tallystick.lazy_dataclass import dataclass
from tallystick.report.phrase import Language, Phrase


@dataclass(frozen=True)
class Explanation:
    """One step.

    claim: the claim that it decides. checks: what it checks, in one line. reads: on which bytes. specification:
    pages under docs/ and their headings. refuses: the attack that it is there for. failure: what it means when it
    does not hold.
    """

    step: int
    claim: str
    checks: Phrase
    reads: Phrase
    specification: tuple[tuple[str, str], ...]
    refuses: Phrase
    failure: Phrase


_FORMAT = "evidence-format.md"

_ALL = (
    Explanation(
        1,
        "integrity",
        Phrase(
            "the container, the bag and the case have their form; the manifests equal the bytes",
            "容器、BagIt 包与案件结构格式正确；清单与各文件字节一致",
        ),
        Phrase(
            "every byte of the zip file; then manifest-sha256.txt, tagmanifest-sha256.txt and each member they list; "
            "then data/case.json and the form of what it names",
            "zip 文件的全部字节；其后为 manifest-sha256.txt、tagmanifest-sha256.txt 及其所列各成员；"
            "再为 data/case.json 及其所指各部分的格式",
        ),
        ((_FORMAT, "1. Container"), (_FORMAT, "2. Bag"), (_FORMAT, "3. Case"), (_FORMAT, "4. RO-Crate")),
        Phrase(
            "a file changed, added, hidden, duplicated, renamed or left out after the export; a zip that two programs "
            "read differently; a decompression bomb",
            "出具后改动、增添、隐藏、重复、改名或删去文件；不同程序读法不一的压缩包；解压炸弹",
        ),
        Phrase(
            "These are not the bytes that were exported, or not in the form of this format. Nothing else is examined: "
            "ask the exporter for the bundle again.",
            "所收到的并非出具时的字节，或不符合本格式。其余各步不再审查：请向出具方重新索取证据包。",
        ),
    ),
    Explanation(
        2,
        "integrity",
        Phrase(
            "an exporter of the trust file signed the tag manifest",
            "信任文件所列的出具方已对 tagmanifest-sha256.txt 签名",
        ),
        Phrase(
            "the exact bytes of tagmanifest-sha256.txt and the signature in tagmanifest-sha256.txt.cose; the "
            "exporter's key comes from the trust file alone",
            "tagmanifest-sha256.txt 的原始字节与 tagmanifest-sha256.txt.cose 中的签名；出具方公钥仅取自信任文件",
        ),
        ((_FORMAT, "2. Bag"), ("trust.md", "Fields")),
        Phrase(
            "a bundle that somebody else put together, complete and consistent in itself, under a key of his own",
            "他人以自有密钥制作的、自身完整一致的证据包",
        ),
        Phrase(
            "Nobody whom you believe stands for this collection of files. Nothing else is examined: find out whose key "
            "signed it by another channel.",
            "无您所信任者对该批文件负责。其余各步不再审查：请通过另一渠道查明签名密钥的归属。",
        ),
    ),
    Explanation(
        3,
        "statement-signature",
        Phrase("every entry is signed by a key that an entry shown declares", "每一条目均由所示条目登记的密钥签名"),
        Phrase(
            "the exact bytes of each data/entries/<index>.cose: its signature over its own protected header and "
            "payload",
            "每个 data/entries/<index>.cose 的原始字节：其签名覆盖自身的受保护头与内容",
        ),
        (
            (_FORMAT, "5. Steps"),
            ("evidence/statements.md", "2. Envelope"),
            ("evidence/values.md", "9. Keys"),
        ),
        Phrase(
            "words put into a party's mouth: an entry changed by one byte, or signed by a key that nobody registered",
            "捏造他人陈述：改动条目任一字节，或以无人登记的密钥签名",
        ),
        Phrase(
            "At least one statement was not made by the key that it names, or the entry that registered that key is "
            "not shown. What rests on the entries is not proved.",
            "至少一项陈述并非其所称密钥作出，或登记该密钥的条目未予出示。以条目为据的各项主张均不能证明。",
        ),
    ),
    Explanation(
        4,
        "inclusion",
        Phrase("every entry stands at its index in the signed tree", "每一条目均位于已签名日志树的相应序号处"),
        Phrase(
            "the leaf hash of each entry's exact bytes, its path in data/log/proofs.json, and the root in "
            "data/log/checkpoint",
            "各条目原始字节的叶哈希、data/log/proofs.json 中的路径，以及 data/log/checkpoint 中的根",
        ),
        (("evidence/log.md", "1. Tree"), ("evidence/log.md", "2. Inclusion proof")),
        Phrase(
            "an entry that was never logged, two entries exchanged, one moved to another position: even if the "
            "exporter signs the bundle again",
            "从未入账的条目、两条互换、移动位置：即使出具方重新签名亦被识破",
        ),
        Phrase(
            "The log's signature does not cover this entry at this place: it may have been made up after the fact.",
            "日志的签名不覆盖位于该处的此条目：可能系事后编造。",
        ),
    ),
    Explanation(
        5,
        "checkpoint-signature",
        Phrase(
            "the trusted log signed the tree head, and it is the log of entry 0",
            "受信任的日志已对树头签名，且即第 0 条所述日志",
        ),
        Phrase(
            "data/log/checkpoint: its text under the Ed25519, ML-DSA-44 and EIP-712 signatures and under the lines of "
            "witnesses; entry 0; the log's keys of the trust file",
            "data/log/checkpoint：其文本上的 Ed25519、ML-DSA-44、EIP-712 签名及见证人签名；第 0 条；"
            "信任文件中的日志公钥",
        ),
        (
            ("evidence/log.md", "4. Notes"),
            ("evidence/log.md", "5. Signature lines"),
            ("evidence/log.md", "6. Replaced keys"),
            ("evidence/convictions.md", "5. What it changes in a case"),
        ),
        Phrase(
            "another ledger under the same name and other keys; a tree head with a signature stripped; a log that is "
            "shown to have signed two histories",
            "同名而密钥不同的另一账本；被剥去签名的树头；已被证明签署两种历史的日志",
        ),
        Phrase(
            "The log that you trust does not stand for this tree, so nothing that the entries say is proved.",
            "您所信任的日志并未对该树负责，故条目所述一概不能证明。",
        ),
    ),
    Explanation(
        6,
        "entitlement",
        Phrase("the rules admit every entry again", "登记规则重新准予每一条目"),
        Phrase(
            "all entries of the bundle in the order of their indexes, with the keys of step 3",
            "证据包全部条目，按序号先后，并以第 3 步的密钥判断",
        ),
        (("evidence/admission.md", "3. Common rules"), ("evidence/admission.md", "4. Rules by type")),
        Phrase(
            "a registration by someone who had no right to it; a job that used a capability not approved at that "
            "position; an operator who admits what his own rules forbid",
            "无权者所作登记；使用当时未获核准之能力的任务；运营方违反自身规则予以登记",
        ),
        Phrase(
            "On the entries shown, somebody said what he was not entitled to say there, or the entry that entitled him "
            "is not shown.",
            "依所示条目，有人在该处作出其无权作出的陈述，或赋予其权利的条目未予出示。",
        ),
    ),
    Explanation(
        7,
        "disclosure",
        Phrase("every disclosure opens a commitment", "每项披露均与承诺相符"),
        Phrase(
            "each salted value in data/disclosures/<index>.json, hashed with SHA-256 and SM3, against the commitments "
            "in the signed entry",
            "data/disclosures/<index>.json 中各加盐内容的 SHA-256 与 SM3，与已签名条目中的承诺比对",
        ),
        ((_FORMAT, "5. Steps"), ("evidence/values.md", "8. Disclosures and commitments")),
        Phrase(
            "a name, a title or a term that is shown to the court and is not the one that was committed to",
            "向法庭出示的姓名、标题或条款并非当初所承诺者",
        ),
        Phrase(
            "A private value shown here is not the one that was logged: do not read it as proved.",
            "此处出示的某项非公开内容并非入账时的内容：不得视为已证明。",
        ),
    ),
    Explanation(
        8,
        "content",
        Phrase("the originals are the registered ones", "原件即登记者"),
        Phrase(
            "every byte under data/originals/, against SHA-256, SM3, size and, for a folder, the tree root of the "
            "registered digest record; data/contents/",
            "data/originals/ 下的全部字节，与登记的 SHA-256、SM3、大小（文件夹则为树根）比对；以及 data/contents/",
        ),
        ((_FORMAT, "5. Steps"), ("evidence/values.md", "7. Digest records")),
        Phrase(
            "another picture, a longer film, a second file beside it", "换成另一张图片、更长的影片，或另附第二个文件"
        ),
        Phrase(
            "The bytes given are not those that were registered. Where only digests are given, your own copy has to be "
            "compared: that is the external fact.",
            "所附字节并非登记者。仅附摘要时，须以您自有的副本比对：此即所需的外部事实。",
        ),
    ),
    Explanation(
        9,
        "traceability",
        Phrase(
            "objects, jobs and capabilities of the case are bound and complete", "本案的客体、任务与能力相互绑定且齐全"
        ),
        Phrase(
            "the admitted entries about the case's subject and about everything that it was made from",
            "涉案标的及其来源的全部准予条目",
        ),
        ((_FORMAT, "5. Steps"), ("evidence/statements.md", "4. Types")),
        Phrase(
            "a generated work without its job, its model or its inputs; a job that never listed the work that names it",
            "隐去任务、模型或输入的生成物；任务完成条目从未列出却自称出自该任务的作品",
        ),
        Phrase(
            "Where the work came from cannot be followed to its end on what the bundle shows.",
            "依证据包所示，作品来源不能追溯到底。",
        ),
    ),
    Explanation(
        10,
        "anchor",
        Phrase(
            "a contract that checks consistency held the log, and covers the case",
            "校验一致性的合约曾记有该日志，且覆盖本案",
        ),
        Phrase(
            "each data/anchors/<n>/proof.json (block header, transaction, receipt, tries) and the checkpoint "
            "beside it; "
            "consistency paths of data/log/proofs.json",
            "各 data/anchors/<n>/proof.json（区块头、交易、收据、字典树）及其旁的检查点；data/log/proofs.json "
            "中的一致性路径",
        ),
        (("evidence/anchors.md", "4. The six steps"), ("evidence/anchors.md", "5. Who vouches for the header")),
        Phrase(
            "a history rewritten after it was anchored; an anchor of another log, of another size, or in a block that "
            "nobody sealed",
            "锚定后改写的历史；他人日志、其他大小或无人封印区块中的锚定",
        ),
        Phrase(
            "No chain shows that the log held these entries and only grew since. On a public chain the hash of the "
            "block is the external fact to compare.",
            "没有链能证明日志当时已载有这些条目且此后仅有增补。对公有链，须核对的外部事实是区块哈希。",
        ),
    ),
    Explanation(
        11,
        "time",
        Phrase("when, as an interval, and by whose word", "何时（时间区间），依据何人陈述"),
        Phrase(
            "the times in batches, checkpoints, witness lines, blocks and timestamp tokens that hold, and entries of "
            "the type log.time",
            "已成立的批次、检查点、见证人签名、区块与时间戳令牌中的时间，以及 log.time 条目",
        ),
        ((_FORMAT, "Step 11: the sources"), ("time.md", "When sources contradict each other")),
        Phrase(
            "a case dated back or forward by its operator: two sources that cannot both be right contradict the claim",
            "运营方倒签或后签时间：不可能同时正确的两个来源即构成矛盾",
        ),
        Phrase(
            "Either times contradict each other, or nobody independent of the operator bounds the time: then a fact "
            "from outside (a publication, a delivery, an independent timestamp) must.",
            "或时间来源相互矛盾，或无独立于运营方者限定时间：须以外部事实（发表、交付、独立时间戳）印证。",
        ),
    ),
    Explanation(
        12,
        "credential",
        Phrase(
            "the signed files are the logged ones and their signers were entitled",
            "签名文件即所记录者，且签名人当时有权签署",
        ),
        Phrase(
            "the bytes under data/credentials/, against the digests in their credential.issue entries; the "
            "signature in each file under the roots of the trust file; what the file and data/revocation/ say of "
            "whether its signer was revoked",
            "data/credentials/ 下的字节与 credential.issue 条目所记摘要比对；各文件内签名以信任文件的根证书验证；"
            "签名人是否已被吊销，依文件自带及 data/revocation/ 下的材料",
        ),
        (("evidence/credentials.md", "4. In a bundle"), ("evidence/credentials.md", "6. Revocation")),
        Phrase(
            "a licence or certificate edited after it was issued, about something else, or by a signer without "
            "standing",
            "签发后被编辑、涉及他物或由无资格者签署的许可或证书",
        ),
        Phrase(
            "A licence or certificate in the bundle is missing or is not the one that the log recorded.",
            "证据包中的某份许可或证书缺失，或并非日志所记录者。",
        ),
    ),
    Explanation(
        13,
        "completeness",
        Phrase("later and adverse events; whether any was withheld", "后续与不利事件；是否有未予出示者"),
        Phrase(
            "the admitted entries; data/map/proofs.json under the roots that case.json names; data/map/audits/; with "
            "--replay the reader's own copy of the log",
            "准予的条目；以 case.json 所列事件图根为准的 data/map/proofs.json；data/map/audits/；"
            "使用 --replay 时还包括读者自有的日志副本",
        ),
        ((_FORMAT, "Step 13: histories"), ("map.md", "4. Proof"), ("map.md", "7. Audit")),
        Phrase(
            "a dispute, a correction or a revocation left out of the bundle",
            "在证据包中略去争议、更正或撤销",
        ),
        Phrase(
            "That nothing was withheld is then the operator's promise. An auditor of the trust file, or a copy of the "
            "log (--replay), settles it.",
            "此时“无事件未予出示”仅为运营方承诺。信任文件所列审计方或日志副本（--replay）可予印证。",
        ),
    ),
    Explanation(
        14,
        "timestamp",
        Phrase(
            "every timestamp token holds, by an authority that the reader knows",
            "每个时间戳令牌均成立，且由读者所知的机构签发",
        ),
        Phrase(
            "each data/timestamps/<n>/token.tst over the text of the checkpoint beside it, under the roots of the "
            "trust file; what data/revocation/ says of its authority",
            "各 data/timestamps/<n>/token.tst（覆盖其旁检查点的文本），以信任文件的根证书验证；"
            "并依 data/revocation/ 下关于该机构的材料",
        ),
        (("evidence/timestamps.md", "5. Revocation"), ("evidence/timestamps.md", "6. In a bundle")),
        Phrase(
            "a token over something else, by an authority of the forger's own or with a stolen key, or dated after "
            "the examination",
            "覆盖他物、由伪造者自设机构或以被盗密钥签发，或晚于验证时点的令牌",
        ),
        Phrase(
            "The token does not bound the time. The other sources of time stand as they are.",
            "该令牌不能限定时间；其他时间来源不受影响。",
        ),
    ),
    Explanation(
        15,
        "capture",
        Phrase(
            "what is said of how an object came about agrees with the rest of the log, factor by factor",
            "关于客体形成过程的陈述逐项与日志其余内容一致",
        ),
        Phrase(
            "the admitted capture.record and capture.attest entries about the objects of the case, beside their "
            "registration and their job",
            "涉案客体已获准予的 capture.record 与 capture.attest 条目，以及其登记与任务条目",
        ),
        (("evidence/facts.md", "1. Capture"), ("evidence/admission.md", "capture.record")),
        Phrase(
            "a capture dated back before its job, another model or other parameters than the job's, bytes that were "
            "changed without a log of edits, a notary or witness who is none",
            "倒填至任务之前的形成日期、与任务不符的模型或参数、无编辑记录的字节改动、冒称的公证机构或见证人",
        ),
        Phrase(
            "What the holder says of the making contradicts the log. Whoever said it must explain it; what was "
            "registered stands as it is.",
            "持有人关于形成过程的陈述与日志相矛盾，须由陈述者说明；登记内容本身不受影响。",
        ),
    ),
    Explanation(
        16,
        "custody",
        Phrase(
            "who kept the bytes since, without a gap, and whether they stayed the same",
            "登记以来由何人保管、有无间断、字节是否未变",
        ),
        Phrase(
            "the admitted custody.record and custody.accept entries about the objects of the case, in log order, from "
            "the registered digest on; exported_at of data/case.json",
            "涉案客体已获准予的 custody.record 与 custody.accept 条目（按日志顺序，自登记摘要起），"
            "以及 data/case.json 的 exported_at",
        ),
        (("evidence/facts.md", "2. Custody"), ("evidence/admission.md", "custody.record")),
        Phrase(
            "a hand-over that nobody accepted, an entry left out, a digest swapped on the way, a check that failed, "
            "bytes given up, custody dated before the registration, the custody of another object",
            "无人接收的移交、略去的记录、中途更换的摘要、未通过的校验、已移除的字节、早于登记的保管日期、他物的保管记录",
        ),
        Phrase(
            "Between the entries named, the bytes are in nobody's proved keeping, or changed. The registration and the "
            "original brought here are judged by step 8.",
            "在所指条目之间，字节的保管未获证明或已改变。登记内容与所附原件由第 8 步判断。",
        ),
    ),
    Explanation(
        17,
        "platform",
        Phrase(
            "documents that the operator declared, and which were in force at the deposit",
            "运营方申报的文件，及其在存证时是否有效",
        ),
        Phrase(
            "the admitted platform.file entries beside the admission times of the case's objects; each "
            "data/platform/<sha256>",
            "已获准予的 platform.file 条目、涉案客体的准予时间；各 data/platform/<sha256>",
        ),
        (("evidence/facts.md", "3. Platform"), ("evidence/admission.md", "platform.file")),
        Phrase(
            "an expired certificate, one obtained after the deposit, or another file, shown as in force",
            "将过期、事后取得或他份文件充作有效文件",
        ),
        Phrase(
            "What the platform is remains open. That the documents say the truth is the operator's word in any case.",
            "平台资质尚未确定。文件内容是否属实，始终仅为运营方之申报。",
        ),
    ),
)
EXPLANATIONS: dict[int, Explanation] = {one.step: one for one in _ALL}
"""By the number of the step."""

_LABELS: dict[str, Phrase] = {
    "head": Phrase("Step {step} ({claim})", "第 {step} 步（{claim}）"),
    "checks": Phrase("Checks", "审查"),
    "reads": Phrase("Reads", "所读字节"),
    "refuses": Phrase("Refuses", "所拒攻击"),
    "failure": Phrase("If it fails", "不成立时"),
    "specification": Phrase("Specified in", "规范出处"),
}


def explain(step: int, language: Language) -> str:
    """Plain text, ending in a newline. Raises ``KeyError`` for a step that there is not."""
    return "\n".join(_lines(EXPLANATIONS[step], language)) + "\n"


def _lines(one: Explanation, language: Language) -> Iterable[str]:
    yield _pick(_LABELS["head"], language).format(step=one.step, claim=one.claim)
    for name in ("checks", "reads", "refuses", "failure"):
        yield f"{_pick(_LABELS[name], language)}: {_pick(getattr(one, name), language)}"
    places = "; ".join(f"docs/{page}, “{heading}”" for page, heading in one.specification)
    yield f"{_pick(_LABELS['specification'], language)}: {places}"


def _pick(phrase: Phrase, language: Language) -> str:
    return phrase.zh if language == "zh" else phrase.en
