/** Boxes of a manifest store (ISO/IEC 19566-5): superboxes with a label, and boxes of content. */
import { bigEndian, binary, decodeUtf8, equal, fromHex, hex, type Bytes } from "../base/bytes.ts";
import { within } from "./open.ts";

const REST = "00110010800000aa00389b71";
const SUPERBOX = "6a756d62";
const DESCRIPTION = "6a756d64";
const DEEPEST = 8;
const MOST_BOXES = 8192;
/** It may be asked for, and has a label; then perhaps a salt, which goes into its hash. */
const LABELLED = 0x03;
const SALTED = 0x13;
const SALT = "63327368";
const SALT_SIZES = [16, 32];

export interface Box {
  /** Four characters: of a superbox those of its type. */
  type: string;
  /** None where it is a box of content. */
  label: string | undefined;
  /** What stands behind length and type: of a superbox with its description, which is what hashes are over. */
  content: Bytes;
  children: Box[];
}

/** The one superbox that these bytes are. */
export function parseStore(bytes: Bytes): Box {
  const [store, ...more] = parseBoxes(bytes, 0, { boxes: 0 });
  within(store !== undefined && more.length === 0, "a store that is not one box");
  return store;
}

function parseBoxes(bytes: Bytes, depth: number, count: { boxes: number }): Box[] {
  within(depth <= DEEPEST, "boxes that are too deep");
  const found: Box[] = [];
  for (let at = 0; at < bytes.length; ) {
    within(bytes.length - at >= 8 && ++count.boxes <= MOST_BOXES, "a box that ends early, or too many");
    const length = Number(bigEndian(bytes.subarray(at, at + 4)));
    within(length >= 8 && length <= bytes.length - at, "a box of a length that it cannot have");
    const type = hex(bytes.subarray(at + 4, at + 8));
    const content = bytes.subarray(at + 8, at + length);
    found.push(type === SUPERBOX ? superbox(content, depth, count) : { type: binary(bytes.subarray(at + 4, at + 8)), label: undefined, content, children: [] });
    at += length;
  }
  return found;
}

function superbox(content: Bytes, depth: number, count: { boxes: number }): Box {
  within(content.length >= 8 && hex(content.subarray(4, 8)) === DESCRIPTION, "a superbox without a description");
  const length = Number(bigEndian(content.subarray(0, 4)));
  within(length >= 26 && length <= content.length, "a description of a length that it cannot have");
  const description = content.subarray(8, length);
  within(equal(description.subarray(4, 16), fromHex(REST)) && (description[16] === LABELLED || description[16] === SALTED), "a box described in another way");
  const end = description.indexOf(0, 17);
  within(end > 17, "a description without a label");
  demandSalt(description.subarray(end + 1), description[16] === SALTED);
  const children = parseBoxes(content.subarray(length), depth + 1, count);
  within(children.every((each) => each.type !== "jumd"), "two descriptions");
  return { type: binary(description.subarray(0, 4)), label: decodeUtf8(description.subarray(17, end)), content, children };
}

function demandSalt(rest: Bytes, salted: boolean): void {
  if (!salted) return within(rest.length === 0, "a description with more than a label");
  within(SALT_SIZES.includes(rest.length - 8) && Number(bigEndian(rest.subarray(0, 4))) === rest.length && hex(rest.subarray(4, 8)) === SALT, "a description with something else than a salt");
}

/** Content of the one box in a superbox. */
export function onlyContent({ children }: Box, type: string): Bytes {
  const [only, ...more] = children;
  within(only !== undefined && more.length === 0 && only.label === undefined && only.type === type, `a box with something else than one ${type}`);
  return only.content;
}
