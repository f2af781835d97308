/** The verdict on a document (Signed files 5.2). */
import type { Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import { type Said, type Words } from "../asn1/revocation.ts";
import type { Timestamp } from "../asn1/timestamp.ts";
import type { Trust } from "../trust.ts";
import { attachmentOf } from "./attachment.ts";
import { covered, type Covered } from "./byteRange.ts";
import { Changes } from "./changes.ts";
import { demandDictionary } from "./objects.ts";
import { readDocument, type Document } from "./revisions.ts";
import { enclosuresOf } from "./securityStore.ts";
import { readLayout } from "./signedRevision.ts";
import { verifySignature } from "./signature.ts";
import { demandNotRevoked, pathOf } from "./signer.ts";
import { Timestamps } from "./timestamps.ts";

export interface Problem {
  en: string;
  zh: string;
}

export interface DocumentVerdict {
  signer: string;
  judgedAt: number;
  attachment: Bytes;
  revocation: Said[];
  problems: Problem[];
}

const SIGNATURE = { subfilter: "ETSI.CAdES.detached", code: "pdf.signature" };
const TIMESTAMP = { subfilter: "ETSI.RFC3161", code: "pdf.timestamp" };

/** `Failed` where it does not hold or has not its form. Times are Unix seconds; `admitted` is of the entry in the log, `beside` what a bundle holds of revocation. */
export function judgeDocument(file: Bytes, trust: Trust, at: number, admitted?: number, beside?: Words): DocumentVerdict {
  try {
    return judge(readDocument(file), trust, at, admitted, beside);
  } catch (error) {
    if (error instanceof Malformed) throw new Failed(`the document is not of the form of the format: ${error.message}`);
    throw error;
  }
}

function judge(document: Document, trust: Trust, at: number, admitted: number | undefined, beside: Words | undefined): DocumentVerdict {
  const { first } = document;
  const layout = readLayout(first);
  const signature = verifySignature(covered(document, first.end, layout.signature, SIGNATURE));
  const changes = new Changes(layout, first);
  const stamps = stampsOf(document, changes);
  const timestamps = new Timestamps(trust, at, beside);
  const own = signature.timestamp && timestamps.verify({ token: signature.timestamp, message: signature.signature });
  for (const { message, contents } of stamps) timestamps.verify({ token: contents.raw, message: message() });
  const judgedAt = instantOf(own, admitted, at);
  const path = pathOf(signature, trust.pdfRoots, judgedAt);
  const { said, problems } = demandNotRevoked(path, judgedAt, enclosuresOf(changes.objects, changes.store()), beside);
  const catalog = demandDictionary(first.objects.get(layout.catalog), "the catalog");
  const attachment = attachmentOf(first.objects, catalog);
  return { signer: signature.signer.name, judgedAt, attachment, revocation: said, problems: [...timestamps.problems, ...problems] };
}

/** What each document timestamp covers. */
function stampsOf(document: Document, changes: Changes): Covered[] {
  return document.later.flatMap((revision) => {
    const stamp = changes.follow(revision);
    return stamp === undefined ? [] : [covered(document, revision.end, stamp, TIMESTAMP)];
  });
}

/** The earliest instant by which the signature is known to have been there. */
function instantOf(timestamp: Timestamp | undefined, admitted: number | undefined, at: number): number {
  const known = [timestamp?.latest, admitted].filter((each) => each !== undefined);
  return known.length === 0 ? at : Math.min(...known);
}
