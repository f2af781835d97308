/** Certificates: their form (RFC 5280 §4.1) and what their extensions say (§4.2). */
import { equal, type Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import { bits, BOOLEAN, demandTag, explicit, Fields, INTEGER, integer, OCTET_STRING, oid, parseDer, sequence, signatureBits, type Der } from "./der.ts";
import { demandForm } from "./extensions.ts";
import { demandName, nameText } from "./names.ts";
import { publicKey, type PublicKey } from "./publicKey.ts";
import { signingAlgorithm } from "./signing.ts";
import { timeOf } from "./times.ts";

export { nameText };

export interface Extension {
  critical: boolean;
  value: Bytes;
}

export interface Certificate {
  raw: Bytes;
  /** What is signed. */
  tbs: Bytes;
  serial: bigint;
  /** As DER writes it. */
  serialBytes: Bytes;
  /** Names, DER: equal are those of equal bytes (RFC 5280 §4.1.2.4: an issuer is written as its subject is). */
  issuer: Bytes;
  subject: Bytes;
  /** The subject for people. */
  name: string;
  /** Unix seconds; both still within. */
  notBefore: number;
  notAfter: number;
  keyInfo: Der;
  /** Whether it has a unique identifier of issuer or subject (§4.1.2.8). */
  identifiers: boolean;
  /** By object identifier. */
  extensions: Map<string, Extension>;
  signatureAlgorithm: Der;
  signature: Bytes;
}

export const EXTENSION = {
  subjectKey: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectNames: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  nameConstraints: "2.5.29.30",
  policies: "2.5.29.32",
  authorityKey: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
} as const;

/** Version 3: the only one that has extensions. */
const VERSION_3 = 2n;
/** RFC 5280 §4.1.2.2: 20 bytes, and a zero before a first bit that is set. */
const LONGEST_SERIAL = 21;

/** The certificate that these bytes are; `whole`: its extensions too have the form of their kinds. */
export function parseCertificate(bytes: Bytes, whole = true): Certificate {
  const outer = new Fields(sequence(parseDer(bytes)));
  const tbs = outer.next();
  const algorithm = outer.next();
  const signature = signatureBits(outer.next());
  outer.end();
  const certificate = parseSigned(tbs, algorithm);
  if (whole) for (const [name, { value }] of certificate.extensions) demandForm(name, value);
  return { ...certificate, raw: bytes, signature };
}

function parseSigned(tbs: Der | undefined, algorithm: Der | undefined): Omit<Certificate, "raw" | "signature"> {
  const fields = new Fields(sequence(tbs));
  const version = fields.optional(0xa0);
  const serial = demandTag(fields.next(), INTEGER);
  const inner = fields.next();
  // §4.1.1.2: the algorithm outside, which nobody signed, is the one inside.
  if (inner === undefined || algorithm === undefined || !equal(inner.raw, algorithm.raw)) throw new Malformed("a certificate that names two signature algorithms");
  demandAlgorithm(algorithm);
  const issuer = demandName(fields.next());
  const validity = sequence(fields.next());
  if (validity.length !== 2) throw new Malformed("a certificate's validity of another count than two times");
  const subject = demandName(fields.next());
  const keyInfo = demandKeyInfo(fields.next());
  const identifiers = [fields.optional(0x81), fields.optional(0x82)].some((each) => each !== undefined);
  const list = fields.optional(0xa3);
  fields.end();
  demandVersion(version, identifiers, list !== undefined);
  return {
    tbs: tbs!.raw, serial: integer(serial), serialBytes: serial.content, issuer: issuer.raw, subject: subject.raw, name: nameText(subject),
    notBefore: timeOf(validity[0]!), notAfter: timeOf(validity[1]!), keyInfo, identifiers, extensions: list === undefined ? new Map() : parseExtensions(explicit(list, 3)),
    signatureAlgorithm: algorithm,
  };
}

/** Parameters of the algorithms that count have a form (Timestamps 8); others than these, SHA-1 or another mask, lead nowhere later. */
function demandAlgorithm(algorithm: Der): void {
  try {
    signingAlgorithm(algorithm);
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
  }
}

/** §4.1.2.1: version 1 is left out, 2 has unique identifiers at most, 3 extensions. */
function demandVersion(tag: Der | undefined, identifiers: boolean, extensions: boolean): void {
  const version = tag === undefined ? 0n : integer(explicit(tag, 0));
  const fits = tag === undefined ? !identifiers && !extensions : version === VERSION_3 || (version === 1n && !extensions);
  if (!fits) throw new Malformed("a certificate of another version than its fields are of");
}

function demandKeyInfo(value: Der | undefined): Der {
  const [algorithm, key, ...more] = sequence(value);
  oid(sequence(algorithm)[0]);
  bits(key);
  if (more.length > 0) throw new Malformed("a public key with something more");
  return value!;
}

/** Each at most once (§4.2), a default of false not written out (DER). */
function parseExtensions(list: Der): Map<string, Extension> {
  const found = new Map<string, Extension>();
  for (const each of sequence(list)) {
    const fields = new Fields(sequence(each));
    const name = oid(fields.next());
    const critical = fields.optional(BOOLEAN);
    const { content } = demandTag(fields.next(), OCTET_STRING);
    fields.end();
    if (critical?.content[0] === 0) throw new Malformed("a default that is written out");
    if (found.has(name)) throw new Malformed(`the extension ${name} twice`);
    found.set(name, { critical: critical !== undefined, value: content });
  }
  if (found.size === 0) throw new Malformed("an empty list of extensions");
  return found;
}

/** A certificate of the form that counts in a search: with a serial number as RFC 5280 §4.1.2.2 has it. Any other is as if it were not there. */
export function readable(bytes: Bytes): Certificate | undefined {
  const found = readableRoot(bytes);
  return found !== undefined && found.serial > 0n && found.serialBytes.length <= LONGEST_SERIAL ? found : undefined;
}

/** A root's serial number may be any: who publishes the trust file chose it. */
export function readableRoot(bytes: Bytes): Certificate | undefined {
  try {
    return parseCertificate(bytes);
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

export function keyOf(certificate: Certificate): PublicKey {
  return publicKey(certificate.keyInfo);
}

function extension(certificate: Certificate, name: string): Der | undefined {
  const found = certificate.extensions.get(name);
  return found === undefined ? undefined : parseDer(found.value);
}

/** §4.2.1.9. */
export function basicConstraints(certificate: Certificate): { ca: boolean; pathLength?: bigint } {
  const value = extension(certificate, EXTENSION.basicConstraints);
  if (value === undefined) return { ca: false };
  const fields = new Fields(sequence(value));
  const ca = fields.optional(BOOLEAN)?.content[0] === 0xff;
  const length = fields.optional(INTEGER);
  fields.end();
  return length === undefined ? { ca } : { ca, pathLength: integer(length) };
}

/** Numbers of the bits that are set (§4.2.1.3); none where there is no such extension. */
export function keyUsage(certificate: Certificate): Set<number> | undefined {
  const value = extension(certificate, EXTENSION.keyUsage);
  if (value === undefined) return undefined;
  const bytes = signatureBits(value);
  return new Set(Array.from({ length: 8 * bytes.length }, (_, place) => place).filter((place) => (bytes[place >> 3]! & (0x80 >> (place & 7))) !== 0));
}

/** Extended key usages (§4.2.1.12); none where there is no such extension. */
export function purposes(certificate: Certificate): string[] | undefined {
  const value = extension(certificate, EXTENSION.extendedKeyUsage);
  return value === undefined ? undefined : sequence(value).map(oid);
}

/** §4.2.1.4. */
export function policies(certificate: Certificate): string[] {
  const value = extension(certificate, EXTENSION.policies);
  return value === undefined ? [] : sequence(value).map((each) => oid(sequence(each)[0]));
}

/** The alternative names of the subject, each a GeneralName in DER (§4.2.1.6). */
export function subjectNames(certificate: Certificate): Bytes[] {
  const value = extension(certificate, EXTENSION.subjectNames);
  return value === undefined ? [] : sequence(value).map((each) => each.raw);
}

export function subjectKeyIdentifier(certificate: Certificate): Bytes | undefined {
  const value = extension(certificate, EXTENSION.subjectKey);
  return value === undefined ? undefined : demandTag(value, OCTET_STRING).content;
}
