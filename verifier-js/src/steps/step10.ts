/** Step 10: a contract that checks consistency held the log, and covers the case. */
import { equal, fromHex, hex, utf8 } from "../base/bytes.ts";
import { Failed } from "../base/errors.ts";
import { sha256 } from "../base/hashes.ts";
import { formatTime } from "../base/time.ts";
import { verifyTimestamp } from "../asn1/timestamp.ts";
import { sameTarget, verifyAnchor, type Voucher } from "../evm/anchor.ts";
import type { AnchorProof } from "../evm/proof.ts";
import type { AnchorTarget } from "../events/types.ts";
import { admitted, type Examination, type HeldAnchor, type HeldToken } from "./examination.ts";
import type { Findings } from "./findings.ts";
import { authoritiesUpTo, keysAt, readHead } from "./logKeys.ts";
import { address } from "../base/keys.ts";
import { demandExtended, pathName } from "./consistency.ts";

const WORDS: Record<Voucher, { en: string; zh: string }> = {
  operator: { en: "by the word of the chain's operator alone", zh: "仅凭该链运营方之言" },
  "named-block": { en: "in a block that the trust file names", zh: "位于信任文件所指明的区块" },
  nobody: { en: "if this block belongs to the chain, for which nobody here vouches", zh: "前提是该区块确属此链（此处无人担保）" },
};

export function anchor(examination: Examination, used: Set<string>, findings: Findings): void {
  const { proofs, head, case: { proofs: paths }, about } = examination;
  if (head === undefined) return;
  if (proofs.length === 0) findings.add("not_proved", "the case brings no anchor", "本案没有锚定证明");
  proofs.forEach((proof, number) => {
    const what = { en: `anchor ${number}`, zh: `锚定 ${number}` };
    const target = trustedTarget(examination, proof);
    if (target === undefined) findings.add("not_proved", `${what.en}: neither the log nor the trust file names its target`, `${what.zh}：日志与信任文件均未指明其目标合约`);
    else findings.check(what, () => hold(examination, proof, target, number, used, findings));
  });
  for (const { from, to } of paths.consistency)
    if (!used.has(pathName(from, to))) findings.add("not_proved", `the consistency path from ${from} to ${to} belongs to nothing that holds`, `从 ${from} 到 ${to} 的一致性路径不属于任何成立的证明`);
  if (proofs.length > 0) coverage(examination, about.at(-1) ?? -1, findings);
}

function trustedTarget(examination: Examination, proof: AnchorProof): AnchorTarget | undefined {
  const named = admitted(examination, "log.anchor-target").map((entry) => entry.event.body as AnchorTarget);
  return [...named, ...examination.trust.evmTargets].find((target) => sameTarget(target, proof.target));
}

function hold(examination: Examination, proof: AnchorProof, target: AnchorTarget, number: number, used: Set<string>, findings: Findings): void {
  const { trust, log, bag, atSeconds, head, case: { proofs } } = examination;
  const anchored = verifyAnchor(proof, target, trust);
  demandOwn(examination, proof, log!.origin);
  const own = readHead(examination, bag.read(`data/anchors/${number}/checkpoint`));
  if (own.note.size !== BigInt(anchored.size) || !equal(own.note.root, anchored.root)) throw new Failed("its checkpoint has another size or root than the proof");
  const last = Math.max(own.time, anchored.blockTime);
  if (last > atSeconds) {
    findings.add("not_proved", `anchor ${number} is of ${formatTime(last)}, after the time of examination`, `锚定 ${number} 的时间 ${formatTime(last)} 晚于检验时点`);
    return;
  }
  demandExtended(proofs, own.note, head!.note, used);
  const held = tokens(examination, proof, anchored.blockHash, anchored.size, number, findings);
  if (held === undefined) return;
  examination.anchors.push({ ...own, anchored, tokens: held });
  const { en, zh } = WORDS[anchored.vouchedBy];
  findings.add("proved", `${en}, ${anchored.registry} on chain ${anchored.chainId} held size ${anchored.size} in block ${anchored.block} (${formatTime(anchored.blockTime)}), and checked that it extends what it held before`,
    `${zh}，链 ${anchored.chainId} 上的 ${anchored.registry} 在区块 ${anchored.block}（${formatTime(anchored.blockTime)}）中存有大小 ${anchored.size}，并核对其为此前内容的延续`);
}

/** Origin hash and authority are those of the trusted log. */
function demandOwn(examination: Examination, { checkpoint }: AnchorProof, origin: string): void {
  if (checkpoint.origin_hash !== hex(sha256(utf8(origin)))) throw new Failed("it anchors another log");
  if (address(keysAt(examination, BigInt(checkpoint.size)).authority.raw) !== checkpoint.authority) throw new Failed("its authority is not the one of the log at that size");
  const first = checkpoint.first_authority ?? checkpoint.authority;
  if (!authoritiesUpTo(examination, checkpoint.size).includes(first)) throw new Failed("its first authority is none that the log had");
}

/** Tokens over its block that hold by a known authority; none where one does not hold: then the anchor does not, either. */
function tokens({ trust, atSeconds, words }: Examination, proof: AnchorProof, blockHash: string, size: number, number: number, findings: Findings): HeldToken[] | undefined {
  const held: HeldToken[] = [];
  const all = (proof.tokens ?? []).map((bytes) => findings.check({ en: `a token over the block of anchor ${number}`, zh: `锚定 ${number} 区块的时间戳` }, () => {
      const timestamp = verifyTimestamp(bytes, fromHex(blockHash), trust.authorities, words);
      if (timestamp.authority !== undefined && timestamp.latest <= atSeconds) held.push({ timestamp, digest: hex(sha256(bytes)), size });
    }));
  return all.every((each) => each) ? held : undefined;
}

/** Every entry about the subjects lies below the largest anchored size that somebody vouches for. */
function coverage({ anchors }: Examination, last: number, findings: Findings): void {
  const reach = (held: HeldAnchor[]): number => held.reduce((most, { anchored }) => Math.max(most, anchored.size), 0);
  const vouched = reach(anchors.filter(({ anchored }) => anchored.vouchedBy !== "nobody"));
  if (last < vouched) findings.add("proved", `every entry about the case's subjects lies below the anchored size ${vouched}`, `有关本案主题的各条目均位于锚定大小 ${vouched} 之内`);
  else if (last < reach(anchors)) {
    const { anchored } = anchors.find((each) => last < each.anchored.size)!;
    findings.add("needs_external_fact", `compare with two explorers or your own node: block ${anchored.block} of chain ${anchored.chainId} has hash ${anchored.blockHash}`,
      `请以两个区块浏览器或自有节点核对：链 ${anchored.chainId} 的区块 ${anchored.block} 之哈希为 ${anchored.blockHash}`);
  } else findings.add("not_proved", `entry ${last} about the case's subjects lies above the anchored size ${vouched}`, `有关本案主题的条目 ${last} 超出锚定大小 ${vouched}`);
}
