/** Revocation lists (RFC 5280, section 5): whom an issuer took back, and since when. */
import { equal, type Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import type { Certificate } from "./certificate.ts";
import { keyOf } from "./certificate.ts";
import { bits, demandTag, Fields, GENERALIZED_TIME, integer, INTEGER, parseDer, sequence, SEQUENCE, UTC_TIME, type Der } from "./der.ts";
import { signatureAlgorithm, verifyWith } from "./publicKey.ts";
import { timeOf } from "./times.ts";

interface RevocationList {
  tbs: Bytes;
  issuer: Bytes;
  from: number;
  until: number | undefined;
  revoked: { serial: bigint; since: number }[];
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

/** What the lists say, in the order of the path, and whether there is one of everybody but the root. */
export function saidByLists(path: Certificate[], lists: Bytes[]): { said: Said[]; silent: boolean } {
  const known = lists.map(readable).filter((each) => each !== undefined);
  const said = path.slice(0, -1).map((certificate, place) => {
    const issuer = path[place + 1]!;
    return known.filter((list) => isSignedBy(list, issuer)).map(({ from, until, revoked }) => (
      { of: certificate.name, by: issuer.name, from, until, revoked: revoked.find((each) => each.serial === certificate.serial)?.since }));
  });
  return { said: said.flat(), silent: said.some((each) => each.length === 0) };
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
  fields.optional(0xa0);
  fields.end();
  if (!equal(inner.raw, algorithm.raw)) throw new Malformed("a revocation list that names two signature algorithms");
  return { tbs: tbs.raw, issuer, from, until: next === undefined ? undefined : timeOf(next), revoked: revoked.map(revocation), algorithm, signature: bits(signature) };
}

function demandTime(value: Der | undefined): number {
  if (value === undefined) throw new Malformed("a revocation list without a time");
  return timeOf(value);
}

function revocation(value: Der): { serial: bigint; since: number } {
  const [serial, since] = sequence(value);
  return { serial: integer(serial), since: demandTime(since) };
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
