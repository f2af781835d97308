/** The case (section 3): what stands where under data/. */
import { equal, type Bytes } from "../base/bytes.ts";
import { LaterVersion, Malformed } from "../base/errors.ts";
import {
  anyObject, anyText, hexOf, identifier, integer, list, matching, mapOf, oneOf, origin, record, time, type Form, type Of,
} from "../base/forms.ts";
import { fromBase64 } from "../base/bytes.ts";
import { parseIdentifier } from "../base/identifiers.ts";
import { parseCanonical } from "../base/json.ts";
import type { Bag } from "./bag.ts";
import { INDEX, indexText, MOST_ENTRIES } from "./indexes.ts";
import { readMap, type MapMaterial } from "./map.ts";
import { parseParts, type PartsMap } from "./parts.ts";
import { readRevocation } from "./revocation.ts";
import { crateBytes, CRATE } from "./crate.ts";

const MIB = 1 << 20;
export const CASE = "data/case.json";
const CHECKPOINT = "data/log/checkpoint";
const PROOFS = "data/log/proofs.json";
const LATEST = 5;
const LETTERS = { object: "A", licence: "L", job: "J", dispute: "D" } as const;

/** Places under data/, and how long a member there may be. */
const PLACES: [RegExp, number][] = [
  [/^data\/case\.json$/, 16 * MIB],
  [/^data\/ro-crate-metadata\.json$/, 256 * MIB],
  [new RegExp(`^data/entries/${INDEX}\\.cose$`), 65_535],
  [new RegExp(`^data/disclosures/${INDEX}\\.json$`), 8 * MIB],
  [/^data\/log\/checkpoint$/, MIB],
  [/^data\/log\/proofs\.json$/, 64 * MIB],
  [new RegExp(`^data/anchors/${INDEX}/proof\\.json$`), 256 << 10],
  [new RegExp(`^data/anchors/${INDEX}/checkpoint$`), MIB],
  [new RegExp(`^data/timestamps/${INDEX}/token\\.tst$`), 64 << 10],
  [new RegExp(`^data/timestamps/${INDEX}/checkpoint$`), MIB],
  [/^data\/map\/proofs\.json$/, 64 * MIB],
  [new RegExp(`^data/map/audits/${INDEX}\\.note$`), 16 << 10],
  [new RegExp(`^data/map/entries/${INDEX}\\.cose$`), 65_535],
  [/^data\/contents\/[^/]+\.json$/, 256 * MIB],
  [/^data\/parts\/[^/]+\.json$/, 256 * MIB],
  [/^data\/platform\/[0-9a-f]{64}$/, Infinity],
  [/^data\/report\/[a-z0-9][a-z0-9._-]{0,119}$/, Infinity],
  [/^data\/revocation\/[0-9a-f]{64}\.(crl|ocsp)$/, MIB],
  [/^data\/originals\/[^/]+\/.+$/s, Infinity],
  [/^data\/credentials\/[^/]+$/, 256 * MIB],
];
const MOST_OTHERS = 512 * MIB;
const MOST_DISCLOSURES = 64 * MIB;

const caseForm = record(
  {
    v: oneOf(1, 2, 3, 4, 5),
    format: oneOf("tallystick-evidence/1", "tallystick-evidence/2", "tallystick-evidence/3", "tallystick-evidence/4", "tallystick-evidence/5"), kind: oneOf("object", "licence", "job", "dispute"),
    subject: identifier(), log: origin, exported_at: time,
    originals: list(0, 20_000, record({ object: identifier("A"), mode: oneOf("included", "digests", "parts") })),
    credentials: list(0, 20_000, record({ position: integer(), file: matching(/data\/credentials\/[A-Za-z0-9][A-Za-z0-9._-]{0,119}/) })),
    anchors: list(0, 256, integer()),
  },
  {
    timestamps: list(1, 64, integer()),
    map: record({ roots: list(1, 4, integer()), audits: list(0, 64, integer()) }),
    adverse: list(1, 20_000, integer()),
    platform: list(1, 64, hexOf(32)),
    report: list(1, 64, matching(/data\/report\/[a-z0-9][a-z0-9._-]{0,119}/)),
    revocation: list(1, 64, matching(/data\/revocation\/[0-9a-f]{64}\.(crl|ocsp)/)),
  },
);
export type CaseFile = Of<typeof caseForm>;

const hash: Form<Bytes> = (value) => {
  const found = fromBase64(anyText(value), 32);
  if (found.length !== 32) throw new Malformed("a hash that does not have 32 bytes");
  return found;
};
const hashes = list(0, 65, hash);
const proofsForm = record({
  v: oneOf(1), inclusion: mapOf(0, MOST_ENTRIES, indexText, hashes),
  consistency: list(0, 384, record({ from: integer(), to: integer(), path: hashes })),
});

export interface Proofs {
  /** Paths by position. */
  inclusion: Map<number, Bytes[]>;
  consistency: Of<typeof proofsForm>["consistency"];
}

export interface Case {
  file: CaseFile;
  proofs: Proofs;
  checkpoint: Bytes;
  /** Bytes by position, ascending. */
  entries: Map<number, Bytes>;
  disclosures: Map<number, string[]>;
  /** Proofs by the map, in a case of version 3. */
  map: MapMaterial | undefined;
  /** Which pieces of an original are here, by slug. */
  parts: Map<string, PartsMap>;
  /** Lists and answers about revocation, by name. */
  revocation: Map<string, Bytes>;
}

export function readCase(bag: Bag): Case {
  const payload = bag.payload();
  for (const name of [CASE, CRATE, CHECKPOINT, PROOFS]) if (!payload.includes(name)) throw new Malformed(`the case does not have ${name}`);
  // Before the places: a later version has some that this one does not know.
  if (bag.size(CASE) > 16 * MIB) throw new Malformed(`${CASE} is longer than ${16 * MIB} bytes`);
  const file = readCaseFile(bag.read(CASE));
  demandPlaces(bag, payload);
  demandPromises(payload, file);
  if (!equal(bag.read(CRATE), crateBytes(file, payload))) throw new Malformed("ro-crate-metadata.json is not that of the case");
  const members = numbered(payload, /^data\/entries\/([0-9]+)\.cose$/);
  const entries = new Map(members.map(([index, name]) => [index, bag.read(name)]));
  if (entries.size < 1 || entries.size > MOST_ENTRIES) throw new Malformed(`a case without entries, or with more than ${MOST_ENTRIES}`);
  const disclosures = new Map(numbered(payload, /^data\/disclosures\/([0-9]+)\.json$/).map(([index, name]) =>
    [index, list(1, Infinity, anyText)(parseCanonical(bag.read(name), 8 * MIB))]));
  const proofs = readProofs(bag.read(PROOFS));
  for (const index of [...disclosures.keys(), ...proofs.inclusion.keys()])
    if (!entries.has(index)) throw new Malformed(`proofs or disclosures of entry ${index}, which is not here`);
  const unknown = file.adverse?.find((position) => !entries.has(position));
  if (unknown !== undefined) throw new Malformed(`the adverse entry ${unknown} is not here`);
  const map = file.map === undefined ? undefined : readMap(bag, file.map, numbered(payload, /^data\/map\/entries\/([0-9]+)\.cose$/), entries);
  return { file, proofs, checkpoint: bag.read(CHECKPOINT), entries, disclosures, map, parts: readParts(bag, payload, file), revocation: readRevocation(bag, file.revocation ?? []) };
}

function readParts(bag: Bag, payload: string[], file: CaseFile): Map<string, PartsMap> {
  const slugs = file.originals.filter((each) => each.mode === "parts").map((each) => parseIdentifier(each.object).slug);
  return new Map(slugs.map((slug) => {
    const folder = `data/originals/${slug}/`;
    const members = payload.filter((name) => name.startsWith(folder)).map((name) => name.slice(folder.length));
    return [slug, parseParts(bag.read(`data/parts/${slug}.json`), members)];
  }));
}

export function numbered(payload: string[], pattern: RegExp): [number, string][] {
  const found = payload.flatMap((name): [number, string][] => {
    const index = pattern.exec(name)?.[1];
    return index === undefined ? [] : [[Number(indexText(index)), name]];
  });
  return found.sort(([a], [b]) => a - b);
}

function demandPlaces(bag: Bag, payload: string[]): void {
  let others = 0;
  let disclosures = 0;
  for (const name of payload) {
    const place = PLACES.find(([pattern]) => pattern.test(name));
    const size = bag.size(name);
    if (place === undefined) throw new Malformed(`${name} has no place in a case`);
    if (size > place[1]) throw new Malformed(`${name} is longer than ${place[1]} bytes`);
    if (!/^data\/(originals|credentials|platform|report)\//.test(name)) others += size;
    if (name.startsWith("data/disclosures/")) disclosures += size;
  }
  if (others > MOST_OTHERS || disclosures > MOST_DISCLOSURES) throw new Malformed("a case whose members are longer together than 512 MiB, or its disclosures than 64 MiB");
}

function readCaseFile(bytes: Bytes): CaseFile {
  const value = anyObject(parseCanonical(bytes, 16 * MIB));
  if (typeof value.v === "number" && (value.v < 1 || value.v > LATEST)) throw new LaterVersion(`a case of version ${value.v}`);
  if (typeof value.format === "string" && !/^tallystick-evidence\/[1-5]$/.test(value.format)) throw new LaterVersion(`a case of the format ${value.format}`);
  const file = caseForm(value);
  const fourth = file.adverse !== undefined || file.report !== undefined || file.platform !== undefined || file.originals.some((each) => each.mode === "parts");
  const version = file.revocation !== undefined ? 5 : fourth ? 4 : file.map !== undefined ? 3 : file.timestamps !== undefined ? 2 : 1;
  if (file.format !== `tallystick-evidence/${file.v}` || file.v !== version) throw new Malformed("a case whose version is not that of its members");
  parseIdentifier(file.subject, LETTERS[file.kind]);
  demandSorted(file.originals.map((each) => each.object), "originals");
  demandSorted(file.credentials.map((each) => each.position), "credentials");
  if (new Set(file.credentials.map((each) => each.file)).size !== file.credentials.length) throw new Malformed("a credential file that is named twice");
  for (const numbers of [file.anchors, file.timestamps ?? [], file.map?.audits ?? []])
    if (numbers.some((number, index) => number !== index)) throw new Malformed("anchors, timestamps or audits that are not 0, 1, 2 …");
  demandSorted(file.map?.roots ?? [], "roots of the map");
  demandSorted(file.adverse ?? [], "adverse entries");
  demandSorted(file.platform ?? [], "documents of the platform");
  demandSorted(file.report ?? [], "files of the report");
  demandSorted(file.revocation ?? [], "revocation data");
  return file;
}

function demandSorted(values: (string | number)[], what: string): void {
  if (values.some((value, index) => index > 0 && values[index - 1]! >= value)) throw new Malformed(`${what} that are not sorted, each once`);
}

/** Each place that the case promises is filled, and nothing else stands there. */
function demandPromises(payload: string[], file: CaseFile): void {
  const numbers = (folder: string): string[] => payload.filter((name) => name.startsWith(`data/${folder}/`)).sort();
  const promised = (folder: string, counts: number[], leaves: string[]): string[] =>
    counts.flatMap((number) => leaves.map((leaf) => `data/${folder}/${number}/${leaf}`)).sort();
  for (const [folder, counts, leaves] of [["anchors", file.anchors, ["proof.json", "checkpoint"]], ["timestamps", file.timestamps ?? [], ["token.tst", "checkpoint"]]] as const)
    if (numbers(folder).join("\n") !== promised(folder, counts, [...leaves]).join("\n")) throw new Malformed(`${folder} that are not those that case.json promises`);
  const ofMap = payload.filter((name) => /^data\/map\/(proofs|audits)/.test(name)).sort();
  const promisedMap = file.map === undefined ? [] : ["data/map/proofs.json", ...file.map.audits.map((number) => `data/map/audits/${number}.note`)].sort();
  if (ofMap.join("\n") !== promisedMap.join("\n") || (file.map === undefined && payload.some((name) => name.startsWith("data/map/"))))
    throw new Malformed("proofs by the map that are not those that case.json promises");
  if (payload.filter((name) => name.startsWith("data/platform/")).sort().join("\n") !== (file.platform ?? []).map((each) => `data/platform/${each}`).join("\n"))
    throw new Malformed("documents of the platform that are not those that case.json promises");
  if (payload.filter((name) => name.startsWith("data/report/")).sort().join("\n") !== (file.report ?? []).join("\n"))
    throw new Malformed("files of a report that are not those that case.json promises");
  if (payload.filter((name) => name.startsWith("data/revocation/")).sort().join("\n") !== (file.revocation ?? []).join("\n"))
    throw new Malformed("revocation data that are not those that case.json promises");
  const modes = new Map(file.originals.map(({ object, mode }) => [parseIdentifier(object).slug, mode]));
  const filled = new Set<string>();
  const mapped = new Set<string>();
  for (const name of payload) {
    const [, place, slug] = /^data\/(originals|contents|parts)\/([^/]+?)(?:\.json$|\/)/.exec(name) ?? [];
    if (place === undefined || slug === undefined) continue;
    if (!modes.has(slug) || (place === "contents" && modes.get(slug) === "parts")) throw new Malformed(`${name} is of no object of originals`);
    if (place === "originals") filled.add(slug);
    if (place === "parts") mapped.add(slug);
  }
  for (const [slug, mode] of modes) {
    const fits = mode === "parts" || (mode === "included") === filled.has(slug);
    if (!fits || (mode === "parts") !== mapped.has(slug)) throw new Malformed(`originals of ${slug} that are not as case.json says`);
  }
  const named = new Set(file.credentials.map((each) => each.file));
  for (const name of payload)
    if (name.startsWith("data/credentials/") && !named.has(name)) throw new Malformed(`${name} is not named in case.json`);
}

function readProofs(bytes: Bytes): Proofs {
  const value = anyObject(parseCanonical(bytes, 64 * MIB));
  if (typeof value.v === "number" && value.v !== 1) throw new LaterVersion(`proofs of version ${value.v}`);
  const proofs = proofsForm(value);
  const { consistency } = proofs;
  const sorted = consistency.every((each, index) => {
    const before = consistency[index - 1];
    return before === undefined || before.from < each.from || (before.from === each.from && before.to < each.to);
  });
  if (!sorted) throw new Malformed("consistency paths that are not sorted, each once");
  return { inclusion: new Map([...proofs.inclusion].map(([index, path]) => [Number(index), path])), consistency };
}
