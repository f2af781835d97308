/** Tokens of RFC 3161 (Timestamps 2 to 5). */
import { equal, type Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import type { Authority } from "../trust.ts";
import { policies, readable, readableRoot, subjectNames, type Certificate } from "./certificate.ts";
import { parseSignedData, verifySigner } from "./cms.ts";
import { BOOLEAN, demandTag, explicit, Fields, INTEGER, integer, OCTET_STRING, oid, onlyDer, parseDer, retagged, SEQUENCE, sequence, type Der } from "./der.ts";
import { findPath, TIMESTAMPS } from "./path.ts";
import { hashAlgorithm, HASHES, type HashName } from "./hashes.ts";
import { enclosed, undone, Words, type Said } from "./revocation.ts";
import { extensionsOf } from "./signed.ts";
import { genTime } from "./times.ts";

const LONGEST = 65_536;
const MOST_CERTIFICATES = 32;
const TST_INFO = "1.2.840.113549.1.9.16.1.4";
const SIGNED_DATA_VERSION = 3n;
/** What an authority bears that the log's operator runs (Timestamps 4). */
const OPERATOR_ONLY = "2.25.136187603105352834587325482968368822740";
const LONGEST_SERIAL = 21;
const LONGEST_ACCURACY = 5;
const SECOND = 1_000_000;
/** Certificates are valid from and to whole seconds, so one fraction is as any other. */
const A_FRACTION = 0.5;
const DIRECTORY_NAME = 0xa4;

/** A token that holds. */
export interface Timestamp {
  /** Unix seconds, rounded down. */
  time: number;
  /** Seconds, rounded up, with what was rounded off the time; nothing where the token tells none. */
  accuracy: number | undefined;
  /** Time and accuracy together, rounded up to a second. */
  latest: number;
  /** Its name. */
  signer: string;
  /** Whose root stands above the signer: none where the trust file has none, or where the token counts no more. */
  authority: Authority | undefined;
  /** The word by which it counts no more. */
  revoked: (Said & { revoked: number }) | undefined;
  /** What counts about those on its path. */
  revocation: Said[];
  /** Those of whom nothing here reaches the time of the token. */
  silent: Certificate[];
  operatorOnly: boolean;
  details: {
    /** Microseconds, as told. */
    accuracy: number | undefined;
    /** Time less accuracy, rounded down to a second. */
    earliest: number;
    policy: string;
    serial: bigint;
    ordering: boolean;
    /** From the signer to the root; the signer alone where no root is above it. */
    path: Certificate[];
    /** Whose root that is, also where the token counts no more. */
    authority: Authority | undefined;
  };
}

interface Info {
  policy: string;
  hash: HashName;
  imprint: Bytes;
  serial: bigint;
  time: { seconds: number; micros: number };
  /** Microseconds. */
  accuracy: number | undefined;
  ordering: boolean;
  tsa: Der | undefined;
}

/** The first check that fails refuses: `Failed` or `Malformed`. */
export function verifyTimestamp(bytes: Bytes, message: Bytes, authorities: Authority[], words: Words = new Words()): Timestamp {
  if (bytes.length > LONGEST) throw new Malformed("a token of more than 65,536 bytes");
  const data = parseSignedData(onlyDer(bytes), SIGNED_DATA_VERSION, TST_INFO);
  if (data.content === undefined) throw new Malformed("a token without content");
  if (data.certificates.length > MOST_CERTIFICATES) throw new Malformed("a token with more than 32 certificates");
  const info = readInfo(data.content);
  if (!equal(info.imprint, HASHES[info.hash](message))) throw new Failed("the token is over other bytes");
  const { signer } = verifySigner(data, [...data.certificates, ...named(authorities)], TST_INFO, data.content);
  demandAuthorityName(info.tsa, signer);
  const { seconds, micros } = info.time;
  const found = findPath(signer, data.certificates, authorities, seconds + (micros > 0 ? A_FRACTION : 0), TIMESTAMPS);
  const path = found?.certificates ?? [signer];
  const latest = seconds + Math.ceil((micros + (info.accuracy ?? 0)) / SECOND);
  const heard = enclosed(path, latest, [], [], words);
  const revoked = undone(heard, latest);
  return {
    time: seconds, accuracy: info.accuracy === undefined ? undefined : latest - seconds, latest, signer: signer.name,
    authority: revoked === undefined ? found?.authority : undefined, revoked, revocation: heard.said, silent: heard.silent,
    operatorOnly: info.policy === OPERATOR_ONLY || path.some((each) => policies(each).includes(OPERATOR_ONLY)),
    details: {
      accuracy: info.accuracy, earliest: seconds + Math.floor((micros - (info.accuracy ?? 0)) / SECOND), policy: info.policy, serial: info.serial,
      ordering: info.ordering, path, authority: found?.authority,
    },
  };
}

/** Certificates of the trust file, where a token brings its signer's not with it. */
function named(authorities: Authority[]): Certificate[] {
  const found = authorities.flatMap(({ root, certificates }) => [...certificates.map((each) => readable(each)), readableRoot(root)]);
  return found.filter((each) => each !== undefined);
}

/** TSTInfo (RFC 3161 §2.4.2). */
function readInfo(content: Bytes): Info {
  const fields = new Fields(sequence(parseDer(content)));
  if (integer(fields.next()) !== 1n) throw new Malformed("a TSTInfo of another version than 1");
  const policy = oid(fields.next());
  const [algorithm, digest, ...more] = sequence(fields.next());
  const hash = hashAlgorithm(algorithm);
  const imprint = demandTag(digest, OCTET_STRING).content;
  if (more.length > 0) throw new Malformed("a message imprint of another form");
  const serial = short(fields.next(), LONGEST_SERIAL);
  const time = fields.next();
  if (time === undefined) throw new Malformed("a TSTInfo without a time");
  const accuracy = fields.optional(SEQUENCE);
  const ordering = fields.optional(BOOLEAN);
  const nonce = fields.optional(INTEGER);
  const tsa = fields.optional(0xa0);
  const extensions = fields.optional(0xa1);
  fields.end();
  if (ordering?.content[0] === 0) throw new Malformed("a default that is written out");
  if (nonce !== undefined) integer(nonce);
  if (extensions !== undefined) demandUncritical(extensions);
  return {
    policy, hash, imprint, serial, time: genTime(time), accuracy: accuracy === undefined ? undefined : micros(accuracy), ordering: ordering !== undefined,
    tsa: tsa === undefined ? undefined : explicit(tsa, 0),
  };
}

/** Extensions stand under an implicit tag. */
function demandUncritical(extensions: Der): void {
  if (extensionsOf(retagged(extensions, SEQUENCE)).some(({ critical }) => critical)) throw new Failed("a critical extension");
}

/** Seconds, and 1–999 of milliseconds and of microseconds; together in microseconds. */
function micros(accuracy: Der): number {
  const fields = new Fields(accuracy.children);
  const seconds = fields.optional(INTEGER);
  const [milli, micro] = [fields.optional(0x80), fields.optional(0x81)].map((value) => (value === undefined ? 0n : thousandth(value))) as [bigint, bigint];
  fields.end();
  const whole = seconds === undefined ? 0n : short(seconds, LONGEST_ACCURACY);
  if (whole < 0n) throw new Malformed("an accuracy below 0");
  return Number(whole * 1_000_000n + milli * 1000n + micro);
}

/** An integer of so many bytes at most. */
function short(value: Der | undefined, most: number): bigint {
  if (value !== undefined && value.content.length > most) throw new Malformed(`an integer of more than ${most} bytes`);
  return integer(value);
}

/** An integer under an implicit tag. */
function thousandth({ raw }: Der): bigint {
  const found = integer(parseDer(Uint8Array.of(INTEGER, ...raw.subarray(1))));
  if (found < 1n || found > 999n) throw new Malformed("an accuracy whose thousandths are not 1 to 999");
  return found;
}

/** `tsa` is the signer's subject, or one of its alternative names, of whatever kind. */
function demandAuthorityName(tsa: Der | undefined, signer: Certificate): void {
  if (tsa === undefined) return;
  const isSubject = tsa.tag === DIRECTORY_NAME && tsa.children.length === 1 && equal(tsa.children[0]!.raw, signer.subject);
  if (!isSubject && !subjectNames(signer).some((name) => equal(name, tsa.raw))) throw new Failed("the token names another authority than its signer");
}
