/** Who may answer for an issuer (Signed files 6; RFC 6960 §4.2.2.2). */
import { equal, type Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import { EXTENSION, keyUsage, parseCertificate, purposes, type Certificate } from "./certificate.ts";
import { demandTag, explicit, integer, parseDer, partsOf, SEQUENCE, sequence, signatureBits } from "./der.ts";
import { isSignedBy } from "./signed.ts";
import { signerKey } from "./signing.ts";

const OCSP_SIGNING = "1.3.6.1.5.5.7.3.9";
const KNOWN_CRITICAL: string[] = [
  EXTENSION.basicConstraints, EXTENSION.keyUsage, EXTENSION.extendedKeyUsage, EXTENSION.subjectKey, EXTENSION.authorityKey, EXTENSION.policies, EXTENSION.subjectNames,
];
const [DIGITAL_SIGNATURE, NON_REPUDIATION] = [0, 1];
const VERSION_3 = 2n;
const LONGEST_RSA = 16_384;

/** The issuer himself certified it to answer for him; his signature is asked before the rest is read. */
export function answersFor(bytes: Bytes, issuer: Certificate): boolean {
  try {
    const [tbs, algorithm, signature] = partsOf(bytes);
    if (!isSignedBy(issuer, parseDer(demandTag(algorithm, SEQUENCE).raw), demandTag(tbs, SEQUENCE).raw, signatureBits(signature))) return false;
    const responder = parseCertificate(bytes, false);
    const usage = keyUsage(responder);
    return equal(responder.issuer, issuer.subject) && isVersion3(responder.tbs) && (purposes(responder) ?? []).includes(OCSP_SIGNING) &&
      (usage === undefined || usage.has(DIGITAL_SIGNATURE!) || usage.has(NON_REPUDIATION!)) && isUnderstood(responder) && hasKey(responder);
  } catch (error) {
    if (error instanceof Malformed || error instanceof Failed) return false;
    throw error;
  }
}

function isVersion3(tbs: Bytes): boolean {
  const [version] = sequence(parseDer(tbs));
  return integer(explicit(version, 0)) === VERSION_3;
}

/** No name constraints, and nothing critical that is not known. */
function isUnderstood({ extensions }: Certificate): boolean {
  return !extensions.has(EXTENSION.nameConstraints) && [...extensions].every(([name, { critical }]) => !critical || KNOWN_CRITICAL.includes(name));
}

/** On one of the curves, Ed25519, or RSA of 2048 to 16384 bits; others have no key here. */
function hasKey(responder: Certificate): boolean {
  signerKey(responder.keyInfo, LONGEST_RSA);
  return true;
}
