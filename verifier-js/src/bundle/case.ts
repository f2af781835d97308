/** The case (section 3): its index, which member has a place, and what stands in the small ones. */
import { equal, type Bytes } from "../base/bytes.ts";
import { LaterVersion, Malformed } from "../base/errors.ts";
import { anyObject, anyText, base64Of, hexOf, identifier, integer, list, mapOf, matching, oneOf, origin, record, time, type Form, type Of } from "../base/forms.ts";
import { parseIdentifier } from "../base/identifiers.ts";
import { parseCanonical, type JsonObject } from "../base/json.ts";
import type { Bag } from "./bag.ts";
import { crateBytes, CRATE } from "./crate.ts";
import { indexText, MOST_ENTRIES } from "./indexes.ts";
import { readMap, type MapMaterial } from "./map.ts";
import { parseParts, type PartsMap } from "./parts.ts";
import { demandPlaces, ENTRIES, ASIDE, DISCLOSURES, PROOFS, CHECKPOINT, originalsOf } from "./places.ts";
import { readRevocation } from "./revocation.ts";

export const CASE = "data/case.json";

const LONGEST_CASE = 16 << 20;
const LONGEST_PROOFS = 64 << 20;
const LONGEST_DISCLOSURES = 8 << 20;
const LONGEST_PATH = 65;
const LETTERS = { object: "A", licence: "L", job: "J", dispute: "D" } as const;
const FORMATS = ["tallystick-evidence/1", "tallystick-evidence/2", "tallystick-evidence/3", "tallystick-evidence/4", "tallystick-evidence/5"] as const;

/** Numbers of folders, which are exactly 0, 1, 2 … */
function counted(least: number, most: number): Form<number[]> {
  const numbers = list(least, most, integer());
  return (value) => {
    const found = numbers(value);
    if (found.some((number, place) => number !== place)) throw new Malformed("numbers that are not exactly 0, 1, 2 …");
    return found;
  };
}

/** Sorted by what `key` gives, each once. */
function sorted<T>(form: Form<T[]>, key: (each: T) => string | number): Form<T[]> {
  return (value) => {
    const found = form(value);
    if (found.some((each, place) => place > 0 && key(found[place - 1]!) >= key(each))) throw new Malformed("a list that is not sorted, or has something twice");
    return found;
  };
}

const positions = (most: number): Form<number[]> => sorted(list(1, most, integer()), (each) => each);
const texts = (form: Form<string>): Form<string[]> => sorted(list(1, 64, form), (each) => each);

const caseForm = record(
  {
    v: oneOf(1, 2, 3, 4, 5), format: oneOf(...FORMATS), kind: oneOf("object", "licence", "job", "dispute"), subject: identifier(), log: origin, exported_at: time,
    originals: sorted(list(0, 20_000, record({ object: identifier("A"), mode: oneOf("included", "digests", "parts") })), (each) => each.object),
    credentials: sorted(
      list(0, 20_000, record({ position: integer(), file: matching(/data\/credentials\/[A-Za-z0-9][A-Za-z0-9._-]{0,119}/) })), (each) => each.position,
    ),
    anchors: counted(0, 256),
  },
  {
    timestamps: counted(1, 64), map: record({ roots: positions(4), audits: counted(0, 64) }), adverse: positions(20_000), platform: texts(hexOf(32)),
    report: texts(matching(/data\/report\/[a-z0-9][a-z0-9._-]{0,119}/)), revocation: texts(matching(/data\/revocation\/[0-9a-f]{64}\.(?:crl|ocsp)/)),
  },
);
export type CaseFile = Of<typeof caseForm>;

const hash: Form<Bytes> = (value) => {
  const found = base64Of(32)(value);
  if (found.length !== 32) throw new Malformed("a hash that does not have 32 bytes");
  return found;
};
const path = list(0, LONGEST_PATH, hash);
const proofsForm = record({
  v: oneOf(1), inclusion: mapOf(0, MOST_ENTRIES, indexText, path), consistency: list(0, 384, record({ from: integer(), to: integer(), path })),
});

export interface Proofs {
  inclusion: Map<number, Bytes[]>;
  consistency: Of<typeof proofsForm>["consistency"];
}

export interface Case {
  file: CaseFile;
  proofs: Proofs;
  /** Signed note, read at step 5. */
  checkpoint: Bytes;
  /** Exact bytes by position, ascending. */
  entries: Map<number, Bytes>;
  /** Texts by position of their entry. */
  disclosures: Map<number, string[]>;
  map: MapMaterial | undefined;
  /** By slug of the object. */
  parts: Map<string, PartsMap>;
  /** Revocation data by name of the member. */
  revocation: Map<string, Bytes>;
}

export function readCase(bag: Bag): Case {
  const file = readIndex(bag);
  demandPlaces(bag, file);
  if (!equal(bag.read(CRATE), crateBytes(file, bag.payload()))) throw new Malformed(`${CRATE} is not the one that follows from the case`);
  const members = bag.payload();
  const entries = new Map(numbered(members, ENTRIES).map(([index, name]) => [index, bag.read(name)]));
  if (file.adverse?.some((position) => !entries.has(position))) throw new Malformed("an adverse entry that is named and not here");
  return {
    file, entries, proofs: readProofs(bag, entries), checkpoint: bag.read(CHECKPOINT), disclosures: readDisclosures(bag, members, entries),
    map: file.map === undefined ? undefined : readMap(bag, file.map, numbered(members, ASIDE), entries), parts: readParts(bag, file),
    revocation: readRevocation(bag, file.revocation ?? []),
  };
}

/** `case.json`. Its version is read before anything else: a later one may have members that are not known here. */
function readIndex(bag: Bag): CaseFile {
  if (!bag.members.has(CASE)) throw new Malformed(`the case does not have ${CASE}`);
  if (bag.size(CASE) > LONGEST_CASE) throw new Malformed(`${CASE} is longer than 16 MiB`);
  const value = anyObject(parseCanonical(bag.read(CASE), LONGEST_CASE));
  demandKnown(value);
  const file = caseForm(value);
  if (file.format !== FORMATS[file.v - 1] || file.v !== versionOf(file)) throw new Malformed(`${CASE} is not of the version of its members`);
  parseIdentifier(file.subject, LETTERS[file.kind]);
  if (new Set(file.credentials.map((each) => each.file)).size !== file.credentials.length) throw new Malformed("one file for two entries");
  return file;
}

function demandKnown({ v, format }: JsonObject): void {
  if (typeof v === "number" && (v < 1 || v > FORMATS.length)) throw new LaterVersion(`a case of version ${v}`);
  if (typeof format === "string" && !FORMATS.some((each) => each === format)) throw new LaterVersion("a case of another format");
}

/** The first version that has the members which are there. */
function versionOf({ revocation, adverse, platform, report, originals, map, timestamps }: CaseFile): number {
  if (revocation !== undefined) return 5;
  if (adverse !== undefined || platform !== undefined || report !== undefined || originals.some((each) => each.mode === "parts")) return 4;
  if (map !== undefined) return 3;
  return timestamps === undefined ? 1 : 2;
}

function readProofs(bag: Bag, entries: Map<number, Bytes>): Proofs {
  const value = anyObject(parseCanonical(bag.read(PROOFS), LONGEST_PROOFS));
  if (typeof value.v === "number" && value.v !== 1) throw new LaterVersion(`proofs of version ${value.v}`);
  const { inclusion: paths, consistency } = proofsForm(value);
  const inclusion = new Map([...paths].map(([index, each]) => [Number(index), each]));
  for (const index of inclusion.keys()) if (!entries.has(index)) throw new Malformed(`an inclusion path of entry ${index}, which is not here`);
  const unsorted = consistency.some(({ from, to }, place) => {
    const before = consistency[place - 1];
    return before !== undefined && (before.from > from || (before.from === from && before.to >= to));
  });
  if (unsorted) throw new Malformed("consistency paths that are not sorted, or two of one pair of sizes");
  return { inclusion, consistency };
}

function readDisclosures(bag: Bag, members: string[], entries: Map<number, Bytes>): Map<number, string[]> {
  const form = list(1, Infinity, anyText);
  return new Map(numbered(members, DISCLOSURES).map(([index, name]) => {
    if (!entries.has(index)) throw new Malformed(`${name} is of an entry that is not here`);
    return [index, form(parseCanonical(bag.read(name), LONGEST_DISCLOSURES))];
  }));
}

function readParts(bag: Bag, { originals }: CaseFile): Map<string, PartsMap> {
  const slugs = originals.filter((each) => each.mode === "parts").map((each) => parseIdentifier(each.object).slug);
  const shown = slugs.length === 0 ? new Map<string, string[]>() : originalsOf(bag);
  return new Map(slugs.map((slug) => [slug, parseParts(bag.read(`data/parts/${slug}.json`), shown.get(slug) ?? [])]));
}

/** Members whose names have an index, by ascending index. */
export function numbered(payload: string[], pattern: RegExp): [number, string][] {
  return payload.flatMap((name): [number, string][] => {
    const digits = pattern.exec(name)?.[1];
    return digits === undefined ? [] : [[Number(indexText(digits)), name]];
  }).sort(([a], [b]) => a - b);
}

