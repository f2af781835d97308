/** Where a PNG has its manifest store. */
import { bigEndian, equal, fromHex, hex, type Bytes } from "../base/bytes.ts";
import { crc32 } from "../bundle/crc32.ts";
import { Failed } from "../base/errors.ts";
import { within } from "./open.ts";

const SIGNATURE = fromHex("89504e470d0a1a0a");
const STORE = "63614258";
const HEADER = "49484452";
const PICTURE = "49444154";
const END = "49454e44";

export interface Place {
  store: Bytes;
  /** Of the chunk, with length, type and CRC. */
  start: number;
  length: number;
}

/** `Failed` where there is no store; what has another form than files of our making is not judged here. */
export function storeInPng(bytes: Bytes): Place {
  within(equal(bytes.subarray(0, 8), SIGNATURE), "a file that is no PNG");
  const types: string[] = [];
  let found: Place | undefined;
  for (let at = 8; at < bytes.length; ) {
    within(bytes.length - at >= 12, "a chunk that ends early");
    const length = Number(bigEndian(bytes.subarray(at, at + 4)));
    within(length <= bytes.length - at - 12, "a chunk that ends early");
    const type = hex(bytes.subarray(at + 4, at + 8));
    within(Number(bigEndian(bytes.subarray(at + 8 + length, at + 12 + length))) === crc32(bytes.subarray(at + 4, at + 8 + length)), "a chunk with another checksum");
    if (type === STORE) {
      within(found === undefined, "two stores");
      within(!types.includes(PICTURE), "a store behind the picture");
      found = { store: bytes.subarray(at + 8, at + 8 + length), start: at, length: length + 12 };
    }
    types.push(type);
    at += length + 12;
  }
  within(types[0] === HEADER && types.at(-1) === END && types.indexOf(END) === types.length - 1, "a picture without its head or end");
  if (found === undefined) throw new Failed("the file has no Content Credential");
  return found;
}
