/** Revocation lists (RFC 5280, section 5): whom an issuer took back, and since when. */
import { equal, hex, type Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import type { Certificate } from "./certificate.ts";
import { keyOf } from "./certificate.ts";
import {
  bits, BOOLEAN, demandTag, explicit, Fields, GENERALIZED_TIME, integer, INTEGER, OCTET_STRING, oid, parseDer, sequence, SEQUENCE, UTC_TIME, type Der,
} from "./der.ts";
import { signatureAlgorithm, verifyWith } from "./publicKey.ts";
import { timeOf } from "./times.ts";

const REASON = "2.5.29.21";
/** removeFromCRL */
const REMOVED = "0a0108";

interface Entry {
  serial: bigint;
  since: number;
  extensions: Der | undefined;
}

interface RevocationList {
  tbs: Bytes;
  issuer: Bytes;
  from: number;
  until: number | undefined;
  revoked: Entry[];
  algorithm: Der;
  signature: Bytes;
}

/** What an issuer said of somebody on the path. */
export interface Said {
  of: string;
  by: string;
  /** Unix seconds: as of when it was said, when a newer word is due, since when he is revoked. */
  from: number;
  until: number | undefined;
  revoked: number | undefined;
}

/** What the lists say, in the order of the path, and whether of somebody but the root none says how it stood at `at`. */
export function saidByLists(path: Certificate[], lists: Bytes[], at: number): { said: Said[]; silent: boolean } {
  const known = lists.map(readable).filter((each) => each !== undefined);
  const said = path.slice(0, -1).map((certificate, place) => {
    const issuer = path[place + 1]!;
    return known.filter((list) => isSignedBy(list, issuer)).flatMap(({ from, until, revoked }) => {
      const entry = revoked.find((each) => each.serial === certificate.serial);
      return entry !== undefined && !speaksForItself(entry) ? [] : [{ of: certificate.name, by: issuer.name, from, until, revoked: entry?.since }];
    });
  });
  return { said: said.flat(), silent: said.some((each) => !each.some((one) => reaches(one, at))) };
}

/** An older word that was to be renewed before then does not tell how it stood. */
function reaches({ from, until, revoked }: Said, at: number): boolean {
  return revoked !== undefined || from >= at || (until !== undefined && until >= at);
}

function readable(bytes: Bytes): RevocationList | undefined {
  try {
    return parseList(bytes);
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

function parseList(bytes: Bytes): RevocationList {
  const [tbs, algorithm, signature, ...more] = sequence(parseDer(bytes));
  if (tbs === undefined || algorithm === undefined || more.length > 0) throw new Malformed("a revocation list of another number of parts than three");
  const fields = new Fields(sequence(tbs));
  const version = fields.optional(INTEGER);
  if (version !== undefined && integer(version) !== 1n) throw new Malformed("a revocation list of a version that is not known");
  const inner = demandTag(fields.next(), SEQUENCE);
  const issuer = demandTag(fields.next(), SEQUENCE).raw;
  const from = demandTime(fields.next());
  const next = fields.optional(UTC_TIME) ?? fields.optional(GENERALIZED_TIME);
  const revoked = fields.optional(SEQUENCE)?.children ?? [];
  const extensions = fields.optional(0xa0);
  fields.end();
  if (extensions !== undefined && extensionsOf(explicit(extensions, 0)).some(({ critical }) => critical)) throw new Malformed("a revocation list of some certificates or reasons alone");
  if (!equal(inner.raw, algorithm.raw)) throw new Malformed("a revocation list that names two signature algorithms");
  return { tbs: tbs.raw, issuer, from, until: next === undefined ? undefined : timeOf(next), revoked: revoked.map(revocation), algorithm, signature: bits(signature) };
}

function demandTime(value: Der | undefined): number {
  if (value === undefined) throw new Malformed("a revocation list without a time");
  return timeOf(value);
}

function revocation(value: Der): Entry {
  const [serial, since, extensions] = sequence(value);
  return { serial: integer(serial), since: demandTime(since), extensions };
}

/** That a certificate of this issuer is revoked; not of another's (critical), nor that it is so no more. */
function speaksForItself({ extensions }: Entry): boolean {
  try {
    return extensions === undefined || !extensionsOf(extensions).some(({ name, critical, value }) => critical || (name === REASON && hex(value) === REMOVED));
  } catch (error) {
    if (error instanceof Malformed) return false;
    throw error;
  }
}

/** What says whether it is critical is: DER leaves out that something is not. */
function extensionsOf(list: Der): { name: string; critical: boolean; value: Bytes }[] {
  const found = sequence(list).map((each) => {
    const fields = new Fields(sequence(each));
    const name = oid(fields.next());
    const critical = fields.optional(BOOLEAN) !== undefined;
    const value = demandTag(fields.next(), OCTET_STRING).content;
    fields.end();
    return { name, critical, value };
  });
  if (new Set(found.map(({ name }) => name)).size < found.length) throw new Malformed("a revocation list with one extension twice");
  return found;
}

function isSignedBy(list: RevocationList, issuer: Certificate): boolean {
  if (!equal(list.issuer, issuer.subject)) return false;
  try {
    const { kind, hash } = signatureAlgorithm(list.algorithm);
    const key = keyOf(issuer);
    if (hash === undefined || key.kind !== kind) return false;
    verifyWith(key, hash, list.tbs, list.signature);
    return true;
  } catch (error) {
    if (error instanceof Failed || error instanceof Malformed) return false;
    throw error;
  }
}
