/** Timestamp tokens (Timestamps 1 to 4). */
import { sha1 } from "@noble/hashes/legacy.js";
import { bigEndian, compare, concat, equal, type Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import type { Authority } from "../trust.ts";
import { keyOf, parseCertificate, policies, subjectKeyIdentifier, subjectNames, type Certificate } from "./certificate.ts";
import {
  BOOLEAN, demandTag, explicit, Fields, integer, INTEGER, OCTET_STRING, oid, parseDer, sequence, SEQUENCE, SET, type Der,
} from "./der.ts";
import { findPath, readable } from "./path.ts";
import { hashAlgorithm, HASHES, signatureAlgorithm, verifyWith } from "./publicKey.ts";
import { genTime } from "./times.ts";

const LONGEST = 65_536;
const MOST_CERTIFICATES = 32;
const SIGNED_DATA = "1.2.840.113549.1.7.2";
const TST_INFO = "1.2.840.113549.1.9.16.1.4";
const CONTENT_TYPE = "1.2.840.113549.1.9.3";
const MESSAGE_DIGEST = "1.2.840.113549.1.9.4";
const SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12";
const SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47";
const OPERATOR_POLICY = "2.25.136187603105352834587325482968368822740";

export interface Timestamp {
  /** Unix seconds, rounded down. */
  time: number;
  /** Whole seconds that the time may be off, rounded outwards; none where the token tells none. */
  accuracy: number | undefined;
  /** Unix seconds of genTime plus accuracy, rounded up. */
  latest: number;
  signer: string;
  /** None where no root of the trust file is above the signer. */
  authority: Authority | undefined;
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

interface Token {
  certificates: Certificate[];
  info: Der;
  infoBytes: Bytes;
  signer: Der[];
}

/** What the token says of `message`; `Failed` where it does not hold. */
export function verifyTimestamp(bytes: Bytes, message: Bytes, authorities: Authority[]): Timestamp {
  try {
    return verify(bytes, message, authorities);
  } catch (error) {
    if (error instanceof Malformed) throw new Failed(`timestamp token: ${error.message}`);
    throw error;
  }
}

function verify(bytes: Bytes, message: Bytes, authorities: Authority[]): Timestamp {
  const token = parseToken(bytes);
  const info = parseInfo(token.info);
  if (!equal(HASHES[info.hash](message), info.imprint)) throw new Failed("it is over other bytes");
  const given = authorities.flatMap((authority) => authority.certificates.map(readable).filter((each) => each !== undefined));
  const signer = verifySigner(token, [...token.certificates, ...given]);
  if (info.tsa !== undefined && !named(signer, info.tsa)) throw new Failed("it names another authority than its signer");
  const path = findPath(signer, token.certificates, authorities, info.seconds);
  const certificates = path?.certificates ?? [signer];
  const marked = info.policy === OPERATOR_POLICY || certificates.some((each) => policies(each).includes(OPERATOR_POLICY));
  const micros = info.accuracy === undefined ? undefined : info.micros + info.accuracy;
  return {
    time: info.seconds, accuracy: micros === undefined ? undefined : Math.ceil(micros / 1e6), latest: info.seconds + Math.ceil((micros ?? info.micros) / 1e6),
    signer: signer.name, authority: path?.authority, operatorOnly: marked, details: {
      accuracy: info.accuracy, earliest: info.seconds + Math.floor((info.micros - (info.accuracy ?? 0)) / 1e6), policy: info.policy, serial: info.serial,
      ordering: info.ordering, path: certificates,
    },
  };
}

function parseToken(bytes: Bytes): Token {
  if (bytes.length > LONGEST) throw new Malformed("a token of more than 65,536 bytes");
  const [type, content, ...more] = sequence(parseDer(bytes));
  if (oid(type) !== SIGNED_DATA || more.length > 0) throw new Malformed("not CMS signed data");
  const fields = new Fields(sequence(explicit(content, 0)));
  if (integer(fields.next()) !== 3n) throw new Malformed("signed data of another version than 3");
  const digests = demandTag(fields.next(), SET).children;
  const [infoType, wrapped, ...others] = sequence(fields.next());
  if (oid(infoType) !== TST_INFO || others.length > 0) throw new Malformed("signed data that is not TSTInfo");
  const infoBytes = demandTag(explicit(wrapped, 0), OCTET_STRING).content;
  const certificates = fields.optional(0xa0)?.children ?? [];
  fields.optional(0xa1);
  const signers = demandTag(fields.next(), SET).children;
  fields.end();
  if (certificates.length > MOST_CERTIFICATES || signers.length !== 1) throw new Malformed("more than one signer, or more than 32 certificates");
  const signer = sequence(signers[0]);
  if (!digests.some((each) => equal(each.raw, signer[2]?.raw ?? new Uint8Array()))) throw new Malformed("the signer's hash is not among those of the token");
  return { certificates: certificates.map((each) => parseCertificate(each.raw)), info: parseDer(infoBytes), infoBytes, signer };
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

/** The signer's certificate, once the signed attributes and the signature hold. */
function verifySigner(token: Token, known: Certificate[]): Certificate {
  const fields = new Fields(token.signer);
  const version = integer(fields.next());
  const sid = fields.next()!;
  const hash = hashAlgorithm(fields.next());
  const attributes = demandTag(fields.next(), 0xa0);
  const algorithm = signatureAlgorithm(fields.next());
  const signature = demandTag(fields.next(), OCTET_STRING).content;
  fields.optional(0xa1);
  fields.end();
  if (version !== (sid.tag === SEQUENCE ? 1n : 3n)) throw new Malformed("a signer of another version");
  const signed = parseAttributes(attributes);
  const signer = findSigner(known, sid, signed);
  const one = (type: string): Der | undefined => signed.get(type);
  if (oid(one(CONTENT_TYPE)) !== TST_INFO) throw new Failed("its signed attributes say another content type");
  if (!equal(demandTag(one(MESSAGE_DIGEST), OCTET_STRING).content, HASHES[hash](token.infoBytes))) throw new Failed("its signed attributes have another digest");
  const key = keyOf(signer);
  if (key.kind !== algorithm.kind || (algorithm.hash ?? hash) !== hash) throw new Failed("it is signed with another algorithm than it names");
  const asSet = concat(Uint8Array.of(SET), attributes.raw.subarray(1));
  verifyWith(key, hash, asSet, signature);
  return signer;
}

function parseAttributes(attributes: Der): Map<string, Der> {
  const found = new Map<string, Der>();
  let last: Bytes | undefined;
  for (const each of attributes.children) {
    const [type, values] = sequence(each);
    const members = demandTag(values, SET).children;
    if (members.length !== 1 || found.has(oid(type))) throw new Malformed("a signed attribute twice, or of more values than one");
    if (last !== undefined && compare(last, each.raw) >= 0) throw new Malformed("signed attributes that are not sorted");
    last = each.raw;
    found.set(oid(type), members[0]!);
  }
  return found;
}

function findSigner(known: Certificate[], sid: Der, signed: Map<string, Der>): Certificate {
  const first = signed.get(SIGNING_CERTIFICATE);
  const second = signed.get(SIGNING_CERTIFICATE_V2);
  if (first === undefined && second === undefined) throw new Failed("it does not name its signer's certificate by hash");
  const found = known.find((each) => isSid(each, sid) && (first === undefined || isNamed(each, first, false)) && (second === undefined || isNamed(each, second, true)));
  if (found === undefined) throw new Failed("the signer's certificate is not here, or is not the one that it names");
  return found;
}

function isSid(certificate: Certificate, sid: Der): boolean {
  if (sid.tag === 0x80) {
    const own = subjectKeyIdentifier(certificate);
    return own !== undefined && equal(own, sid.content);
  }
  const [issuer, serial] = sequence(sid);
  return issuer !== undefined && equal(issuer.raw, certificate.issuer) && integer(serial) === certificate.serial;
}

/** ESSCertID (SHA-1), or ESSCertIDv2. */
function isNamed(certificate: Certificate, attribute: Der, second: boolean): boolean {
  const fields = new Fields(sequence(sequence(sequence(attribute)[0])[0]));
  const algorithm = second ? fields.optional(SEQUENCE) : undefined;
  const hash = second ? HASHES[algorithm === undefined ? "sha256" : hashAlgorithm(algorithm)] : sha1;
  const digest = demandTag(fields.next(), OCTET_STRING).content;
  const issuerSerial = fields.optional(SEQUENCE);
  fields.end();
  if (!equal(hash(certificate.raw), digest)) return false;
  if (issuerSerial === undefined) return true;
  const [names, serial] = issuerSerial.children;
  return integer(serial) === certificate.serial && sequence(names).some((each) => each.tag === 0xa4 && equal(explicit(each, 4).raw, certificate.issuer));
}

function named(signer: Certificate, tsa: Der): boolean {
  if (tsa.tag === 0xa4 && equal(explicit(tsa, 4).raw, signer.subject)) return true;
  return subjectNames(signer).some((each) => equal(each, tsa.raw));
}
