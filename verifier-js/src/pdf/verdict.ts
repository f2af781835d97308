/** The verdict on a certificate of registration as PDF (Signed files 5.2). */
import type { Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import { formatTime } from "../base/time.ts";
import { basicConstraints, keyUsage, parseCertificate, purposes, type Certificate } from "../asn1/certificate.ts";
import { findPath, type Purpose } from "../asn1/path.ts";
import { enclosed, revokedBy, type Enclosed, type Said, type Words } from "../asn1/revocation.ts";
import { verifyTimestamp, type Timestamp } from "../asn1/timestamp.ts";
import type { Trust } from "../trust.ts";
import { Changes } from "./changes.ts";
import { readLayout, target } from "./document.ts";
import { demand, refuse } from "./refusal.ts";
import { parseRevisions } from "./revisions.ts";
import { covered, documentSignature, type DocumentSignature } from "./signature.ts";

const MOST_STREAMS = 64;
const SIGNING = ["1.3.6.1.5.5.7.3.36", "1.2.840.113583.1.1.5"];
const [DIGITAL_SIGNATURE, CONTENT_COMMITMENT] = [0, 1];

export interface Problem {
  en: string;
  zh: string;
}

export interface DocumentVerdict {
  signer: string;
  judgedAt: number;
  attachment: Bytes;
  /** What issuers said of the signer and those above him. */
  revocation: Said[];
  problems: Problem[];
}

/** As of `at`; `admitted` is when the log took it, if that is known. Unix seconds. */
export function judgeDocument(file: Bytes, trust: Trust, at: number, admitted?: number, beside?: Words): DocumentVerdict {
  const { text, revisions } = parseRevisions(file);
  const [first, ...later] = revisions;
  const layout = readLayout(first!);
  const signature = documentSignature(covered(file, text, target(first!.objects, layout.signature), first!.end, "ETSI.CAdES.detached"));
  const changes = new Changes(layout, first!);
  const stamps = signature.token === undefined ? [] : [stamp(signature.token, signature.signature, trust, at, beside)];
  for (const revision of later) {
    const number = changes.follow(revision);
    if (number === undefined) continue;
    const { message, value } = covered(file, text, target(revision.objects, number), revision.end, "ETSI.RFC3161");
    stamps.push(stamp(value.raw, message, trust, at, beside));
  }
  const proven = signature.token === undefined || stamps[0]!.authority === undefined ? [] : [stamps[0]!.latest];
  const times = [...proven, ...(admitted === undefined ? [] : [admitted])];
  const judgedAt = times.length === 0 ? at : Math.min(...times);
  const { said, silent } = demandSigner(signature, trust.pdfRoots, changes, judgedAt, beside);
  return { signer: signature.signer.name, judgedAt, attachment: bytesOf(layout.attachment), revocation: said, problems: problemsOf(stamps, silent.length > 0 ? judgedAt : undefined) };
}

function stamp(token: Bytes, message: Bytes, { authorities }: Trust, at: number, beside: Words | undefined): Timestamp {
  let found: Timestamp;
  try {
    found = verifyTimestamp(token, message, authorities, beside);
  } catch (error) {
    if (error instanceof Failed) refuse("pdf.timestamp", `a timestamp in the document does not hold: ${error.message}`);
    throw error;
  }
  demand(found.authority === undefined || found.details.earliest <= at, "time.future", "a timestamp in the document is of after the time of examination, whatever its accuracy");
  return found;
}

/** What the newest security store holds of this kind, each stream once. */
function streamsOf(changes: Changes, kind: "CRLs" | "OCSPs"): Bytes[] {
  const listed = changes.store()?.get(kind);
  if (listed === undefined) return [];
  if (listed.kind !== "list") throw new Malformed(`${kind} of a security store that are no list`);
  const numbers = new Set(listed.values.flatMap((each) => (each.kind === "reference" ? [each.number] : [])));
  if (numbers.size > MOST_STREAMS) throw new Malformed(`more than ${MOST_STREAMS} of ${kind} in a security store`);
  const streams = [...numbers].map((number) => changes.objects.get(number)?.stream);
  return streams.filter((each) => each !== undefined).map(bytesOf);
}

function bytesOf(text: string): Bytes {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

const DOCUMENTS: Purpose = { uses: SIGNING, demandSigner: demandRegistrar };

function demandRegistrar(leaf: Certificate): void {
  const usage = keyUsage(leaf);
  const uses = purposes(leaf) ?? [];
  if (basicConstraints(leaf).ca) throw new Failed(`the signer ${leaf.name} is an authority`);
  if (usage === undefined || usage.size === 0 || [...usage].some((bit) => bit !== DIGITAL_SIGNATURE && bit !== CONTENT_COMMITMENT)) throw new Failed(`the key of ${leaf.name} is for something else`);
  if (uses.length === 0 || !uses.every((each) => SIGNING.includes(each))) throw new Failed(`the signer ${leaf.name} is not for documents alone`);
}

/** What lists and answers say of a path that may sign documents, and of which nobody was revoked by then. */
function demandSigner({ signer, certificates }: DocumentSignature, roots: Bytes[], changes: Changes, at: number, beside: Words | undefined): Enclosed {
  let path: Certificate[] | undefined;
  try {
    for (const root of roots) parseCertificate(root);
    path = findPath(signer, certificates, roots.map((root) => ({ root, certificates: [] })), at, DOCUMENTS)?.certificates;
  } catch (error) {
    if (error instanceof Failed || error instanceof Malformed) refuse("pdf.signer", error.message);
    throw error;
  }
  demand(path !== undefined, "pdf.signer", `no root of the trust file for documents is above ${signer.name}`);
  const found = enclosed(path, at, streamsOf(changes, "CRLs"), streamsOf(changes, "OCSPs"), beside);
  const gone = revokedBy(found, at);
  if (gone !== undefined) refuse("pdf.revoked", `the certificate of ${gone.of} was revoked at ${formatTime(gone.revoked)}, says ${gone.by}`);
  return found;
}

/** `silent`: the instant of which nothing tells whether the signer was revoked by then. */
function problemsOf(stamps: Timestamp[], silent: number | undefined): Problem[] {
  const fallen = stamps.map(({ revoked }) => revoked).filter((each) => each !== undefined).map(({ of, revoked, by }) => ({
    en: `a timestamp in the document counts no more: the certificate of ${of} was revoked at ${formatTime(revoked)}, says ${by}`, zh: `文件中的一个时间戳不再作数：${of} 的证书已于 ${formatTime(revoked)} 被 ${by} 吊销`,
  }));
  const unnamed = stamps.filter((each) => each.authority === undefined && each.revoked === undefined).map(({ signer }) => ({
    en: `a timestamp in the document is by ${signer}, whom the trust file does not name: it counts for nothing`, zh: `文件中的一个时间戳由 ${signer} 出具，信任文件未列明该机构：不予采信`,
  }));
  const unknown = [...fallen, ...unnamed];
  if (silent === undefined) return unknown;
  const then = formatTime(silent);
  return [...unknown, { en: `nothing that is enclosed says whether its signer's certificate was revoked by ${then}`, zh: `所附材料未说明截至 ${then} 签署人的证书是否已被吊销` }];
}
