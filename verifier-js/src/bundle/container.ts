/** The zip file (section 1): one byte string for each content, so each header is built again and compared. */
import { compare, decodeUtf8, equal, utf8, type Bytes } from "../base/bytes.ts";
import { Malformed } from "../base/errors.ts";
import { path } from "../events/digestRecord.ts";
import type { Source } from "./source.ts";

const MOST_MEMBERS = 20_000;
const LONGEST = 0xffffffff;
const LONGEST_NAME = 1024;
const END = 22;

export interface Member {
  name: string;
  crc: number;
  size: number;
  /** Where its data begin. */
  offset: number;
}

/** The members of a bundle, in order. */
export function readContainer(source: Source): Member[] {
  if (source.size > LONGEST) throw new Malformed("a file of more than 4,294,967,295 bytes");
  if (source.size < END) throw new Malformed("a file that is too short for a zip file");
  const { count, size, offset } = readEnd(source);
  const directory = source.read(offset, size);
  const members: Member[] = [];
  let at = 0;
  let next = 0;
  for (let index = 0; index < count; index++) {
    const { member, length } = readCentral(directory, at, next);
    demandLocal(source, member, next, offset);
    demandOrder(members.at(-1), member);
    members.push(member);
    at += length;
    next = member.offset + member.size;
  }
  if (at !== directory.length || next !== offset) throw new Malformed("a zip file with bytes that belong to no member");
  demandNoTwins(members);
  return members;
}

function fields(...pairs: [width: 2 | 4, value: number][]): Bytes {
  const view = new DataView(new ArrayBuffer(pairs.reduce((sum, [width]) => sum + width, 0)));
  let at = 0;
  for (const [width, value] of pairs) {
    if (width === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += width;
  }
  return new Uint8Array(view.buffer);
}

function view(bytes: Bytes): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function readEnd(source: Source): { count: number; size: number; offset: number } {
  const bytes = source.read(source.size - END, END);
  const found = view(bytes);
  const [count, size, offset] = [found.getUint16(10, true), found.getUint32(12, true), found.getUint32(16, true)];
  if (!equal(bytes, fields([4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, size], [4, offset], [2, 0])))
    throw new Malformed("the file does not end in a plain zip directory record (is it whole, was anything added?)");
  if (count > MOST_MEMBERS) throw new Malformed(`a zip file of more than ${MOST_MEMBERS} members`);
  if (offset + size !== source.size - END) throw new Malformed("a zip directory that is not where its record says");
  return { count, size, offset };
}

function readCentral(directory: Bytes, at: number, local: number): { member: Member; length: number } {
  const head = directory.subarray(at, at + 46);
  if (head.length < 46) throw new Malformed("a zip directory that ends early");
  const found = view(head);
  const [crc, size, nameLength] = [found.getUint32(16, true), found.getUint32(24, true), found.getUint16(28, true)];
  const raw = directory.subarray(at + 46, at + 46 + nameLength);
  const expected = fields(
    [4, 0x02014b50], [2, 0x0314], [2, 20], [2, 0x0800], [2, 0], [2, 0], [2, 0x0021], [4, crc], [4, size], [4, size], [2, nameLength],
    [2, 0], [2, 0], [2, 0], [2, 0], [4, 0x81a40000], [4, local],
  );
  if (!equal(head, expected) || raw.length !== nameLength) throw new Malformed("a zip directory entry of another form");
  if (nameLength > LONGEST_NAME) throw new Malformed("a member name of more than 1,024 bytes");
  const name = path(decodeUtf8(raw));
  return { member: { name, crc, size, offset: local + 30 + nameLength }, length: 46 + nameLength };
}

function demandLocal(source: Source, member: Member, at: number, end: number): void {
  const name = utf8(member.name);
  if (member.offset + member.size > end) throw new Malformed("a member that reaches into the zip directory");
  const head = source.read(at, 30 + name.length);
  const { crc, size } = member;
  const fixed = fields(
    [4, 0x04034b50], [2, 20], [2, 0x0800], [2, 0], [2, 0], [2, 0x0021], [4, crc], [4, size], [4, size], [2, name.length], [2, 0],
  );
  if (!equal(head.subarray(0, 30), fixed) || !equal(head.subarray(30), name)) throw new Malformed(`the local header of ${member.name} is of another form`);
}

function demandOrder(before: Member | undefined, member: Member): void {
  if (before !== undefined && compare(utf8(before.name), utf8(member.name)) >= 0) throw new Malformed("members that are not in ascending order of their names");
}

function demandNoTwins(members: Member[]): void {
  const folded = new Set(members.map((member) => foldCase(member.name)));
  if (folded.size !== members.length) throw new Malformed("two member names that differ in their case alone");
}

/** Two texts are folded alike exactly if they are equal under Unicode default case folding. */
export function foldCase(text: string): string {
  return [...text].map((letter) => (letter === "ı" ? letter : letter.toLowerCase().toUpperCase().toLowerCase())).join("");
}
