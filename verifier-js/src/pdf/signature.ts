/** What a signature in a document covers, and its bytes (Signed files 5.2, numbers 2, 3 and 5). */
import { concat, fromHex, type Bytes } from "../base/bytes.ts";
import { Malformed } from "../base/errors.ts";
import { DOCUMENT_ATTRIBUTES, parseSignedData, verifySigner, type SignedData } from "../asn1/cms.ts";
import type { Certificate } from "../asn1/certificate.ts";
import { demandTag, firstDer, oid, sequence, SEQUENCE, SET, type Der } from "../asn1/der.ts";
import { demand } from "./refusal.ts";
import type { PdfObject } from "./revisions.ts";
import { isName, type Value } from "./values.ts";

const DATA = "1.2.840.113549.1.7.1";
const SIGNATURE_TIMESTAMP = "1.2.840.113549.1.9.16.2.14";

/** What is signed, and the DER value of the signature. */
export interface Covered {
  message: Bytes;
  value: Der;
}

/** The ranges of this signature are all of the file up to the end of its revision, but for its value. */
export function covered(file: Bytes, text: string, { value, start, end }: PdfObject, revisionEnd: number, filter: string): Covered {
  demand(value.kind === "dictionary" && isName(value.members.get("SubFilter"), filter), "pdf.signature", `a signature is not of the form ${filter}`);
  const contents = value.members.get("Contents");
  const range = rangeOf(value.members.get("ByteRange"));
  const alone = contents?.kind === "text" && contents.from > start && contents.to <= end && /^\/Contents <(?:[0-9A-Fa-f]{2})+>$/.test(text.slice(contents.from - 10, contents.to));
  const whole = alone && range.length === 4 && range[0] === 0 && range[1] === contents.from && range[2] === contents.to && range[2] + range[3]! === revisionEnd;
  demand(whole, "pdf.range", "a signature does not cover its revision from the first byte to the last");
  const hex = text.slice(contents.from + 1, contents.to - 1).toLowerCase();
  const bytes = fromHex(hex);
  const found = firstDer(bytes);
  if (!bytes.subarray(found.raw.length).every((byte) => byte === 0)) throw new Malformed("something else than zeros behind a signature of the PDF");
  return { message: concat(file.subarray(0, contents.from), file.subarray(contents.to, revisionEnd)), value: found };
}

function rangeOf(value: Value | undefined): number[] {
  if (value?.kind !== "list") return [];
  return value.values.map((each) => (each.kind === "number" && /^[0-9]+$/.test(each.text) ? Number(each.text) : NaN));
}

export interface DocumentSignature {
  signer: Certificate;
  certificates: Certificate[];
  /** What the signature timestamp is over. */
  signature: Bytes;
  /** The signature timestamp, if there is one. */
  token: Bytes | undefined;
}

/** The registrar's signature, which holds by the certificate that it names. */
export function documentSignature({ message, value }: Covered): DocumentSignature {
  const data: SignedData = parseSignedData(value, 1n, DATA);
  if (data.content !== undefined || data.lists) throw new Malformed("a signature of a document that brings its data, or revocation lists");
  if (data.signer[1]?.tag !== SEQUENCE) throw new Malformed("a signature of a document that does not name its signer by issuer and serial number");
  const { signer, signature, attributes, unsigned } = verifySigner(data, data.certificates, DATA, message);
  demand(attributes.length === DOCUMENT_ATTRIBUTES.length && attributes.every((each) => DOCUMENT_ATTRIBUTES.includes(each)), "pdf.signature", "other signed attributes than a document's");
  return { signer, certificates: data.certificates, signature, token: unsigned === undefined ? undefined : tokenOf(unsigned) };
}

/** The only unsigned attribute. */
function tokenOf(unsigned: Der): Bytes | undefined {
  const [attribute, ...more] = unsigned.children;
  if (attribute === undefined) return undefined;
  const [type, values, ...rest] = sequence(attribute);
  const [token, ...others] = demandTag(values, SET).children;
  demand(more.length === 0 && rest.length === 0 && oid(type) === SIGNATURE_TIMESTAMP && token !== undefined && others.length === 0, "pdf.signature", "other unsigned attributes than a signature timestamp");
  return token.raw;
}
