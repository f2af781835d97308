/** RLP (Ethereum yellow paper, appendix B): the shortest form alone. */
import { bigEndian, concat, type Bytes } from "../base/bytes.ts";
import { Malformed } from "../base/errors.ts";

const LONGEST = 1 << 20;
const DEEPEST = 8;

export class List {
  readonly items: Item[];
  /** Its encoding, whole. */
  readonly raw: Bytes;

  constructor(items: Item[], raw: Bytes) {
    this.items = items;
    this.raw = raw;
  }
}

export type Item = Bytes | List;

export function decodeRlp(bytes: Bytes): Item {
  if (bytes.length > LONGEST) throw new Malformed("RLP of more than 1 MiB");
  const { item, end } = read(bytes, 0, 0);
  if (end !== bytes.length) throw new Malformed("something follows the RLP item");
  return item;
}

function read(bytes: Bytes, at: number, depth: number): { item: Item; end: number } {
  const first = bytes[at];
  if (first === undefined) throw new Malformed("RLP that ends early");
  if (first < 0x80) return { item: bytes.subarray(at, at + 1), end: at + 1 };
  const list = first >= 0xc0;
  const { start, end } = extent(bytes, at, first - (list ? 0xc0 : 0x80));
  if (!list) {
    if (end - start === 1 && bytes[start]! < 0x80) throw new Malformed("RLP with a needless prefix");
    return { item: bytes.subarray(start, end), end };
  }
  if (depth >= DEEPEST) throw new Malformed("RLP lists that are too deep");
  const inside = bytes.subarray(0, end);
  const items: Item[] = [];
  for (let next = start; next < end; ) {
    const found = read(inside, next, depth + 1);
    items.push(found.item);
    next = found.end;
  }
  return { item: new List(items, bytes.subarray(at, end)), end };
}

function extent(bytes: Bytes, at: number, short: number): { start: number; end: number } {
  let start = at + 1;
  let length = short;
  if (short > 55) {
    const digits = bytes.subarray(start, start + short - 55);
    if (digits.length !== short - 55 || digits.length > 4) throw new Malformed("RLP with a length that is not there");
    length = Number(bigEndian(digits));
    if (digits[0] === 0 || length < 56) throw new Malformed("RLP with a length that is not in its shortest form");
    start += digits.length;
  }
  if (start + length > bytes.length) throw new Malformed("RLP that ends early");
  return { start, end: start + length };
}

/** A list of this many items, or of at least as many. */
export function listOf(item: Item, count: number, orMore = false): Item[] {
  if (!(item instanceof List)) throw new Malformed("RLP bytes where a list belongs");
  if (orMore ? item.items.length < count : item.items.length !== count) throw new Malformed(`an RLP list that does not have ${count} items`);
  return item.items;
}

/** Bytes, of this length where one is given. */
export function bytesOf(item: Item | undefined, length?: number): Bytes {
  if (item === undefined || item instanceof List) throw new Malformed("an RLP list where bytes belong");
  if (length !== undefined && item.length !== length) throw new Malformed(`RLP bytes that are not ${length}`);
  return item;
}

/** An integer of at most so many bytes. */
export function integerOf(item: Item | undefined, most: number): bigint {
  const bytes = bytesOf(item);
  if (bytes.length > most || bytes[0] === 0) throw new Malformed("an RLP integer that is too long or begins with zero");
  return bigEndian(bytes);
}

/** RLP of an integer below 2^53. */
export function encodeInteger(value: number): Bytes {
  if (value === 0) return Uint8Array.of(0x80);
  const digits: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256);
  return digits.length === 1 && value < 0x80 ? Uint8Array.of(value) : concat(Uint8Array.of(0x80 + digits.length), Uint8Array.from(digits));
}
