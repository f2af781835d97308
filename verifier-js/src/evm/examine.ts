/** One anchor proof by itself, against the targets and the logs of a trust file. */
import { hex, utf8 } from "../base/bytes.ts";
import { Failed, LaterVersion, Malformed } from "../base/errors.ts";
import { sha256 } from "../base/hashes.ts";
import { address } from "../base/keys.ts";
import { formatTime, parseTime } from "../base/time.ts";
import type { Outcome } from "../steps/findings.ts";
import type { Trust, TrustedLog } from "../trust.ts";
import { sameTarget, verifyAnchor, type Anchored } from "./anchor.ts";
import { parseProof, type AnchorProof } from "./proof.ts";

export interface AnchorReport {
  verdict: "proved" | "not_proved" | "malformed";
  outcome: Outcome | null;
  why: string;
  origin: string | null;
  fact: { size: number; root: string; registry: string; chain_id: number; block: number; block_hash: string; block_time: string; vouched_by: string } | null;
  trust_fingerprint: string;
}

export function examineAnchor(bytes: Uint8Array, trust: Trust, at: string): AnchorReport {
  const say = (outcome: Outcome | null, why: string, more: Partial<AnchorReport> = {}): AnchorReport => ({
    verdict: outcome === "proved" ? "proved" : outcome === null ? "malformed" : "not_proved", outcome, why, origin: null, fact: null,
    trust_fingerprint: trust.fingerprint, ...more,
  });
  try {
    const proof = parseProof(bytes);
    const target = trust.evmTargets.find((each) => sameTarget(each, proof.target));
    if (target === undefined) return say("not_proved", "the trust file names no such target");
    const anchored = verifyAnchor(proof, target, trust);
    const log = trust.logs.find(({ origin }) => hex(sha256(utf8(origin))) === proof.checkpoint.origin_hash);
    if (log === undefined) return say("not_proved", "the trust file names no such log");
    const more = { origin: log.origin, fact: factOf(anchored) };
    const other = otherAuthority(log, proof);
    if (other !== undefined) return say("not_proved", other, more);
    if (anchored.blockTime > parseTime(at)) return say("not_proved", "the block is later than the time of examination", more);
    if (anchored.vouchedBy === "nobody")
      return say("needs_external_fact", `compare: block ${anchored.block} of chain ${anchored.chainId} has hash ${anchored.blockHash}`, more);
    return say("proved", "the contract held this checkpoint of the log", more);
  } catch (error) {
    if (error instanceof Malformed) return say(null, error.message);
    if (error instanceof LaterVersion) return { ...say(null, `${error.message}: install a newer program`), verdict: "not_proved" };
    if (error instanceof Failed) return say("contradicted", `the proof does not hold: ${error.message}`);
    throw error;
  }
}

/** What is wrong if the authority is not the one that the log had at that size, or the first one none that it had until then. */
function otherAuthority(log: TrustedLog, { checkpoint }: AnchorProof): string | undefined {
  const later = log.replaced.filter(({ role, position }) => role === "authority" && position < checkpoint.size).map(({ key }) => key);
  const all = [log.keys.authority, ...later].map((key) => address(key.raw));
  if (all.at(-1) !== checkpoint.authority) return "another authority moved the contract than the trust file names for that size";
  return all.includes(checkpoint.first_authority ?? checkpoint.authority) ? undefined : "its first authority is none that the trust file names";
}

function factOf(anchored: Anchored): NonNullable<AnchorReport["fact"]> {
  return {
    size: anchored.size, root: hex(anchored.root), registry: anchored.registry, chain_id: anchored.chainId, block: anchored.block,
    block_hash: anchored.blockHash, block_time: formatTime(anchored.blockTime), vouched_by: anchored.vouchedBy,
  };
}
