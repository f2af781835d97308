/** Which certificate the signed attributes mean, by its hash: so that nobody puts another one of the same key and name in its place (RFC 5035, 5816). */
import { sha1 } from "@noble/hashes/legacy.js";
import { equal, type Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import type { Certificate } from "./certificate.ts";
import { demandTag, explicit, Fields, integer, OCTET_STRING, sequence, SEQUENCE, type Der } from "./der.ts";
import { hashAlgorithm, HASHES } from "./hashes.ts";

const SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12";
const SIGNING_CERTIFICATE_2 = "1.2.840.113549.1.9.16.2.47";
const DIRECTORY_NAME = 4;

/** `Failed` unless they mean this certificate: ESSCertIDv2, or ESSCertID (SHA-1); where both are there, both. */
export function demandNamed(certificate: Certificate, attributes: Map<string, Der>): void {
  const [second, first] = [attributes.get(SIGNING_CERTIFICATE_2), attributes.get(SIGNING_CERTIFICATE)];
  if (second === undefined && first === undefined) throw new Failed("the signed attributes do not name the signer's certificate");
  if (second !== undefined) demandHash(certificate, second, hashOfSecond);
  if (first !== undefined) demandHash(certificate, first, () => sha1);
}

/** The default is SHA-256 (RFC 5035 §4). */
function hashOfSecond(fields: Fields): (bytes: Bytes) => Bytes {
  const algorithm = fields.optional(SEQUENCE);
  return HASHES[algorithm === undefined ? "sha256" : hashAlgorithm(algorithm)];
}

/** The first that is named is the signer's (RFC 5035 §3). */
function demandHash(certificate: Certificate, value: Der, hashOf: (fields: Fields) => (bytes: Bytes) => Bytes): void {
  const outer = new Fields(sequence(value));
  const [first] = sequence(outer.next());
  outer.optional(SEQUENCE);
  outer.end();
  const fields = new Fields(sequence(first));
  const hash = hashOf(fields);
  const digest = demandTag(fields.next(), OCTET_STRING).content;
  const issued = fields.optional(SEQUENCE);
  fields.end();
  if (!equal(hash(certificate.raw), digest)) throw new Failed("the signed attributes name another certificate by its hash");
  if (issued !== undefined) demandIssued(certificate, issued);
}

/** IssuerSerial: one directory name and the serial number. */
function demandIssued(certificate: Certificate, value: Der): void {
  const [names, serial, ...more] = sequence(value);
  const [name, ...others] = sequence(names);
  if (more.length > 0 || others.length > 0) throw new Malformed("an issuer with something more");
  if (!equal(explicit(name, DIRECTORY_NAME).raw, certificate.issuer) || integer(serial) !== certificate.serial) throw new Failed("the signed attributes name another issuer or serial number");
}
