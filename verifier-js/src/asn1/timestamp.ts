/** Timestamp tokens (Timestamps 1 to 4). */
import { bigEndian, equal, type Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import type { Authority } from "../trust.ts";
import { policies, readable, subjectNames, type Certificate } from "./certificate.ts";
import { parseSignedData, verifySigner } from "./cms.ts";
import { BOOLEAN, demandTag, explicit, Fields, integer, INTEGER, OCTET_STRING, oid, parseDer, sequence, SEQUENCE, type Der } from "./der.ts";
import { findPath, TIMESTAMPS } from "./path.ts";
import { enclosed, undone, type Said, type Words } from "./revocation.ts";
import { hashAlgorithm, HASHES } from "./publicKey.ts";
import { genTime } from "./times.ts";

const LONGEST = 65_536;
const TST_INFO = "1.2.840.113549.1.9.16.1.4";
const OPERATOR_POLICY = "2.25.136187603105352834587325482968368822740";

export interface Timestamp {
  /** Unix seconds, rounded down. */
  time: number;
  /** Whole seconds that the time may be off, rounded outwards; none where the token tells none. */
  accuracy: number | undefined;
  /** Unix seconds of genTime plus accuracy, rounded up. */
  latest: number;
  signer: string;
  /** None where no root of the trust file is above the signer, or he or one above him was revoked so that the token counts no more. */
  authority: Authority | undefined;
  /** By which word it counts no more (5). */
  revoked: (Said & { revoked: number }) | undefined;
  /** What issuers said of those on its path, and of whom nothing is here. */
  revocation: Said[];
  silent: Certificate[];
  /** It, or a certificate above it, bears the mark of an operator's own authority. */
  operatorOnly: boolean;
  details: {
    /** Microseconds, where the token tells them. */
    accuracy: number | undefined;
    /** Unix seconds of genTime less accuracy, rounded down. */
    earliest: number;
    policy: string;
    serial: bigint;
    ordering: boolean;
    /** Signer first, root last; the signer alone where no root is above him. */
    path: Certificate[];
  };
}

/** What the token says of `message`; `Failed` where it does not hold. */
export function verifyTimestamp(bytes: Bytes, message: Bytes, authorities: Authority[], words?: Words): Timestamp {
  try {
    return verify(bytes, message, authorities, words);
  } catch (error) {
    if (error instanceof Malformed) throw new Failed(`timestamp token: ${error.message}`);
    throw error;
  }
}

function verify(bytes: Bytes, message: Bytes, authorities: Authority[], words: Words | undefined): Timestamp {
  if (bytes.length > LONGEST) throw new Malformed("a token of more than 65,536 bytes");
  const token = parseSignedData(parseDer(bytes), 3n, TST_INFO);
  if (token.content === undefined) throw new Malformed("a token without its TSTInfo");
  const info = parseInfo(parseDer(token.content));
  if (!equal(HASHES[info.hash](message), info.imprint)) throw new Failed("it is over other bytes");
  const given = authorities.flatMap((authority) => authority.certificates.map(readable).filter((each) => each !== undefined));
  const { signer } = verifySigner(token, [...token.certificates, ...given], TST_INFO, token.content);
  if (info.tsa !== undefined && !named(signer, info.tsa)) throw new Failed("it names another authority than its signer");
  const path = findPath(signer, token.certificates, authorities, info.seconds, TIMESTAMPS);
  const certificates = path?.certificates ?? [signer];
  const marked = info.policy === OPERATOR_POLICY || certificates.some((each) => policies(each).includes(OPERATOR_POLICY));
  const micros = info.accuracy === undefined ? undefined : info.micros + info.accuracy;
  const latest = info.seconds + Math.ceil((micros ?? info.micros) / 1e6);
  const found = words === undefined || path === undefined ? { said: [], silent: [] } : enclosed(path.certificates, latest, [], [], words);
  const revoked = undone(found, latest);
  return {
    time: info.seconds, accuracy: micros === undefined ? undefined : Math.ceil(micros / 1e6), latest,
    signer: signer.name, authority: revoked === undefined ? path?.authority : undefined, revoked, revocation: found.said, silent: found.silent, operatorOnly: marked, details: {
      accuracy: info.accuracy, earliest: info.seconds + Math.floor((info.micros - (info.accuracy ?? 0)) / 1e6), policy: info.policy, serial: info.serial,
      ordering: info.ordering, path: certificates,
    },
  };
}

function parseInfo(info: Der) {
  const fields = new Fields(sequence(info));
  if (integer(fields.next()) !== 1n) throw new Malformed("TSTInfo of another version than 1");
  const policy = oid(fields.next());
  const [algorithm, imprint] = sequence(fields.next());
  const hash = hashAlgorithm(algorithm);
  const serial = integer(fields.next());
  const time = fields.next();
  if (time === undefined) throw new Malformed("TSTInfo without genTime");
  const { seconds, micros } = genTime(time);
  const accuracy = fields.optional(SEQUENCE);
  const ordering = fields.optional(BOOLEAN);
  if (ordering?.content[0] === 0) throw new Malformed("a default that is written out");
  fields.optional(INTEGER);
  const tsa = fields.optional(0xa0);
  const extensions = fields.optional(0xa1);
  fields.end();
  for (const each of extensions?.children ?? []) if (sequence(each)[1]?.tag === BOOLEAN) throw new Malformed("TSTInfo with a critical extension");
  return {
    policy, hash, serial, ordering: ordering !== undefined, imprint: demandTag(imprint, OCTET_STRING).content, seconds, micros, tsa: tsa === undefined ? undefined : explicit(tsa, 0),
    accuracy: accuracy === undefined ? undefined : accuracyOf(accuracy),
  };
}

/** Microseconds. */
function accuracyOf(value: Der): number {
  const fields = new Fields(value.children);
  const seconds = fields.optional(INTEGER);
  const [millis, micros] = [0x80, 0x81].map((tag) => {
    const part = fields.optional(tag);
    const number = part === undefined ? 0 : Number(bigEndian(part.content));
    if (part !== undefined && (number < 1 || number > 999 || part.content[0]! >= 0x80)) throw new Malformed("an accuracy of another form");
    return number;
  }) as [number, number];
  fields.end();
  const whole = seconds === undefined ? 0 : Number(integer(seconds));
  if (whole < 0 || whole > 1e9) throw new Malformed("an accuracy of another form");
  return whole * 1e6 + millis * 1e3 + micros;
}

function named(signer: Certificate, tsa: Der): boolean {
  if (tsa.tag === 0xa4 && equal(explicit(tsa, 4).raw, signer.subject)) return true;
  return subjectNames(signer).some((each) => equal(each, tsa.raw));
}
