/** CBOR in deterministic encoding (Values 10): a reader that accepts nothing else, so bytes need not be compared. */
import { compare, decodeUtf8, type Bytes } from "./bytes.ts";
import { Malformed } from "./errors.ts";

export type Cbor = number | null | boolean | string | Bytes | Cbor[] | CborMap | Tagged;
export type CborMap = Map<number | string, Cbor>;

export class Tagged {
  readonly tag: number;
  readonly value: Cbor;

  constructor(tag: number, value: Cbor) {
    this.tag = tag;
    this.value = value;
  }
}

const DEEPEST = 16;

/** The one item that these bytes are. */
export function decodeCbor(bytes: Bytes): Cbor {
  const reader = new Reader(bytes);
  const item = reader.item(0);
  if (reader.at !== bytes.length) throw new Malformed("something follows the CBOR item");
  return item;
}

class Reader {
  readonly bytes: Bytes;
  at = 0;

  constructor(bytes: Bytes) {
    this.bytes = bytes;
  }

  item(depth: number): Cbor {
    if (depth > DEEPEST) throw new Malformed("CBOR that is too deep");
    const first = this.take(1)[0]!;
    const major = first >> 5;
    if (major === 7) return simple(first);
    const argument = this.argument(first & 31);
    switch (major) {
      case 0: return argument;
      case 1: return -1 - argument;
      case 2: return this.take(argument);
      case 3: return decodeUtf8(this.take(argument));
      case 4: return this.array(argument, depth);
      case 5: return this.map(argument, depth);
      default: return this.tagged(argument, depth);
    }
  }

  private argument(short: number): number {
    if (short < 24) return short;
    if (short > 27) throw new Malformed("CBOR of indefinite length");
    const width = 1 << (short - 24);
    const value = this.take(width).reduce((sum, byte) => sum * 256 + byte, 0);
    const shortest = width === 1 ? 24 : 2 ** (4 * width);
    if (value < shortest) throw new Malformed("CBOR that is not the shortest form");
    if (!Number.isSafeInteger(value)) throw new Malformed("a CBOR integer of 2^53 or more");
    return value;
  }

  private array(count: number, depth: number): Cbor[] {
    const items: Cbor[] = [];
    while (items.length < count) items.push(this.item(depth + 1));
    return items;
  }

  private map(count: number, depth: number): CborMap {
    const map: CborMap = new Map();
    let last: Bytes | undefined;
    for (let index = 0; index < count; index++) {
      const start = this.at;
      const key = this.item(depth + 1);
      if (typeof key !== "number" && typeof key !== "string") throw new Malformed("a CBOR label that is no integer or text");
      const written = this.bytes.subarray(start, this.at);
      if (last !== undefined && compare(last, written) >= 0) throw new Malformed("CBOR labels that are not in ascending order");
      last = written;
      map.set(key, this.item(depth + 1));
    }
    return map;
  }

  private tagged(tag: number, depth: number): Tagged {
    if (tag !== 18) throw new Malformed(`CBOR tag ${tag}`);
    return new Tagged(tag, this.item(depth + 1));
  }

  private take(count: number): Bytes {
    if (count > this.bytes.length - this.at) throw new Malformed("CBOR that ends early");
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }
}

function simple(first: number): Cbor {
  if (first === 0xf4) return false;
  if (first === 0xf5) return true;
  if (first === 0xf6) return null;
  throw new Malformed("a CBOR value that is none of this profile");
}

/** The head of an item: major type and argument. */
function head(major: number, argument: number): number[] {
  if (argument < 24) return [(major << 5) | argument];
  if (argument < 0x100) return [(major << 5) | 24, argument];
  if (argument < 0x10000) return [(major << 5) | 25, argument >> 8, argument & 255];
  return [(major << 5) | 26, ...[24, 16, 8, 0].map((shift) => (argument >>> shift) & 255)];
}

export const bytesHead = (length: number): Bytes => Uint8Array.from(head(2, length));
export const textHead = (length: number): Bytes => Uint8Array.from(head(3, length));
