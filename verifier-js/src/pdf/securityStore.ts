/** What a document encloses about revocation: the last `DSS` (ISO 32000-2, 12.8.4.3; Signed files 5.2, number 8). */
import type { Bytes } from "../base/bytes.ts";
import { dictionaryOf, ownArray } from "./objects.ts";
import { demand } from "./refusal.ts";
import type { Objects } from "./revisions.ts";
import { referenced, type Dictionary, type Value } from "./values.ts";

const MOST = 64;

export interface Enclosures {
  lists: Bytes[];
  answers: Bytes[];
}

export function enclosuresOf(objects: Objects, store: Value | undefined): Enclosures {
  if (store === undefined) return { lists: [], answers: [] };
  const members = dictionaryOf(objects, store, "the security store");
  return { lists: streamsOf(objects, members, "CRLs"), answers: streamsOf(objects, members, "OCSPs") };
}

/** As they stand there: nothing is unpacked, and what is no reference to a stream says nothing. */
function streamsOf(objects: Objects, store: Dictionary, key: string): Bytes[] {
  if (!store.has(key)) return [];
  const streams = new Map<number, string>();
  for (const item of ownArray(store, key).items) {
    const number = referenced(item);
    const stream = number === undefined ? undefined : objects.get(number)?.stream;
    if (stream !== undefined) streams.set(number!, stream);
    demand(streams.size <= MOST, "pdf.form", `more than ${MOST} ${key} in the security store`);
  }
  return [...streams.values()].map((stream) => Uint8Array.from(stream, (character) => character.charCodeAt(0)));
}
