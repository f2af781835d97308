/** Proofs by the map, audits, and entries that stand aside (section 3). */
import type { Bytes } from "../base/bytes.ts";
import { LaterVersion, Malformed } from "../base/errors.ts";
import { anyObject, mapOf, oneOf, record, text, type Of } from "../base/forms.ts";
import { parseCanonical } from "../base/json.ts";
import { parseStatement, type Statement } from "../log/statement.ts";
import { proofForm } from "../map/proof.ts";
import type { Bag } from "./bag.ts";
import type { CaseFile } from "./case.ts";
import { indexText, MOST_ENTRIES } from "./indexes.ts";

const PROOFS = "data/map/proofs.json";
const LONGEST = 64 << 20;
const histories = mapOf(0, 20_000, text(1, 255), proofForm);
const rootForm = record({ own: histories, named: histories });
const form = record({ v: oneOf(1), roots: mapOf(0, 4, indexText, rootForm) });

export type RootProofs = Of<typeof rootForm>;

export interface MapMaterial {
  /** By position of the root. */
  roots: Map<number, RootProofs>;
  /** Signed notes, read at step 13. */
  audits: Bytes[];
  /** Statements by position. */
  aside: Map<number, Statement>;
}

export function readMap(bag: Bag, file: NonNullable<CaseFile["map"]>, members: [number, string][], entries: Map<number, unknown>): MapMaterial {
  const value = anyObject(parseCanonical(bag.read(PROOFS), LONGEST));
  if (typeof value.v === "number" && value.v !== 1) throw new LaterVersion(`proofs by the map of version ${value.v}`);
  const roots = new Map([...form(value).roots].map(([index, proofs]) => [Number(index), proofs]));
  if (roots.size !== file.roots.length || file.roots.some((root) => !roots.has(root))) throw new Malformed("proofs by the map under other roots than case.json names");
  if (members.length + entries.size > MOST_ENTRIES) throw new Malformed(`a case with more than ${MOST_ENTRIES} entries`);
  const aside = new Map(members.map(([index, name]) => {
    if (entries.has(index)) throw new Malformed(`entry ${index} stands in two places`);
    return [index, parseStatement(bag.read(name))];
  }));
  return { roots, audits: file.audits.map((number) => bag.read(`data/map/audits/${number}.note`)), aside };
}
