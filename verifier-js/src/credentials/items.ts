/** CBOR of Content Credentials: definite lengths, keys of any order, each once; tags 0, 1 and 18. Anything else is not judged here. */
import { decodeUtf8, type Bytes } from "../base/bytes.ts";
import { Failed } from "../base/errors.ts";
import { Open } from "./open.ts";

export class Tag {
  readonly tag: number;
  readonly value: Item;

  constructor(tag: number, value: Item) {
    this.tag = tag;
    this.value = value;
  }
}
export type Item = number | boolean | null | string | Bytes | Item[] | ItemMap | Tag;
export type ItemMap = Map<number | string, Item>;

const DEEPEST = 16;
const LONGEST = 4 << 20;
const TAGS = [0, 1, 18];

/** The one item that these bytes are. */
export function decodeItem(bytes: Bytes): Item {
  if (bytes.length > LONGEST) throw new Open("CBOR of more than 4 MiB");
  const cursor = { bytes, at: 0 };
  const item = read(cursor, 0);
  if (cursor.at !== bytes.length) throw new Open("something follows a CBOR item");
  return item;
}

interface Cursor {
  bytes: Bytes;
  at: number;
}

function take(cursor: Cursor, count: number): Bytes {
  if (count > cursor.bytes.length - cursor.at) throw new Open("CBOR that ends early");
  cursor.at += count;
  return cursor.bytes.subarray(cursor.at - count, cursor.at);
}

function argument(cursor: Cursor, short: number): number {
  if (short < 24) return short;
  if (short > 27) throw new Open("CBOR of indefinite length");
  const width = 1 << (short - 24);
  const value = take(cursor, width).reduce((sum, byte) => sum * 256 + byte, 0);
  if (value < (width === 1 ? 24 : 2 ** (4 * width)) || !Number.isSafeInteger(value)) throw new Open("CBOR with another integer than the shortest");
  return value;
}

function read(cursor: Cursor, depth: number): Item {
  if (depth > DEEPEST) throw new Open("CBOR that is too deep");
  const first = take(cursor, 1)[0]!;
  const major = first >> 5;
  if (major === 7) return simple(first);
  const count = argument(cursor, first & 31);
  switch (major) {
    case 0: return count;
    case 1: return -1 - count;
    case 2: return take(cursor, count);
    case 3: return decodeUtf8(take(cursor, count));
    case 4: return list(cursor, count, depth);
    case 5: return map(cursor, count, depth);
    default: return tagged(cursor, count, depth);
  }
}

function simple(first: number): Item {
  if (first === 0xf4) return false;
  if (first === 0xf5) return true;
  if (first === 0xf6) return null;
  throw new Open("a CBOR value that is not judged here");
}

function list(cursor: Cursor, count: number, depth: number): Item[] {
  const items: Item[] = [];
  while (items.length < count) items.push(read(cursor, depth + 1));
  return items;
}

function map(cursor: Cursor, count: number, depth: number): ItemMap {
  const found: ItemMap = new Map();
  for (let index = 0; index < count; index++) {
    const key = read(cursor, depth + 1);
    if (typeof key !== "number" && typeof key !== "string") throw new Open("a CBOR key that is neither text nor an integer");
    if (found.has(key)) throw new Failed("one key twice in a map");
    found.set(key, read(cursor, depth + 1));
  }
  return found;
}

function tagged(cursor: Cursor, tag: number, depth: number): Tag {
  if (!TAGS.includes(tag)) throw new Open(`CBOR tag ${tag}`);
  return new Tag(tag, read(cursor, depth + 1));
}

/** A map with text keys, none but these; others are not judged here. */
export function mapWith(item: Item | undefined, ...known: string[]): ItemMap {
  if (!(item instanceof Map)) throw new Open("no map where one belongs");
  for (const key of item.keys()) if (typeof key !== "string" || !known.includes(key)) throw new Open(`the member ${String(key)}`);
  return item;
}

export function textOf(item: Item | undefined): string {
  if (typeof item !== "string") throw new Open("no text where it belongs");
  return item;
}

export function listOf(item: Item | undefined): Item[] {
  if (!Array.isArray(item)) throw new Open("no list where one belongs");
  return item;
}

export function bytesOf(item: Item | undefined): Bytes {
  if (!(item instanceof Uint8Array)) throw new Open("no bytes where they belong");
  return item;
}
