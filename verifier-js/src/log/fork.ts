/** Fork evidence (Convictions 1): two checkpoints of one log that cannot both be true. */
import { equal, fromHex, type Bytes } from "../base/bytes.ts";
import { Failed, LaterVersion, Malformed } from "../base/errors.ts";
import { anyObject, base64Of, hexOf, integer, list, oneOf, record, type Form, type Of } from "../base/forms.ts";
import { parseCanonical, type Json } from "../base/json.ts";
import { address } from "../base/keys.ts";
import { leadFrom, verifyInclusion } from "./merkle.ts";
import { parseCheckpoint, type Checkpoint } from "./note.ts";
import { verifyLines, type CheckpointKeys, type LogRole } from "./signatures.ts";

const LONGEST = 262_144;
const LONGEST_CONVICTION = 524_288;
const note = base64Of(1_048_576);
const shownLeaf = record({ leaf: hexOf(32), proof: list(0, 65, hexOf(32)) });
const form = record(
  { v: oneOf(1), kind: oneOf("fork"), first: note, second: note },
  { history: list(1, 65, hexOf(32)), leaves: record({ index: integer(), first: shownLeaf, second: shownLeaf }) },
);
export type ForkEvidence = Of<typeof form>;

/** A file of its own, of which a later version may come. */
export const forkFile: Form<ForkEvidence> = (value) => {
  const { v } = anyObject(value);
  if (typeof v === "number" && v !== 1) throw new LaterVersion(`fork evidence of version ${v}`);
  return forkForm(value);
};

export const forkForm: Form<ForkEvidence> = (value) => {
  const found = form(value);
  if (found.history !== undefined && found.leaves !== undefined) throw new Malformed("fork evidence with both a history and leaves");
  return found;
};

/** What somebody brought: fork evidence, or the JSON of a conviction proof. */
export function parseAccusation(bytes: Bytes): Json {
  const value = parseCanonical(bytes, LONGEST_CONVICTION);
  if (anyObject(value).kind === "fork" && bytes.length > LONGEST) throw new Malformed(`fork evidence of more than ${LONGEST} bytes`);
  return value;
}

export interface Fork {
  first: Checkpoint;
  second: Checkpoint;
  kind: "roots" | "history" | "leaves";
  /** Kinds of key that signed both. */
  signed: LogRole[];
  /** Address of the authority where it is one at both sizes and signed both, hex. */
  authority: string | undefined;
}

/** `Failed` where it does not show that this log forked; `keys` are those in force at a size. */
export function verifyFork(evidence: ForkEvidence, origin: string, keys: (size: bigint) => CheckpointKeys): Fork {
  const [first, second] = [evidence.first, evidence.second].map((bytes) => {
    const found = parseCheckpoint(bytes);
    return { note: found, signed: verifyLines(found, origin, keys(found.size)) };
  }) as [{ note: Checkpoint; signed: LogRole[] }, { note: Checkpoint; signed: LogRole[] }];
  const signed = first.signed.filter((role) => second.signed.includes(role));
  if (signed.length === 0) throw new Failed("no kind of key of the log signed both checkpoints");
  const kind = contradiction(evidence, first.note, second.note);
  const [a, b] = [first, second].map((each) => address(keys(each.note.size).authority.raw));
  return { first: first.note, second: second.note, kind, signed, authority: signed.includes("authority") && a === b ? a : undefined };
}

function contradiction({ history, leaves }: ForkEvidence, first: Checkpoint, second: Checkpoint): Fork["kind"] {
  if (leaves !== undefined) {
    if (leaves.first.leaf === leaves.second.leaf) throw new Failed("one leaf in both trees is no contradiction");
    for (const [shown, head] of [[leaves.first, first], [leaves.second, second]] as const)
      verifyInclusion(fromHex(shown.leaf), BigInt(leaves.index), head.size, head.root, shown.proof.map((each) => fromHex(each)));
    return "leaves";
  }
  if (history !== undefined) {
    if (first.size === 0n || first.size >= second.size) throw new Failed("a history that does not lead from the smaller checkpoint to the larger one");
    const [seed, ...path] = history.map((each) => fromHex(each)) as [Bytes, ...Bytes[]];
    const { older, newer } = leadFrom(first.size, second.size, seed, path);
    if (!equal(newer, second.root)) throw new Failed("the history does not lead to the larger checkpoint");
    if (equal(older, first.root)) throw new Failed("the history has the smaller checkpoint in it: they do not contradict each other");
    return "history";
  }
  if (first.size !== second.size || equal(first.root, second.root)) throw new Failed("two checkpoints that do not contradict each other");
  return "roots";
}
