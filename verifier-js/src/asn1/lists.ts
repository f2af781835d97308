/** Revocation lists (RFC 5280, section 5): whom an issuer took back, and since when. */
import { equal, hex, type Bytes } from "../base/bytes.ts";
import { Malformed } from "../base/errors.ts";
import { sha256 } from "../base/hashes.ts";
import { nameText, type Certificate } from "./certificate.ts";
import { demandTag, explicit, Fields, GENERALIZED_TIME, integer, INTEGER, parseDer, partsOf, sequence, SEQUENCE, signatureBits, UTC_TIME, type Der } from "./der.ts";
import { reasonOf, type Word } from "./revocation.ts";
import { areUnderstood, extensionsOf, isSignedBy, type Extension } from "./signed.ts";
import { timeOf } from "./times.ts";

const REASON = "2.5.29.21";
/** Of a change to another list, and of some certificates or reasons alone. */
const NARROWING = ["2.5.29.27", "2.5.29.28"];
const REMOVED = "removeFromCRL";
/** Bytes of the name of an algorithm, with parameters: those that are known are shorter. */
const LONGEST_ALGORITHM = 64;
const LONGEST_NAME = 4096;

interface Entry {
  serial: bigint;
  since: number;
  extensions: Extension[];
  reason: string | undefined;
}

/** A list of which nothing is read but who says that he signed it, and by what. */
interface Sealed {
  bytes: Bytes;
  tbs: Bytes;
  /** As text; none where it is long, and is read with the rest. */
  issuer: string | undefined;
  algorithm: Der;
  signature: Bytes;
}

interface RevocationList {
  sha256: string;
  issuer: string;
  from: number;
  until: number | undefined;
  revoked: Entry[];
}

/** What these lists say of a certificate of this issuer, in their order. */
export function saidByLists(lists: Bytes[]): (certificate: Certificate, issuer: Certificate) => Word[] {
  const known = lists.map((each) => readable(() => seal(each))).filter((each) => each !== undefined);
  const read = new Map<Sealed, RevocationList | undefined>();
  // Anybody can make one long: what nobody signed is not read.
  const readOnce = (list: Sealed): RevocationList | undefined => {
    if (!read.has(list)) read.set(list, readable(() => parseList(list.bytes)));
    return read.get(list);
  };
  return ({ serial }, issuer) => known.filter((list) => isOf(list, issuer)).map(readOnce).filter((each) => each !== undefined).filter((each) => each.issuer === issuer.name).flatMap(({ from, until, revoked, sha256 }) => {
    const entry = revoked.find((each) => each.serial === serial);
    return entry !== undefined && !speaksForItself(entry) ? [] : [{ by: issuer.name, form: "list" as const, from, until, revoked: entry?.since, reason: entry?.reason, sha256 }];
  });
}

function readable<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

function seal(bytes: Bytes): Sealed {
  const [tbs, algorithm, signature, ...more] = partsOf(bytes);
  if (tbs === undefined || algorithm === undefined || more.length > 0) throw new Malformed("a revocation list of another number of parts than three");
  if (algorithm.raw.length > LONGEST_ALGORITHM) throw new Malformed("a revocation list under an algorithm that is not known");
  const inner = partsOf(tbs.raw);
  const issuer = inner[inner[0]?.tag === INTEGER ? 2 : 1];
  if (issuer === undefined) throw new Malformed("a revocation list without an issuer");
  return { bytes, tbs: tbs.raw, issuer: issuer.raw.length > LONGEST_NAME ? undefined : nameText(parseDer(issuer.raw)), algorithm: parseDer(algorithm.raw), signature: signatureBits(signature) };
}

function parseList(bytes: Bytes): RevocationList {
  const [tbs, algorithm] = sequence(parseDer(bytes));
  const fields = new Fields(sequence(tbs));
  const version = fields.optional(INTEGER);
  if (version !== undefined && integer(version) !== 1n) throw new Malformed("a revocation list of a version that is not known");
  const inner = demandTag(fields.next(), SEQUENCE);
  const issuer = nameText(demandTag(fields.next(), SEQUENCE));
  const from = demandTime(fields.next());
  const next = fields.optional(UTC_TIME) ?? fields.optional(GENERALIZED_TIME);
  const revoked = fields.optional(SEQUENCE)?.children ?? [];
  const extensions = fields.optional(0xa0);
  fields.end();
  const told = extensions === undefined ? [] : extensionsOf(explicit(extensions, 0));
  if (!areUnderstood(told) || told.some(({ name }) => NARROWING.includes(name))) throw new Malformed("a revocation list of some certificates or reasons alone, or with one extension twice");
  if (!equal(inner.raw, algorithm!.raw)) throw new Malformed("a revocation list that names two signature algorithms");
  return { sha256: hex(sha256(bytes)), issuer, from, until: next === undefined ? undefined : timeOf(next), revoked: revoked.map(revocation) };
}

function demandTime(value: Der | undefined): number {
  if (value === undefined) throw new Malformed("a revocation list without a time");
  return timeOf(value);
}

function revocation(value: Der): Entry {
  const fields = new Fields(sequence(value));
  const serial = integer(fields.next());
  const since = demandTime(fields.next());
  const extensions = fields.optional(SEQUENCE);
  fields.end();
  const told = extensions === undefined ? [] : extensionsOf(extensions);
  const reason = told.find(({ name }) => name === REASON);
  return { serial, since, extensions: told, reason: reason === undefined ? undefined : reasonOf(reason.value) };
}

/** That a certificate of this issuer is revoked; not of another's (critical), nor that it is so no more. */
function speaksForItself({ extensions, reason }: Entry): boolean {
  return areUnderstood(extensions) && reason !== REMOVED;
}

function isOf({ issuer: name, algorithm, tbs, signature }: Sealed, issuer: Certificate): boolean {
  return (name === undefined || name === issuer.name) && isSignedBy(issuer, algorithm, tbs, signature);
}
