/** Proofs by the map (Map 2 to 4). */
import { concat, equal, fromBase64, u64, utf8, type Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import { anyText, integer, list, record, type Form, type Of } from "../base/forms.ts";
import { sha256 } from "../base/hashes.ts";
import type { Relation } from "./about.ts";

const hash: Form<Bytes> = (value) => {
  const found = fromBase64(anyText(value), 32);
  if (found.length !== 32) throw new Malformed("a hash that does not have 32 bytes");
  return found;
};

const bit = integer(0, 255);
const turn: Form<{ bit: number; hash: Bytes }> = (value) => {
  if (!Array.isArray(value) || value.length !== 2) throw new Malformed("not a pair of bit and hash");
  return { bit: bit(value[0]!), hash: hash(value[1]!) };
};

const leafForm = record({ key: hash, count: integer(1), chain: hash, path: list(0, 256, turn) });
export type MapLeaf = Of<typeof leafForm>;
/** None for the map without leaves. */
export type MapProof = MapLeaf | null;

export const proofForm: Form<MapProof> = (value) => {
  if (value === null) return null;
  const found = leafForm(value);
  if (found.path.some((each, index) => index > 0 && found.path[index - 1]!.bit >= each.bit)) throw new Malformed("a path whose bits do not ascend");
  return found;
};

const labelled = (label: string, ...parts: Bytes[]): Bytes => sha256(concat(utf8(`tallystick/map/${label}\n`), ...parts));
const EMPTY = labelled("empty");

export function keyOf(relation: Relation, text: string): Bytes {
  return labelled("key", utf8(`${relation}\n${text}`));
}

/** The chain over these entries, by ascending index. */
export function chainOf(entries: { position: number; leaf: Bytes }[]): Bytes {
  return entries.reduce<Bytes>((chain, { position, leaf }) => labelled("link", chain, u64(BigInt(position)), leaf), new Uint8Array(32));
}

export function leafHash({ key, count, chain }: Omit<MapLeaf, "path">): Bytes {
  return labelled("leaf", key, u64(BigInt(count)), chain);
}

export function mapNode(at: number, left: Bytes, right: Bytes): Bytes {
  return labelled("node", Uint8Array.of(at), left, right);
}

export function bitOf(key: Bytes, place: number): number {
  return (key[place >> 3]! >> (7 - (place & 7))) & 1;
}

/** Count and chain of this history; a count of 0 where it is absent. `Failed` where the proof does not hold. */
export function verifyMapProof(proof: MapProof, root: Bytes, relation: Relation, text: string): { count: number; chain: Bytes } {
  const absent = { count: 0, chain: new Uint8Array(32) };
  if (proof === null) {
    if (!equal(root, EMPTY)) throw new Failed("the map is not without leaves");
    return absent;
  }
  const key = keyOf(relation, text);
  let found = leafHash(proof);
  for (const { bit: place, hash: sibling } of [...proof.path].reverse()) {
    if (bitOf(key, place) !== bitOf(proof.key, place)) throw new Failed("the proof is of another key");
    found = bitOf(key, place) === 1 ? mapNode(place, sibling, found) : mapNode(place, found, sibling);
  }
  if (!equal(found, root)) throw new Failed("the proof leads to another root");
  return equal(proof.key, key) ? { count: proof.count, chain: proof.chain } : absent;
}
