/** Which member has a place in the case, and how long it may be (section 3). */
import { Malformed } from "../base/errors.ts";
import { parseIdentifier } from "../base/identifiers.ts";
import type { Bag } from "./bag.ts";
import type { CaseFile } from "./case.ts";
import { INDEX, MOST_ENTRIES } from "./indexes.ts";

export const CHECKPOINT = "data/log/checkpoint";
export const PROOFS = "data/log/proofs.json";
export const ENTRIES = new RegExp(`^data/entries/${INDEX}\\.cose$`);
export const DISCLOSURES = new RegExp(`^data/disclosures/${INDEX}\\.json$`);
/** Entries that a history has and the case does not show. */
export const ASIDE = new RegExp(`^data/map/entries/${INDEX}\\.cose$`);

const KIB = 1 << 10;
const MIB = 1 << 20;
const LONGEST_ENTRY = 65_535;
const UNBOUNDED = Infinity;
const LONGEST_TOGETHER = 512 * MIB;
const LONGEST_DISCLOSURES_TOGETHER = 64 * MIB;
const APART = /^data\/(?:originals|credentials|platform|report)\//;

/** Every member has a place, every place that is promised has its member, and all have at most their lengths. */
export function demandPlaces(bag: Bag, file: CaseFile): void {
  const promised = promises(file);
  for (const name of promised.keys()) if (!bag.members.has(name)) throw new Malformed(`the case does not have ${name}`);
  const free = freePlaces(file);
  for (const name of bag.payload()) {
    const most = promised.get(name) ?? free(name);
    if (most === undefined) throw new Malformed(`${name} has no place in the case`);
    if (bag.size(name) > most) throw new Malformed(`${name} is longer than ${most} bytes`);
  }
  demandEntries(bag);
  demandTogether(bag);
  demandOriginals(bag, file);
}

/** Members that must be there, and how long they may be. */
function promises({ anchors, timestamps = [], map, originals, platform = [], report = [], revocation = [] }: CaseFile): Map<string, number> {
  const parts = originals.filter((each) => each.mode === "parts").map((each) => parseIdentifier(each.object).slug);
  return new Map<string, number>([
    ["data/case.json", 16 * MIB], ["data/ro-crate-metadata.json", 256 * MIB], [CHECKPOINT, MIB], [PROOFS, 64 * MIB],
    ...anchors.flatMap((n): [string, number][] => [[`data/anchors/${n}/proof.json`, 256 * KIB], [`data/anchors/${n}/checkpoint`, MIB]]),
    ...timestamps.flatMap((n): [string, number][] => [[`data/timestamps/${n}/token.tst`, 64 * KIB], [`data/timestamps/${n}/checkpoint`, MIB]]),
    ...(map === undefined ? [] : [["data/map/proofs.json", 64 * MIB] as [string, number]]),
    ...(map?.audits ?? []).map((n): [string, number] => [`data/map/audits/${n}.note`, 16 * KIB]),
    ...parts.map((slug): [string, number] => [`data/parts/${slug}.json`, 256 * MIB]),
    ...platform.map((digest): [string, number] => [`data/platform/${digest}`, UNBOUNDED]),
    ...report.map((name): [string, number] => [name, UNBOUNDED]),
    ...revocation.map((name): [string, number] => [name, MIB]),
  ]);
}

/** How long a member may be that need not be there; nothing where it has no place. */
function freePlaces({ originals, credentials, map }: CaseFile): (name: string) => number | undefined {
  const slugs = new Set(originals.map((each) => parseIdentifier(each.object).slug));
  const inParts = new Set(originals.filter((each) => each.mode === "parts").map((each) => parseIdentifier(each.object).slug));
  const files = new Set(credentials.map((each) => each.file));
  return (name) => {
    if (ENTRIES.test(name) || (map !== undefined && ASIDE.test(name))) return LONGEST_ENTRY;
    if (DISCLOSURES.test(name)) return 8 * MIB;
    if (files.has(name)) return 256 * MIB;
    const listed = /^data\/contents\/([^/]+)\.json$/.exec(name)?.[1];
    if (listed !== undefined) return slugs.has(listed) && !inParts.has(listed) ? 256 * MIB : undefined;
    const shown = /^data\/originals\/([^/]+)\/./.exec(name)?.[1];
    return shown !== undefined && slugs.has(shown) ? UNBOUNDED : undefined;
  };
}

function demandEntries(bag: Bag): void {
  const count = bag.payload().filter((name) => ENTRIES.test(name)).length;
  if (count < 1 || count > MOST_ENTRIES) throw new Malformed(`a case with ${count} entries`);
}

function demandTogether(bag: Bag): void {
  const size = (names: string[]): number => names.reduce((sum, name) => sum + bag.size(name), 0);
  if (size(bag.payload().filter((name) => !APART.test(name))) > LONGEST_TOGETHER) throw new Malformed("a case of more than 512 MiB beside its files");
  if (size(bag.payload().filter((name) => DISCLOSURES.test(name))) > LONGEST_DISCLOSURES_TOGETHER) throw new Malformed("disclosures of more than 64 MiB");
}

/** Mode `included` has a file at least, `digests` none; of `parts` the map says which. */
function demandOriginals(bag: Bag, { originals }: CaseFile): void {
  const shown = originalsOf(bag);
  for (const { object, mode } of originals) {
    const isHere = shown.has(parseIdentifier(object).slug);
    if (mode !== "parts" && isHere !== (mode === "included")) throw new Malformed(`${object} is said to be ${mode}, and files of it are ${isHere ? "" : "not "}here`);
  }
}

/** Names of the members under `originals/<slug>/`, without that, by slug. */
export function originalsOf(bag: Bag): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const name of bag.payload()) {
    const [, slug, path] = /^data\/originals\/([^/]+)\/(.+)$/s.exec(name) ?? [];
    if (slug === undefined || path === undefined) continue;
    const names = found.get(slug) ?? [];
    names.push(path);
    found.set(slug, names);
  }
  return found;
}
