/** The keys of the log at a size (The log 6), and checkpoints under them. */
import { Failed } from "../base/errors.ts";
import { parseTime } from "../base/time.ts";
import { address, sameKey, type Key } from "../base/keys.ts";
import type { Role } from "../events/types.ts";
import { parseCheckpoint } from "../log/note.ts";
import { verifyLog, type CheckpointKeys } from "../log/signatures.ts";
import { admitted, type Examination, type Head } from "./examination.ts";

const GRACE = 300;

interface Rotation {
  position: number;
  since: string;
  role: Role;
  key: Key;
}

/** Rotations that count, by position: those of the trust file, and those that are shown and admitted. */
export function rotations(examination: Examination): Rotation[] {
  const named: Rotation[] = examination.log!.replaced;
  const last = named.at(-1)?.position ?? -1;
  const shown: Rotation[] = admitted(examination, "log.rotate").map(({ position, at, event }) =>
    ({ position, since: at, role: event.body.role, key: event.body.key }));
  for (const each of shown) {
    const same = named.find((other) => other.position === each.position);
    const fits = same !== undefined && same.role === each.role && sameKey(same.key, each.key) && same.since === each.since;
    if (each.position <= last && !fits) throw new Failed(`the replacement of a key at ${each.position} is not one that the trust file names`);
  }
  return [...named, ...shown.filter((each) => each.position > last)];
}

export function keysAt(examination: Examination, size: bigint): CheckpointKeys {
  const keys = { ...examination.log!.keys };
  for (const { position, role, key } of rotations(examination))
    if (BigInt(position) < size && role in keys) keys[role as keyof CheckpointKeys] = key;
  return keys;
}

/** Addresses that were the authority's at some size up to this one, hex. */
export function authoritiesUpTo(examination: Examination, size: number): string[] {
  const later = rotations(examination).filter(({ position, role }) => role === "authority" && position < size).map(({ key }) => key);
  return [examination.log!.keys.authority, ...later].map((key) => address(key.raw));
}

/** A checkpoint of the trusted log under the keys in force at its size. */
export function readHead(examination: Examination, bytes: Uint8Array): Head {
  const note = parseCheckpoint(bytes);
  const log = examination.log!;
  const time = verifyLog(note, log.origin, keysAt(examination, note.size));
  for (const { position, since, role } of rotations(examination))
    if (role in log.keys && BigInt(position) >= note.size && time > parseTime(since) + GRACE)
      throw new Failed(`a checkpoint that was signed after the replacement of a key at ${position}, under the retired key`);
  return { note, time };
}
