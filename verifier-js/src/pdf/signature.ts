/** The signature of a document: CMS over detached data (RFC 5652; Signed files 5.2, number 3). */
import type { Certificate } from "../asn1/certificate.ts";
import { DOCUMENT_ATTRIBUTES, parseSignedData, verifySigner } from "../asn1/cms.ts";
import { oid, sequence, SEQUENCE, SET, demandTag, type Der } from "../asn1/der.ts";
import type { Bytes } from "../base/bytes.ts";
import type { Covered } from "./byteRange.ts";
import { demand, under } from "./refusal.ts";

const CODE = "pdf.signature";
const DATA = "1.2.840.113549.1.7.1";
/** id-aa-timeStampToken (RFC 3161, appendix A). */
const SIGNATURE_TIMESTAMP = "1.2.840.113549.1.9.16.2.14";
const UNSIGNED_ATTRIBUTES = 0xa1;

export interface DocumentSignature {
  signer: Certificate;
  /** All that the signature brings, the signer's among them. */
  certificates: Certificate[];
  /** The bytes of the signature, which a signature timestamp is over. */
  signature: Bytes;
  timestamp: Bytes | undefined;
}

export function verifySignature({ message, contents }: Covered): DocumentSignature {
  return under(CODE, () => {
    const data = parseSignedData(contents, 1n, DATA);
    demand(data.content === undefined, CODE, "the data are not detached");
    demand(!data.lists, CODE, "revocation lists stand in the signature");
    demand(data.signer[1]?.tag === SEQUENCE, CODE, "the signer is not named by issuer and serial number");
    const { signer, signature, attributes, unsigned } = verifySigner(data, data.certificates, DATA, message());
    const exact = attributes.length === DOCUMENT_ATTRIBUTES.length && DOCUMENT_ATTRIBUTES.every((each) => attributes.includes(each));
    demand(exact, CODE, "other attributes are signed than content type, message digest and signing certificate");
    return { signer, certificates: data.certificates, signature, timestamp: timestampOf(unsigned) };
  });
}

/** Of unsigned attributes there is at most this one, with one value. */
function timestampOf(unsigned: Der | undefined): Bytes | undefined {
  if (unsigned === undefined) return undefined;
  const attributes = demandTag(unsigned, UNSIGNED_ATTRIBUTES).children;
  demand(attributes.length === 1, CODE, "not one unsigned attribute");
  const [type, values, ...more] = sequence(attributes[0]);
  const { children } = demandTag(values, SET);
  demand(oid(type) === SIGNATURE_TIMESTAMP && children.length === 1 && more.length === 0, CODE, "an unsigned attribute that is no signature timestamp");
  return children[0]!.raw;
}
