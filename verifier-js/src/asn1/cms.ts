/** CMS signed data by one signer (Timestamps 2 and 3, Signed files 5.2): its form, and that the signature holds. */
import { sha1 } from "@noble/hashes/legacy.js";
import { compare, concat, equal, type Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import { keyOf, readable, subjectKeyIdentifier, type Certificate } from "./certificate.ts";
import { demandTag, explicit, Fields, integer, OCTET_STRING, oid, sequence, SEQUENCE, SET, type Der } from "./der.ts";
import { demandNull, hashAlgorithm, HASHES, signatureAlgorithm, verifyWith } from "./publicKey.ts";

const MOST_CERTIFICATES = 32;
const MOST_DIGESTS = 8;
const SIGNED_DATA = "1.2.840.113549.1.7.2";
const CONTENT_TYPE = "1.2.840.113549.1.9.3";
const MESSAGE_DIGEST = "1.2.840.113549.1.9.4";
const SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12";
const SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47";
/** The signed attributes of a document's signature. */
export const DOCUMENT_ATTRIBUTES = [CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_CERTIFICATE_V2];

export interface SignedData {
  /** Those that have their form: what no path needs means nothing. */
  certificates: Certificate[];
  /** None where it is detached. */
  content: Bytes | undefined;
  signer: Der[];
  /** Revocation lists stand in it. */
  lists: boolean;
}

export interface Signed {
  signer: Certificate;
  signature: Bytes;
  /** Types of the signed attributes. */
  attributes: string[];
  unsigned: Der | undefined;
}

/** `version` of the signed data, and the type of what is signed. */
export function parseSignedData(value: Der, version: bigint, contentType: string): SignedData {
  const [type, content, ...more] = sequence(value);
  if (oid(type) !== SIGNED_DATA || more.length > 0) throw new Malformed("not CMS signed data");
  const fields = new Fields(sequence(explicit(content, 0)));
  if (integer(fields.next()) !== version) throw new Malformed(`signed data of another version than ${version}`);
  const digests = demandTag(fields.next(), SET).children.map(digestName);
  const [innerType, wrapped, ...others] = sequence(fields.next());
  if (oid(innerType) !== contentType || others.length > 0) throw new Malformed("signed data over another type");
  const certificates = fields.optional(0xa0)?.children ?? [];
  const lists = fields.optional(0xa1);
  const signers = demandTag(fields.next(), SET).children;
  fields.end();
  if (certificates.length > MOST_CERTIFICATES || signers.length !== 1) throw new Malformed("more than one signer, or more than 32 certificates");
  const signer = sequence(signers[0]);
  if (digests.length > MOST_DIGESTS || !digests.includes(digestName(signer[2]))) throw new Malformed("the signer's hash is not among those of the signed data");
  return {
    certificates: certificates.map((each) => readable(each.raw)).filter((each) => each !== undefined), signer, lists: lists !== undefined,
    content: wrapped === undefined ? undefined : demandTag(explicit(wrapped, 0), OCTET_STRING).content,
  };
}

/** A hash by its identifier, also one that is not taken. */
function digestName(value: Der | undefined): string {
  const [name, ...parameters] = sequence(value);
  demandNull(parameters);
  return oid(name);
}

/** Who signed `content`, once the signed attributes and the signature hold; his certificate is one of `known`. */
export function verifySigner(data: SignedData, known: Certificate[], contentType: string, content: Bytes): Signed {
  const fields = new Fields(data.signer);
  const version = integer(fields.next());
  const sid = fields.next()!;
  const hash = hashAlgorithm(fields.next());
  const attributes = demandTag(fields.next(), 0xa0);
  const algorithm = signatureAlgorithm(fields.next());
  const signature = demandTag(fields.next(), OCTET_STRING).content;
  const unsigned = fields.optional(0xa1);
  fields.end();
  if (version !== (sid.tag === SEQUENCE ? 1n : 3n)) throw new Malformed("a signer of another version");
  const signed = parseAttributes(attributes);
  const signer = findSigner(known, sid, signed);
  if (oid(signed.get(CONTENT_TYPE)) !== contentType) throw new Failed("its signed attributes say another content type");
  if (!equal(demandTag(signed.get(MESSAGE_DIGEST), OCTET_STRING).content, HASHES[hash](content))) throw new Failed("its signed attributes have another digest");
  const key = keyOf(signer);
  if (key.kind !== algorithm.kind || (algorithm.hash ?? hash) !== hash) throw new Failed("it is signed with another algorithm than it names");
  const asSet = concat(Uint8Array.of(SET), attributes.raw.subarray(1));
  verifyWith(key, hash, asSet, signature);
  return { signer, signature, attributes: [...signed.keys()], unsigned };
}

function parseAttributes(attributes: Der): Map<string, Der> {
  const found = new Map<string, Der>();
  let last: Bytes | undefined;
  for (const each of attributes.children) {
    const [type, values, ...more] = sequence(each);
    const members = demandTag(values, SET).children;
    if (more.length > 0 || members.length !== 1 || found.has(oid(type))) throw new Malformed("a signed attribute twice, or of more values than one");
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
  const [issuer, serial, ...more] = sequence(sid);
  if (more.length > 0) throw new Malformed("a signer that is named by more than issuer and serial number");
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
  const [names, serial, ...more] = issuerSerial.children;
  const [name, ...others] = sequence(names);
  if (more.length > 0 || others.length > 0) throw new Malformed("a certificate that is named by more than one issuer and a serial number");
  return integer(serial) === certificate.serial && equal(explicit(name, 4).raw, certificate.issuer);
}
