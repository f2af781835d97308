/** X.509 certificates, as far as a path needs them. */
import { decodeUtf8, hex, type Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import {
  BIT_STRING, BOOLEAN, demandTag, explicit, Fields, integer, INTEGER, OCTET_STRING, oid, parseDer, sequence, SEQUENCE, signatureBits, type Der,
} from "./der.ts";
import { demandForm } from "./extensions.ts";
import { publicKey, signatureAlgorithm, verifyWith, type PublicKey } from "./publicKey.ts";
import { timeOf } from "./times.ts";

export interface Extension {
  critical: boolean;
  value: Bytes;
}

export interface Certificate {
  raw: Bytes;
  tbs: Bytes;
  serial: bigint;
  /** Bytes of the serial number as it is written. */
  serialLength: number;
  /** DER of the names. */
  issuer: Bytes;
  subject: Bytes;
  /** The subject, as people read it. */
  name: string;
  /** Unix seconds. */
  notBefore: number;
  notAfter: number;
  keyInfo: Der;
  extensions: Map<string, Extension>;
  signatureAlgorithm: Der;
  signature: Bytes;
}

export const EXTENSION = {
  subjectKey: "2.5.29.14", keyUsage: "2.5.29.15", subjectNames: "2.5.29.17", basicConstraints: "2.5.29.19", nameConstraints: "2.5.29.30",
  policies: "2.5.29.32", authorityKey: "2.5.29.35", extendedKeyUsage: "2.5.29.37",
} as const;

/** With the zero before a number of 20 bytes whose first bit is set. */
const LONGEST_SERIAL = 21;

/** `whole`: it also says what a certificate must to be used, and not only has the shape of one. */
export function parseCertificate(bytes: Bytes, whole = true): Certificate {
  const [tbs, algorithm, signature, ...more] = sequence(parseDer(bytes));
  if (tbs === undefined || algorithm === undefined || more.length > 0) throw new Malformed("a certificate of another number of parts than three");
  const fields = new Fields(sequence(tbs));
  const version = fields.optional(0xa0);
  if (whole && (version === undefined || integer(explicit(version, 0)) !== 2n)) throw new Malformed("a certificate that is not of version 3");
  const serial = demandTag(fields.next(), INTEGER);
  const inner = demandTag(fields.next(), SEQUENCE);
  const issuer = demandTag(fields.next(), SEQUENCE).raw;
  const [notBefore, notAfter] = validity(fields.next());
  const subject = demandTag(fields.next(), SEQUENCE);
  const keyInfo = demandTag(fields.next(), SEQUENCE);
  fields.optional(0x81);
  fields.optional(0x82);
  const extensions = fields.optional(0xa3);
  fields.end();
  if (whole && hex(inner.raw) !== hex(algorithm.raw)) throw new Malformed("a certificate that names two signature algorithms");
  return {
    raw: bytes, tbs: tbs.raw, serial: integer(serial), serialLength: serial.content.length, issuer, subject: subject.raw, name: nameText(subject), notBefore, notAfter, keyInfo,
    extensions: extensions === undefined ? new Map() : parseExtensions(extensions, whole), signatureAlgorithm: algorithm, signature: signatureBits(signature),
  };
}

/** A certificate of a signature, or beside a root of the trust file; one that cannot be read is no fault of what is judged. */
export function readable(bytes: Bytes): Certificate | undefined {
  const found = readableRoot(bytes);
  return found !== undefined && found.serial > 0n && found.serialLength <= LONGEST_SERIAL ? found : undefined;
}

/** A root of the trust file, under whatever serial number: who made the file chose it. */
export function readableRoot(bytes: Bytes): Certificate | undefined {
  try {
    return parseCertificate(bytes);
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

function validity(value: Der | undefined): [number, number] {
  const [notBefore, notAfter, ...more] = sequence(value).map(timeOf);
  if (notBefore === undefined || notAfter === undefined || more.length > 0) throw new Malformed("a certificate with another number of times than two");
  return [notBefore, notAfter];
}

function parseExtensions(value: Der, whole: boolean): Map<string, Extension> {
  const found = new Map<string, Extension>();
  for (const each of sequence(explicit(value, 3))) {
    const fields = new Fields(sequence(each));
    const name = oid(fields.next());
    const critical = fields.optional(BOOLEAN)?.content[0] === 0xff;
    const content = demandTag(fields.next(), OCTET_STRING).content;
    fields.end();
    if (whole && found.has(name)) throw new Malformed("a certificate with one extension twice");
    if (whole) demandForm(name, content);
    found.set(name, { critical, value: content });
  }
  return found;
}

const BMP_TEXT = 0x1e;
const SHORT: Record<string, string> = {
  "2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.10": "O", "2.5.4.11": "OU",
  "2.5.4.9": "STREET", "0.9.2342.19200300.100.1.25": "DC", "0.9.2342.19200300.100.1.1": "UID",
};

/** As RFC 4514 writes it: the last part first. In whatever type of text it stands: names are compared so (RFC 5280, section 7.1). */
export function nameText(name: Der): string {
  return name.children.map((set) => set.children.map(partText).join("+")).reverse().join(",");
}

function partText(pair: Der): string {
  const [type, value] = sequence(pair);
  return `${SHORT[oid(type)] ?? oid(type)}=${value === undefined ? "" : escaped(printable(value))}`;
}

function escaped(text: string): string {
  return text.replace(/[\\"+,;<>]|^[ #]| $/g, "\\$&").replaceAll("\0", "\\00");
}

function printable({ tag, content }: Der): string {
  try {
    return tag === BMP_TEXT ? new TextDecoder("utf-16be", { fatal: true, ignoreBOM: true }).decode(content) : decodeUtf8(content);
  } catch {
    return hex(content);
  }
}

export function keyOf(certificate: Certificate): PublicKey {
  return publicKey(certificate.keyInfo);
}

/** The issuer's key signed this certificate, over SHA-2. */
export function verifyIssued(certificate: Certificate, issuer: Certificate): void {
  const { kind, hash } = signatureAlgorithm(certificate.signatureAlgorithm);
  const key = keyOf(issuer);
  if (hash === undefined || key.kind !== kind) throw new Failed("a certificate signed with another algorithm than its issuer's key has");
  verifyWith(key, hash, certificate.tbs, certificate.signature);
}

/** CA and path length of the basic constraints. */
export function basicConstraints(certificate: Certificate): { ca: boolean; pathLength?: bigint } {
  const extension = certificate.extensions.get(EXTENSION.basicConstraints);
  if (extension === undefined) return { ca: false };
  const fields = new Fields(sequence(parseDer(extension.value)));
  const ca = fields.optional(BOOLEAN)?.content[0] === 0xff;
  const length = fields.optional(INTEGER);
  fields.end();
  return { ca, ...(length === undefined ? {} : { pathLength: integer(length) }) };
}

/** Numbers of the bits of the key usage, none where it is absent. */
export function keyUsage(certificate: Certificate): Set<number> | undefined {
  const extension = certificate.extensions.get(EXTENSION.keyUsage);
  if (extension === undefined) return undefined;
  const { content } = demandTag(parseDer(extension.value), BIT_STRING);
  return new Set([...content.subarray(1)].flatMap((byte, place) => [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => (byte & (0x80 >> bit)) !== 0).map((bit) => 8 * place + bit)));
}

/** Purposes of the extended key usage. */
export function purposes(certificate: Certificate): string[] | undefined {
  const extension = certificate.extensions.get(EXTENSION.extendedKeyUsage);
  return extension === undefined ? undefined : sequence(parseDer(extension.value)).map(oid);
}

export function policies(certificate: Certificate): string[] {
  const extension = certificate.extensions.get(EXTENSION.policies);
  return extension === undefined ? [] : sequence(parseDer(extension.value)).map((each) => oid(sequence(each)[0]));
}

/** Alternative names, each as its DER. */
export function subjectNames(certificate: Certificate): Bytes[] {
  const extension = certificate.extensions.get(EXTENSION.subjectNames);
  return extension === undefined ? [] : sequence(parseDer(extension.value)).map((each) => each.raw);
}

export function subjectKeyIdentifier(certificate: Certificate): Bytes | undefined {
  const extension = certificate.extensions.get(EXTENSION.subjectKey);
  return extension === undefined ? undefined : demandTag(parseDer(extension.value), OCTET_STRING).content;
}
