/** Step 10: a contract that checks consistency held the log, and covers the case. */
import { equal, fromHex, hex, utf8 } from "../base/bytes.ts";
import { Failed, NotShown } from "../base/errors.ts";
import { sha256 } from "../base/hashes.ts";
import { address } from "../base/keys.ts";
import { formatTime } from "../base/time.ts";
import type { AnchorTarget } from "../events/types.ts";
import { verifyTimestamp } from "../asn1/timestamp.ts";
import { sameTarget, verifyAnchor, type Anchored } from "../evm/anchor.ts";
import type { AnchorProof } from "../evm/proof.ts";
import { demandExtended, pathName } from "./consistency.ts";
import { admitted, type Examination, type Head, type HeldAnchor, type HeldToken } from "./examination.ts";
import type { Findings, Sentence } from "./findings.ts";
import { authoritiesUpTo, keysAt, readHead } from "./logKeys.ts";
import { formless, tell } from "./step14.ts";

/** `used`: the consistency paths that serve, those of timestamps and audits among them. */
export function anchor(examination: Examination, used: Set<string>, findings: Findings): void {
  const { head, proofs } = examination;
  if (head === undefined) return;
  if (proofs.length === 0) findings.add("not_proved", "the case has no anchor", "本案没有锚定");
  proofs.forEach((proof, number) => {
    const what = { en: `anchor ${number}`, zh: `锚定 ${number}` };
    findings.check(what, () => {
      const found = judge(examination, head, proof, number, used);
      const tokens = blockTokens(examination, what, proof, found.anchored, findings);
      examination.anchors.push({ ...found, tokens });
      const { registry, chainId, size, block, blockTime, vouchedBy } = found.anchored;
      findings.add("proved", `${VOUCHED[vouchedBy].en}, ${registry} on chain ${chainId} held size ${size} in block ${block} (${formatTime(blockTime)}), and checked that it extends what it held before`,
        `${VOUCHED[vouchedBy].zh}，链 ${chainId} 上的 ${registry} 在区块 ${block}（${formatTime(blockTime)}）中载有大小 ${size}，并已核验其延续此前内容`);
    });
  });
  demandNoIdlePath(examination, head, used, findings);
  demandCovered(examination, findings);
}

const VOUCHED: Record<Anchored["vouchedBy"], Sentence> = {
  operator: { en: "by the word of the chain's operator alone", zh: "仅凭该链运营方之言" },
  "named-block": { en: "in a block that the trust file names", zh: "在信任文件所列的区块中" },
  nobody: { en: "if the chain kept this block, for which nobody vouches here", zh: "若该链保留此区块（此处无人担保）" },
};

/** Numbers 1 to 4 of the step. */
function judge(examination: Examination, head: Head, proof: AnchorProof, number: number, used: Set<string>): Omit<HeldAnchor, "tokens"> {
  const { bag, atSeconds, case: { proofs }, trust } = examination;
  const target = targets(examination).find((each) => sameTarget(each, proof.target));
  if (target === undefined) throw new NotShown("neither the log nor the trust file names its target");
  const anchored = verifyAnchor(proof, target, trust);
  demandOwn(examination, proof);
  const held = readHead(examination, bag.read(`data/anchors/${number}/checkpoint`));
  if (held.note.size !== BigInt(proof.checkpoint.size) || !equal(held.note.root, fromHex(proof.checkpoint.root))) throw new Failed("its checkpoint is not the one that the proof is of");
  for (const [what, time] of [["block", anchored.blockTime], ["checkpoint", held.time]] as const)
    if (time > atSeconds) throw new NotShown(`its ${what} is of ${formatTime(time)}, after the time of examination`);
  demandExtended(proofs, held.note, head.note, used);
  return { ...held, anchored };
}

function targets(examination: Examination): AnchorTarget[] {
  return [...admitted(examination, "log.anchor-target").map(({ event }) => event.body), ...examination.trust.evmTargets];
}

/** Origin and authority are those of the trusted log, and the first authority is one that it had up to that size. */
function demandOwn(examination: Examination, { checkpoint: { origin_hash, size, authority, first_authority = authority } }: AnchorProof): void {
  if (hex(sha256(utf8(examination.log!.origin))) !== origin_hash) throw new Failed("it is of another log");
  if (address(keysAt(examination, BigInt(size)).authority.raw) !== authority) throw new Failed("its authority is not the one that the log had at that size");
  if (!authoritiesUpTo(examination, size).includes(first_authority)) throw new Failed("its first authority is none that the log had");
}

/** Tokens over the block's hash that hold by an authority which the reader knows: sources of time (step 11), no part of this claim. */
function blockTokens(examination: Examination, what: Sentence, { tokens = [] }: AnchorProof, { blockHash, size }: Anchored, findings: Findings): HeldToken[] {
  return tokens.flatMap((bytes, place) => {
    const token = { en: `token ${place} over the block of ${what.en}`, zh: `${what.zh}之区块的令牌 ${place}` };
    const stamp = formless(() => verifyTimestamp(bytes, fromHex(blockHash), examination.trust.authorities, examination.words));
    return tell(examination, token, stamp, "proved", findings) ? [{ timestamp: stamp, digest: hex(sha256(bytes)), size }] : [];
  });
}

function demandNoIdlePath({ case: { proofs } }: Examination, head: Head, used: Set<string>, findings: Findings): void {
  for (const { from, to } of proofs.consistency)
    if (!used.has(pathName(from, to))) findings.add("not_proved", `the consistency path from ${from} to ${to} belongs to no anchor that holds and to no timestamp; the tree has ${head.note.size} entries`,
      `从 ${from} 到 ${to} 的一致性路径不属于任何成立的锚定或时间戳；树有 ${head.note.size} 条`);
}

/** Every admitted entry about the subjects lies below the largest anchored size. */
function demandCovered({ about, anchors }: Examination, findings: Findings): void {
  const last = about.at(-1) ?? -1;
  const reaches = ({ anchored: { size } }: HeldAnchor): boolean => last < size;
  if (anchors.some((each) => each.anchored.vouchedBy !== "nobody" && reaches(each))) {
    findings.add("proved", "every entry about the case's subjects lies below the largest anchored size", "有关本案主题的条目均在最大锚定大小之下");
    return;
  }
  const [compare] = anchors.filter(reaches);
  if (compare === undefined) {
    findings.add("not_proved", `no anchor that holds reaches entry ${last}, which is about the case's subjects`, `没有成立的锚定覆盖有关本案主题的条目 ${last}`);
    return;
  }
  const { block, chainId, blockHash } = compare.anchored;
  findings.add("needs_external_fact", `compare: block ${block} of chain ${chainId} has hash ${blockHash}`, `请核对：链 ${chainId} 的区块 ${block} 之哈希为 ${blockHash}`);
}
