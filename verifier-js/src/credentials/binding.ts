/** The hash by which a manifest is bound to its file: of all bytes but its own store (Signed files 2, number 6). */
import { concat, equal, type Bytes } from "../base/bytes.ts";
import { Failed } from "../base/errors.ts";
import { sha256 } from "../base/hashes.ts";
import { BINDING } from "./assertions.ts";
import { bytesOf, decodeItem, listOf, mapWith, textOf } from "./items.ts";
import { onlyContent } from "./jumbf.ts";
import type { Manifest } from "./manifest.ts";
import { within } from "./open.ts";
import type { Place } from "./png.ts";

/** `Failed` unless the data hash leaves out the store alone, and is that of the other bytes. */
export function demandBinding(bytes: Bytes, { start, length }: Place, { assertions }: Manifest): void {
  const found = assertions.get(BINDING);
  within(found !== undefined, "a file that is bound in another way, or not at all");
  if (!found.created) throw new Failed("claim.hardBindings.missing: the signer did not make the binding himself");
  const members = mapWith(decodeItem(onlyContent(found.box, "cbor")), "exclusions", "name", "alg", "hash", "pad", "pad2");
  within(members.get("alg") === "sha256", "a binding by something else than SHA-256");
  if (members.has("name")) textOf(members.get("name"));
  for (const pad of ["pad", "pad2"]) if (members.has(pad)) within(bytesOf(members.get(pad)).every((byte) => byte === 0), "padding that is not zero");
  const [range, ...others] = listOf(members.get("exclusions")).map((each) => mapWith(each, "start", "length"));
  if (range === undefined || others.length > 0 || range.get("start") !== start || range.get("length") !== length) throw new Failed("binding.exclusion: something else than the store is left out");
  const hash = sha256(concat(bytes.subarray(0, start), bytes.subarray(start + length)));
  if (!equal(hash, bytesOf(members.get("hash")))) throw new Failed("assertion.dataHash.mismatch: the file is not the one that was signed");
}
