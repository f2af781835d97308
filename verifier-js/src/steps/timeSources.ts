/** The sources of time (step 11): each bounds entries from above or below, on somebody's word. */
import { Failed } from "../base/errors.ts";
import { parseTime } from "../base/time.ts";
import { cosignature } from "../log/signatures.ts";
import { admitted, type Examination, type Head, type HeldToken } from "./examination.ts";

export type Speaker = "independent" | "operator" | "party";

export interface Source {
  kind: "claimed" | "batch" | "checkpoint" | "witness" | "block" | "token";
  source: { en: string; zh: string };
  by: Speaker;
  bound: "not_after" | "not_before";
  place: number;
  /** Positions that a batch covers. */
  covered?: [number, number];
  /** Unix seconds. */
  time: number;
  accuracy: number;
  /** time + accuracy, or time − accuracy. */
  limit: number;
  /** Whose clock, where it may be compared with itself; the size that it saw. */
  clock?: { name: string; size: number };
  /** Name of an independent witness: those count together. */
  witness?: string;
  /** What a `log.time` names it by. */
  digest?: string;
}

const LONGEST_ACCURACY = 3600;
const SECONDS = 300;
const OTHER_CHAIN = 900;

interface Given extends Omit<Source, "limit" | "bound"> {
  bound?: Source["bound"];
}

/** Sources that count, and whether a line of a trusted witness does not verify. */
export function timeSources(examination: Examination): { sources: Source[]; forged: string[] } {
  const forged: string[] = [];
  const found = [...ofEntries(examination), ...ofHeads(examination, forged), ...ofBlocks(examination), ...ofTokens(examination)];
  return { sources: [...found, ...named(examination, found)].filter((each) => each.time <= examination.atSeconds && each.accuracy <= LONGEST_ACCURACY), forged };
}

function source({ bound = "not_after", ...given }: Given): Source {
  return { ...given, bound, limit: bound === "not_after" ? given.time + given.accuracy : given.time - given.accuracy };
}

function ofEntries(examination: Examination): Source[] {
  const batches = admitted(examination, "log.batch").flatMap(({ position, event }) => {
    const time = parseTime(event.time);
    const shared = { kind: "batch" as const, covered: [event.body.first, event.body.last] as [number, number], source: { en: `batch entry ${position}`, zh: `批次条目 ${position}` }, by: "operator" as const, time, accuracy: SECONDS };
    return [source({ ...shared, place: position + 1 }), source({ ...shared, bound: "not_before", place: event.body.first })];
  });
  const own = examination.about.map((position) => source({
    kind: "claimed",
    source: { en: `the signer's own time in entry ${position}`, zh: `条目 ${position} 中签名者自述的时间` }, by: "party", bound: "not_before", place: position,
    time: parseTime(examination.replay.admitted.get(position)!.statement.event.time), accuracy: SECONDS,
  }));
  return [...batches, ...own];
}

function ofHeads(examination: Examination, forged: string[]): Source[] {
  const heads: Head[] = [...(examination.head === undefined ? [] : [examination.head]), ...examination.anchors, ...examination.stamped];
  return heads.flatMap(({ note, time }) => {
    const size = Number(note.size);
    const tree = { en: `tree of ${size} entries`, zh: `${size} 条的树` };
    const log = source({
      kind: "checkpoint",
      source: { en: `the log's own signature on its ${tree.en}`, zh: `日志对其${tree.zh}的签名` }, by: "operator", place: size, time, accuracy: 0, clock: { name: "log", size },
    });
    const lines = examination.trust.witnesses.flatMap((witness) => {
      try {
        const line = cosignature(note, witness);
        if (line === undefined) return [];
        const independent = examination.trust.independentWitnesses.has(witness.name);
        return [source({
          kind: "witness", source: { en: `witness ${witness.name} on the ${tree.en}`, zh: `见证人 ${witness.name} 对${tree.zh}的联署` }, by: independent ? "independent" : "operator",
          place: size, time: line.time, accuracy: SECONDS, clock: { name: `witness ${witness.name}`, size }, digest: `cosignature ${line.digest}`,
          ...(independent ? { witness: witness.name } : {}),
        })];
      } catch (error) {
        if (!(error instanceof Failed)) throw error;
        forged.push(witness.name);
        return [];
      }
    });
    return [log, ...lines];
  });
}

function ofBlocks({ anchors }: Examination): Source[] {
  return anchors.flatMap(({ anchored }) => {
    if (anchored.vouchedBy === "nobody") return [];
    const { size, block, chainId, blockTime } = anchored;
    return [source({
      kind: "block", source: { en: `block ${block} of chain ${chainId}, with the tree of ${size} entries`, zh: `链 ${chainId} 的区块 ${block}，含 ${size} 条的树` },
      by: anchored.sealed ? "operator" : "independent", place: size, time: blockTime, accuracy: anchored.sealed ? 0 : OTHER_CHAIN,
      clock: { name: `chain ${chainId}`, size }, digest: `block ${anchored.blockHash}`,
    })];
  });
}

function ofTokens(examination: Examination): Source[] {
  const held: HeldToken[] = [...examination.tokens, ...examination.anchors.flatMap((anchor) => anchor.tokens)];
  return held.map(({ timestamp: { authority, operatorOnly, time, accuracy, latest }, digest, size }) => source({
    kind: "token",
    source: { en: `timestamp authority ${authority!.name} on the tree of ${size} entries`, zh: `时间戳机构 ${authority!.name} 对 ${size} 条的树` },
    by: authority!.independent && !operatorOnly ? "independent" : "operator", place: size, time, accuracy: accuracy ?? latest - time + SECONDS, digest: `rfc3161 ${digest}`,
  }));
}

/** Lower bounds: what a `log.time` names is here and holds. */
function named(examination: Examination, found: Source[]): Source[] {
  return admitted(examination, "log.time").flatMap(({ position, event }) => {
    const known = found.filter((each) => each.digest === `${event.body.kind} ${event.body.digest}`);
    return known.slice(0, 1).map(({ kind, source: { en, zh }, by, time, accuracy, witness }) => source({
      kind,
      source: { en: `entry ${position}, which holds ${en}`, zh: `条目 ${position}，其中载有${zh}` }, by, bound: "not_before", place: position, time,
      accuracy: kind === "block" ? Math.max(accuracy, SECONDS) : accuracy, ...(witness === undefined ? {} : { witness }),
    }));
  });
}
