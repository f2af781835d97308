/** Audits (Map 7): somebody else replayed the map, and signs what he found. */
import { concat, equal, fromBase64, utf8, type Bytes } from "../base/bytes.ts";
import { Malformed } from "../base/errors.ts";
import { makeKey, verify, type Key } from "../base/keys.ts";
import { lineOf, parseNote, type Note, type VerifierKey } from "../log/note.ts";
import { signedTime, UNASSIGNED } from "../log/signatures.ts";

const LABEL = "tallystick/map-audit/v1\n";
const HEADING = "tallystick map audit v1";
const LONGEST = 16 << 10;

export interface Audit {
  note: Note;
  origin: string;
  size: bigint;
  /** Root of the tree of the first `size` entries, and of the map of them. */
  tree: Bytes;
  root: Bytes;
}

export interface Auditor {
  name: string;
  verifier: VerifierKey;
  key: Key;
}

export function auditor(verifier: VerifierKey): Auditor {
  const label = utf8(LABEL);
  if (verifier.type !== UNASSIGNED || !equal(verifier.key.subarray(0, label.length), label)) throw new Malformed("an auditor's key of another type than ff");
  return { name: verifier.name, verifier, key: makeKey("ed25519", verifier.key.subarray(label.length)) };
}

export function parseAudit(bytes: Bytes): Audit {
  if (bytes.length > LONGEST) throw new Malformed("an audit of more than 16 KiB");
  const note = parseNote(bytes);
  const lines = note.text.split("\n");
  const [heading, origin, size, tree, root] = lines as [string, string, string, string, string];
  if (lines.length !== 6 || heading !== HEADING) throw new Malformed("an audit whose text does not have its five lines");
  if (!/^[!-*,-~]{1,200}$/.test(origin)) throw new Malformed("an audit of no origin");
  if (!/^(0|[1-9][0-9]{0,15})$/.test(size) || BigInt(size) > BigInt(Number.MAX_SAFE_INTEGER)) throw new Malformed("an audit with another size than a number");
  return { note, origin, size: BigInt(size), tree: hash(tree), root: hash(root) };
}

function hash(text: string): Bytes {
  const found = fromBase64(text, 32);
  if (found.length !== 32) throw new Malformed("an audit with a root that does not have 32 bytes");
  return found;
}

/** Unix seconds of this auditor's line, none where he has none; `Failed` where it does not verify. */
export function audited({ note }: Audit, by: Auditor): number | undefined {
  const field = lineOf(note, by.verifier);
  if (field === undefined) return undefined;
  const time = signedTime(field);
  verify(by.key, concat(utf8(`${LABEL}time ${time}\n`), utf8(note.text)), field.subarray(8));
  return Number(time);
}
