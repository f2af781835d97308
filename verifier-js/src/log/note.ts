/** Signed notes and checkpoints (The log 4). */
import { base64, concat, decodeUtf8, fromBase64, fromHex, hex, utf8, type Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import { sha256 } from "../base/hashes.ts";

const LONGEST = 1 << 20;
const MOST_LINES = 64;

export interface SignatureLine {
  name: string;
  /** Four bytes, hex. */
  keyId: string;
  field: Bytes;
}

export interface Note {
  text: string;
  lines: SignatureLine[];
}

export interface Checkpoint extends Note {
  origin: string;
  size: bigint;
  root: Bytes;
}

/** A key as notes know it. */
export interface VerifierKey {
  name: string;
  keyId: string;
  type: number;
  key: Bytes;
}

export function parseNote(bytes: Bytes): Note {
  if (bytes.length > LONGEST) throw new Malformed("a note of more than 1 MiB");
  const whole = decodeUtf8(bytes);
  if (/[\u0000-\u0009\u000b-\u001f]/.test(whole)) throw new Malformed("a note with a control character");
  const split = whole.lastIndexOf("\n\n");
  if (split < 0 || !whole.endsWith("\n")) throw new Malformed("a note without text, empty line and signature lines");
  const lines = whole.slice(split + 2).split("\n").slice(0, -1);
  if (lines.length < 1 || lines.length > MOST_LINES) throw new Malformed("a note with no signature line, or more than 64");
  return { text: whole.slice(0, split + 1), lines: lines.map(parseLine) };
}

function parseLine(line: string): SignatureLine {
  const parts = line.split(" ");
  if (parts.length !== 3 || parts[0] !== "—") throw new Malformed("a signature line that is not — name base64");
  const [, name, value] = parts as [string, string, string];
  demandName(name);
  const bytes = fromBase64(value);
  if (bytes.length < 5) throw new Malformed("a signature line without signature");
  return { name, keyId: hex(bytes.subarray(0, 4)), field: bytes.subarray(4) };
}

/** A name holds no plus, no character with the property White_Space and none below U+0020. */
function demandName(name: string): void {
  if (name === "" || /[+\p{White_Space}\u0000-\u001f]/u.test(name)) throw new Malformed("a name that no signature line may have");
}

export function parseCheckpoint(bytes: Bytes): Checkpoint {
  const note = parseNote(bytes);
  const lines = note.text.split("\n");
  if (lines.length !== 4) throw new Malformed("a checkpoint whose text does not have three lines");
  const [origin, size, root] = lines as [string, string, string, string];
  if (origin === "") throw new Malformed("a checkpoint without origin");
  if (!/^(0|[1-9][0-9]{0,18})$/.test(size) || BigInt(size) > 1n << 63n) throw new Malformed("a checkpoint with another size than a number");
  const hash = fromBase64(root, 32);
  if (hash.length !== 32) throw new Malformed("a checkpoint whose root does not have 32 bytes");
  return { ...note, origin, size: BigInt(size), root: hash };
}

export function keyId(name: string, type: number, key: Bytes): string {
  return hex(sha256(concat(utf8(name), Uint8Array.of(0x0a, type), key)).subarray(0, 4));
}

export function parseVerifierKey(text: string): VerifierKey {
  const found = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/su.exec(text);
  if (found === null) throw new Malformed("a verifier key that is not name+id+key");
  const [, name, id, rest] = found as unknown as [string, string, string, string];
  demandName(name);
  const bytes = fromBase64(rest);
  if (bytes.length < 2) throw new Malformed("a verifier key without key");
  const type = bytes[0]!;
  const key = bytes.subarray(1);
  if (keyId(name, type, key) !== id) throw new Malformed("a verifier key with another key ID");
  fromHex(id, 4);
  return { name, keyId: id, type, key };
}

/** The signature field of the one line of this key, or none. */
export function lineOf(note: Note, key: VerifierKey): Bytes | undefined {
  const found = note.lines.filter((line) => line.name === key.name && line.keyId === key.keyId);
  if (found.length > 1) throw new Failed(`two signature lines of ${key.name} under one key`);
  return found[0]?.field;
}

export function describe(checkpoint: Checkpoint): string {
  return `a tree of ${checkpoint.size} entries with root ${base64(checkpoint.root)}`;
}
