/** Parts of an original (section 3): which pieces are here, and the subtrees of the others. */
import { fromHex, type Bytes } from "../base/bytes.ts";
import { compare, utf8 } from "../base/bytes.ts";
import { LaterVersion, Malformed } from "../base/errors.ts";
import { anyObject, hexOf, integer, list, oneOf, record, text, type Of } from "../base/forms.ts";
import { leaf, node } from "../base/hashes.ts";
import { encode, parseCanonical } from "../base/json.ts";
import { listedFile, type ListedFile } from "../events/digestRecord.ts";

const LONGEST = 256 << 20;
const MOST_PIECES = 8_589_934_592;

const runForm = record(
  { first: integer(), count: integer(1, MOST_PIECES) },
  { nodes: list(1, 80, hexOf(32)), lines: list(1, 1_000_000, listedFile), reason: text(1, 400) },
);
const form = record({ v: oneOf(1), form: oneOf("file", "folder"), count: integer(1, MOST_PIECES), runs: list(1, 20_000, runForm) });
export type Run = Of<typeof runForm>;
export type PartsMap = Of<typeof form>;

export function isHere(run: Run): boolean {
  return run.nodes === undefined;
}

/** Sizes of the complete subtrees of `count` pieces from `first` on. */
function subtrees(first: number, count: number): number[] {
  const sizes: number[] = [];
  for (let at = first; at < first + count; at += sizes.at(-1)!) {
    let size = 1;
    while (at % (2 * size) === 0 && at + 2 * size <= first + count) size *= 2;
    sizes.push(size);
  }
  return sizes;
}

/** `members`: the names under `originals/<slug>/`. */
export function parseParts(bytes: Bytes, members: string[]): PartsMap {
  const value = anyObject(parseCanonical(bytes, LONGEST));
  if (typeof value.v === "number" && value.v !== 1) throw new LaterVersion(`a map of parts of version ${value.v}`);
  const found = form(value);
  demandRuns(found);
  demandMembers(found, members);
  return found;
}

function demandRuns({ form, count, runs }: PartsMap): void {
  let next = 0;
  let last: ListedFile | undefined;
  runs.forEach((run, index) => {
    if (run.first !== next) throw new Malformed("runs that do not follow one another");
    next += run.count;
    if ((form === "folder" && isHere(run)) !== (run.lines !== undefined)) throw new Malformed("lines stand exactly in the runs of a folder that are here");
    if (isHere(run) && run.reason !== undefined) throw new Malformed("a reason for what is not withheld");
    if (isHere(run) && index > 0 && isHere(runs[index - 1]!)) throw new Malformed("two runs that are here are neighbours");
    if (run.nodes !== undefined && run.nodes.length !== subtrees(run.first, run.count).length) throw new Malformed("a withheld run with another number of subtrees");
    if (run.lines !== undefined && run.lines.length !== run.count) throw new Malformed("a run of another number of lines");
    for (const line of run.lines ?? []) {
      if (last !== undefined && compare(utf8(last.path), utf8(line.path)) >= 0) throw new Malformed("lines that are not sorted by path");
      last = line;
    }
  });
  if (next !== count) throw new Malformed("runs that are not of every piece");
  if (!runs.some(isHere) || (form === "file" && runs.every(isHere))) throw new Malformed("no run is here, or all of a file");
}

export function chunksName({ first, count }: Run): string {
  return `chunks-${first}-${first + count - 1}`;
}

function demandMembers({ form, runs }: PartsMap, members: string[]): void {
  const known = new Set(form === "file" ? runs.filter(isHere).map(chunksName) : runs.flatMap((run) => run.lines ?? []).map((line) => line.path));
  if (members.some((name) => !known.has(name))) throw new Malformed("a part that the map does not have");
  const all = members.length === known.size;
  if (form === "file" ? !all : all && runs.every(isHere)) throw new Malformed("parts that are not those of the map");
}

/** Root of the tree over runs in order; `leaves` gives the leaf hashes of one that is here. */
export function rootOf({ runs }: PartsMap, leaves: (run: Run) => Iterable<Bytes>): Bytes {
  const peaks: { hash: Bytes; first: number; size: number }[] = [];
  const put = (hash: Bytes, first: number, size: number): void => {
    let peak = { hash, first, size };
    for (let left = peaks.at(-1); left !== undefined && left.size === peak.size && left.first % (2 * left.size) === 0; left = peaks.at(-1)) {
      peaks.pop();
      peak = { hash: node(left.hash, peak.hash), first: left.first, size: 2 * left.size };
    }
    peaks.push(peak);
  };
  for (const run of runs) {
    let at = run.first;
    const sizes = run.nodes === undefined ? undefined : subtrees(run.first, run.count);
    let place = 0;
    for (const hash of run.nodes?.map((each) => fromHex(each)) ?? leaves(run)) {
      const size = sizes?.[place++] ?? 1;
      put(hash, at, size);
      at += size;
    }
  }
  return peaks.map((peak) => peak.hash).reduceRight((right, left) => node(left, right));
}

export function lineLeaf({ path, sha256, size, sm3 }: ListedFile): Bytes {
  return leaf(utf8(encode({ path, sha256, size, sm3 })));
}
