/** Signed data of CMS (RFC 5652 §5) with one signer: who signed, and that he did (Timestamps 2 and 3, Signed files 5.2). */
import { compare, concat, equal, type Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import { keyOf, readable, subjectKeyIdentifier, type Certificate } from "./certificate.ts";
import { demandDer, demandTag, explicit, Fields, INTEGER, integer, OCTET_STRING, oid, sequence, SEQUENCE, SET, type Der } from "./der.ts";
import { demandNamed } from "./ess.ts";
import { hashAlgorithm, HASHES, type HashName } from "./hashes.ts";
import { signatureAlgorithm, verifyWith } from "./publicKey.ts";

const SIGNED_DATA = "1.2.840.113549.1.7.2";
const CONTENT_TYPE = "1.2.840.113549.1.9.3";
const MESSAGE_DIGEST = "1.2.840.113549.1.9.4";
const SIGNING_CERTIFICATE_2 = "1.2.840.113549.1.9.16.2.47";
const MOST_CERTIFICATES = 32;
const UNSIGNED_ATTRIBUTES = 0xa1;

/** The signed attributes of a document, and no other (Signed files 5.2, number 3). */
export const DOCUMENT_ATTRIBUTES = [CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_CERTIFICATE_2];

export interface SignedData {
  /** Those that have the form of one. */
  certificates: Certificate[];
  /** None where it is detached. */
  content: Bytes | undefined;
  /** Of the one signer. */
  signer: Der[];
  /** Whether revocation lists stand in it. */
  lists: boolean;
}

export interface Signed {
  signer: Certificate;
  signature: Bytes;
  /** Types of the signed attributes. */
  attributes: string[];
  /** The unsigned attributes: nobody signed them. */
  unsigned: Der | undefined;
}

/** The signed data in a ContentInfo, of this version and about content of this type. What has no meaning here is not read, so it need not have a form either. */
export function parseSignedData(value: Der, version: bigint, contentType: string): SignedData {
  const [type, wrapped, ...more] = sequence(value);
  if (oid(type) !== SIGNED_DATA || more.length > 0) throw new Malformed("no signed data");
  const fields = new Fields(sequence(explicit(wrapped, 0)));
  if (integer(fields.next()) !== version) throw new Malformed("signed data of another version");
  const digests = demandTag(fields.next(), SET).children;
  const content = parseContent(fields.next(), contentType);
  const certificates = fields.optional(0xa0);
  const lists = fields.optional(0xa1);
  const [signer, ...others] = demandTag(fields.next(), SET).children;
  fields.end();
  if ((certificates?.children.length ?? 0) > MOST_CERTIFICATES) throw new Malformed(`more than ${MOST_CERTIFICATES} certificates`);
  if (signer === undefined || others.length > 0) throw new Malformed("signed data with another count of signers than one");
  const parts = sequence(signer);
  demandDer(value, [certificates, lists, ...parts.filter(({ tag }) => tag === UNSIGNED_ATTRIBUTES)].filter((each) => each !== undefined));
  demandDigests(digests, parts);
  return { certificates: certificates?.children.flatMap(({ raw }) => readable(raw) ?? []) ?? [], content, signer: parts, lists: lists !== undefined };
}

function parseContent(value: Der | undefined, contentType: string): Bytes | undefined {
  const [type, wrapped, ...more] = sequence(value);
  if (oid(type) !== contentType || more.length > 0) throw new Malformed("signed data about content of another type");
  return wrapped === undefined ? undefined : demandTag(explicit(wrapped, 0), OCTET_STRING).content;
}

/** Nobody signs which digests the signers are said to use: so it is the one of the signer (RFC 5652 §5.1). */
function demandDigests(digests: Der[], signer: Der[]): void {
  const hash = hashAlgorithm(signer[2]);
  if (digests.length !== 1 || hashAlgorithm(digests[0]) !== hash) throw new Malformed("signed data under other digests than its signer's");
}

interface SignerInfo {
  identifier: Der;
  hash: HashName;
  signed: Der;
  algorithm: Der;
  signature: Bytes;
  unsigned: Der | undefined;
}

/** RFC 5652 §5.3. */
function parseSignerInfo(parts: Der[]): SignerInfo {
  const fields = new Fields(parts);
  const version = integer(demandTag(fields.next(), INTEGER));
  const identifier = fields.next();
  const hash = hashAlgorithm(fields.next());
  const signed = demandTag(fields.next(), 0xa0);
  const algorithm = demandTag(fields.next(), SEQUENCE);
  const signature = demandTag(fields.next(), OCTET_STRING).content;
  const unsigned = fields.optional(UNSIGNED_ATTRIBUTES);
  fields.end();
  if (identifier === undefined || version !== (identifier.tag === SEQUENCE ? 1n : 3n)) throw new Malformed("a signer of another version than his name is of");
  return { identifier, hash, signed, algorithm, signature, unsigned };
}

/** Who signed this content, found among these certificates: by name, by the hash that he signed, and by his signature. */
export function verifySigner(data: SignedData, known: Certificate[], contentType: string, content: Bytes): Signed {
  const info = parseSignerInfo(data.signer);
  const attributes = parseAttributes(info.signed);
  demandContent(attributes, contentType, HASHES[info.hash](content));
  const signer = findSigner([...data.certificates, ...known], info.identifier, attributes);
  const { kind, hash = info.hash } = signatureAlgorithm(info.algorithm);
  const key = keyOf(signer);
  if (key.kind !== kind || hash !== info.hash) throw new Failed("a signature under another algorithm than the signer's key or digest is of");
  // §5.4: what is signed is the SET OF itself, not the tag under which it stands.
  verifyWith(key, hash, concat(Uint8Array.of(SET), info.signed.raw.subarray(1)), info.signature);
  return { signer, signature: info.signature, attributes: [...attributes.keys()], unsigned: info.unsigned };
}

/** In the order of DER, each type once, with one value. */
function parseAttributes({ children }: Der): Map<string, Der> {
  const found = new Map<string, Der>();
  children.forEach((each, place) => {
    const [type, values, ...more] = sequence(each);
    const name = oid(type);
    const [value, ...others] = demandTag(values, SET).children;
    if (more.length > 0 || value === undefined || others.length > 0 || found.has(name)) throw new Malformed("a signed attribute twice, or with another count of values than one");
    if (place > 0 && compare(children[place - 1]!.raw, each.raw) >= 0) throw new Malformed("signed attributes that are not in the order of DER");
    found.set(name, value);
  });
  return found;
}

function demandContent(attributes: Map<string, Der>, contentType: string, digest: Bytes): void {
  if (oid(attributes.get(CONTENT_TYPE)) !== contentType) throw new Failed("the signed attributes say content of another type");
  if (!equal(demandTag(attributes.get(MESSAGE_DIGEST), OCTET_STRING).content, digest)) throw new Failed("the signed attributes have another digest than the content's");
}

/** The certificate that the signer's name, which nobody signed, and the signed attributes both mean. */
function findSigner(certificates: Certificate[], identifier: Der, attributes: Map<string, Der>): Certificate {
  const found = certificates.filter((each) => isNamed(each, identifier));
  if (found.length === 0) throw new Failed("the signer's certificate is not here");
  let fault: unknown;
  for (const each of found) {
    try {
      demandNamed(each, attributes);
      return each;
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
      fault ??= error;
    }
  }
  throw fault;
}

/** By issuer and serial number, or by its key identifier (§5.3). */
function isNamed(certificate: Certificate, identifier: Der): boolean {
  if (identifier.tag === 0x80) {
    const own = subjectKeyIdentifier(certificate);
    return own !== undefined && equal(own, identifier.content);
  }
  const [issuer, serial, ...more] = sequence(identifier);
  if (issuer === undefined || more.length > 0) throw new Malformed("a signer named in another form");
  return equal(issuer.raw, certificate.issuer) && integer(serial) === certificate.serial;
}
