/** Who signed a document: path, and what is enclosed about revocation (Signed files 5.2, numbers 7 and 8). */
import { basicConstraints, keyUsage, purposes, readableRoot, type Certificate } from "../asn1/certificate.ts";
import { findPath, type Purpose } from "../asn1/path.ts";
import { enclosed, revokedBy, type Said, type Words } from "../asn1/revocation.ts";
import type { Bytes } from "../base/bytes.ts";
import { Failed } from "../base/errors.ts";
import { formatTime } from "../base/time.ts";
import { demand, refuse, under } from "./refusal.ts";
import type { Enclosures } from "./securityStore.ts";
import type { DocumentSignature } from "./signature.ts";
import type { Problem } from "./verdict.ts";

/** id-kp-documentSigning (RFC 9336), and Adobe's own. */
const USES = ["1.3.6.1.5.5.7.3.36", "1.2.840.113583.1.1.5"];
const DIGITAL_SIGNATURE = 0;
const NON_REPUDIATION = 1;

const DOCUMENTS: Purpose = { uses: USES, demandSigner: demandDocumentSigner };

function demandDocumentSigner(certificate: Certificate): void {
  if (basicConstraints(certificate).ca) throw new Failed("the signer of the document is an authority");
  const usage = [...(keyUsage(certificate) ?? [])];
  if (usage.length === 0 || usage.some((each) => each !== DIGITAL_SIGNATURE && each !== NON_REPUDIATION)) throw new Failed("the signer's key is for another use");
  const found = purposes(certificate) ?? [];
  if (found.length === 0 || found.some((each) => !USES.includes(each))) throw new Failed("the signer's certificate is not for documents alone");
}

/** From the signer to the root. */
export function pathOf({ signer, certificates }: DocumentSignature, roots: Bytes[], at: number): Certificate[] {
  return under("pdf.signer", () => {
    for (const root of roots) demand(readableRoot(root) !== undefined, "pdf.signer", "a root of the trust file cannot be read");
    const path = findPath(signer, certificates, roots.map((root) => ({ root, certificates: [] })), at, DOCUMENTS);
    if (path === undefined) refuse("pdf.signer", `no path leads from ${signer.name} to a root of the trust file`);
    return path.certificates;
  });
}

export interface Revocation {
  said: Said[];
  problems: Problem[];
}

export function demandNotRevoked(path: Certificate[], at: number, { lists, answers }: Enclosures, beside: Words | undefined): Revocation {
  const found = enclosed(path, at, lists, answers, beside);
  const revoked = revokedBy(found, at);
  if (revoked !== undefined) refuse("pdf.revoked", `the certificate of ${revoked.of} was revoked at ${formatTime(revoked.revoked)}, says ${revoked.by}`);
  return { said: found.said, problems: found.silent.length === 0 ? [] : [silence(found.silent, at)] };
}

function silence(silent: Certificate[], at: number): Problem {
  const names = silent.map(({ name }) => name);
  return {
    en: `nothing that is enclosed says whether the certificate of ${names.join(" or ")} was revoked by ${formatTime(at)}`,
    zh: `所附资料均未说明 ${names.join("、")} 的证书截至 ${formatTime(at)} 是否被吊销`,
  };
}
