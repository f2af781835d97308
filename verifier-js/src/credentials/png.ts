/** Where a PNG has its manifest store. */
import { equal, fromHex, type Bytes } from "../base/bytes.ts";
import { crc32 } from "../bundle/crc32.ts";
import { Failed } from "../base/errors.ts";
import { within } from "./open.ts";

const SIGNATURE = fromHex("89504e470d0a1a0a");
/** Types of chunks, as numbers: a file may have millions. */
const [STORE, HEADER, PICTURE, END] = [0x63614258, 0x49484452, 0x49444154, 0x49454e44];

export interface Place {
  store: Bytes;
  /** Of the chunk, with length, type and CRC. */
  start: number;
  length: number;
}

/** `Failed` where there is no store; what has another form than files of our making is not judged here. */
export function storeInPng(bytes: Bytes): Place {
  within(equal(bytes.subarray(0, 8), SIGNATURE), "a file that is no PNG");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let found: Place | undefined;
  let [first, last, pictured, ended] = [0, 0, false, false];
  for (let at = 8; at < bytes.length; ) {
    within(bytes.length - at >= 12, "a chunk that ends early");
    const length = view.getUint32(at);
    within(length <= bytes.length - at - 12, "a chunk that ends early");
    const type = view.getUint32(at + 4);
    within(view.getUint32(at + 8 + length) === crc32(bytes.subarray(at + 4, at + 8 + length)), "a chunk with another checksum");
    if (type === STORE) {
      within(found === undefined, "two stores");
      within(!pictured, "a store behind the picture");
      found = { store: bytes.subarray(at + 8, at + 8 + length), start: at, length: length + 12 };
    }
    within(!ended, "a chunk behind the end");
    if (at === 8) first = type;
    [last, pictured, ended] = [type, pictured || type === PICTURE, type === END];
    at += length + 12;
  }
  within(first === HEADER && last === END, "a picture without its head or end");
  if (found === undefined) throw new Failed("the file has no Content Credential");
  return found;
}
