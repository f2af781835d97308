/** The verdict on a card: a PNG with one manifest, judged by roots of the trust file alone (Signed files 2). */
import { type Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import { type Json } from "../base/json.ts";
import { EXTENSION, type Certificate } from "../asn1/certificate.ts";
import { enclosed, type Said, type Words } from "../asn1/revocation.ts";
import { verifyTimestamp, type Timestamp } from "../asn1/timestamp.ts";
import type { Sentence } from "../steps/findings.ts";
import type { Authority, Trust } from "../trust.ts";
import { readAssertions } from "./assertions.ts";
import { demandBinding } from "./binding.ts";
import { readManifest } from "./manifest.ts";
import { Open, within } from "./open.ts";
import { storeInPng } from "./png.ts";
import { demandNotRevoked, unanswered } from "./revoked.ts";
import { readSignature, type ClaimSignature } from "./sign1.ts";
import { demandClaimPath, pathTo } from "./signers.ts";

export interface Verdict {
  /** Subject of the leaf. */
  signer: string;
  /** Unix seconds: the proven time of signing, or the instant that was asked about. */
  judgedAt: number;
  sourceType: string | null;
  assertion: { label: string; value: Json } | undefined;
  revocation: Said[];
  problems: Sentence[];
}

/** `Failed` where a rule refuses the file, `Open` where other programs must be asked. */
export function judgeFile(bytes: Bytes, trust: Trust, at: number, beside?: Words): Verdict {
  const place = storeInPng(bytes);
  const manifest = readManifest(place.store);
  const signature = readSignature(manifest.signature, manifest.claim);
  const { sourceType, payload } = readAssertions(manifest, at);
  demandBinding(bytes, place, manifest);
  const signing = timeOfSigning(signature, trust.authorities, at, beside);
  // Who is judged by a clock that may be slow is judged as late as it may have been, as in documents; never later than asked.
  const judgedAt = Math.min(signing.time ?? at, at);
  const path = pathTo(signature.chain, trust.c2paRoots);
  demandClaimPath(path, judgedAt);
  const found = enclosed(path, judgedAt, [], signature.answers, beside);
  demandNotRevoked(found, judgedAt);
  const problems = [...signing.problems, ...unanswered(found, judgedAt)];
  return { signer: path[0]!.name, judgedAt, sourceType, assertion: payload, revocation: found.said, problems };
}

interface Signing {
  /** Unix seconds; none where nobody who is trusted about time says it. */
  time: number | undefined;
  problems: Sentence[];
}

/** Number 7. A token that does not count says nothing of time, and refuses nothing but by its own future. */
function timeOfSigning({ stamp }: ClaimSignature, authorities: Authority[], at: number, beside: Words | undefined): Signing {
  if (stamp === undefined) return { time: undefined, problems: [] };
  const token = tokenOf(stamp, authorities, beside);
  // The fraction of a second counts too, where no accuracy hides it.
  if (token.time > at || token.latest - (token.accuracy ?? 0) > at) throw new Failed("time.future: a timestamp says a later time");
  token.details.path.slice(0, -1).forEach(demandClock);
  const { authority } = token;
  if (token.revoked !== undefined)
    return { time: undefined, problems: [{ en: `the certificate of ${token.signer}, who signed its timestamp, was revoked: it proves no time`, zh: `时间戳签名者 ${token.signer} 的证书已被吊销：该时间戳不证明时间` }] };
  within(authority !== undefined, `a timestamp by ${token.signer}, for whom nobody of the trust file vouches`);
  if (authority.independent && !token.operatorOnly) return { time: token.latest, problems: [] };
  return { time: token.latest, problems: [{ en: `the time of signing is the word of ${authority.name}, who is not independent of the operator`, zh: `签名时间为 ${authority.name} 所述，其并不独立于运营方` }] };
}

/** C2PA has a profile for these too (C2PA 14.5.1), of which timestamps alone ask less. */
function demandClock(certificate: Certificate): void {
  const { extensions, identifiers, name } = certificate;
  within(!identifiers && extensions.has(EXTENSION.keyUsage) && extensions.has(EXTENSION.authorityKey), `the certificate of ${name}, which is not of the profile of C2PA`);
}

/** What does not hold may still say a time that refuses: other programs read it. */
function tokenOf({ token, message }: NonNullable<ClaimSignature["stamp"]>, authorities: Authority[], beside: Words | undefined): Timestamp {
  try {
    return verifyTimestamp(token, message, authorities, beside);
  } catch (error) {
    if (error instanceof Failed || error instanceof Malformed) throw new Open(`a timestamp that does not hold: ${error.message}`);
    throw error;
  }
}
