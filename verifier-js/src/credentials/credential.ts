/** A signed file in a bundle, held against the log (Signed files 4): cards, and certificates as PDF. */
import { Failed, Malformed } from "../base/errors.ts";
import { formatTime, parseTime } from "../base/time.ts";
import type { EventOf } from "../events/event.ts";
import type { Said } from "../asn1/revocation.ts";
import { judgeDocument } from "../pdf/verdict.ts";
import type { Examination } from "../steps/examination.ts";
import type { Findings, Sentence } from "../steps/findings.ts";
import { judgeFile } from "./claim.ts";
import { Open, within } from "./open.ts";
import { demandAttachment, demandPayload } from "./payload.ts";
import { told, wordsTold, type SaidFact } from "./revoked.ts";

const CARD = "image/png";

/** A `credential.issue` entry that the rules admit, and the file that the case names for it. */
export interface Logged {
  name: string;
  position: number;
  /** When the entry was admitted. */
  at: string;
  event: EventOf<"credential.issue">;
}

export interface CredentialFacts {
  file: string;
  position: number;
  subject: string;
  signer: string;
  judged_at: string;
  digital_source_type: string | null;
  revocation?: SaidFact[];
}

interface Judged {
  signer: string;
  judgedAt: number;
  sourceType: string | null;
  revocation: Said[];
  problems: Sentence[];
}

/** What is found of it; facts where all holds. */
export function readCredential(examination: Examination, logged: Logged, findings: Findings): CredentialFacts[] {
  const { name, position, event } = logged;
  try {
    const judged = event.body.form === "pades" ? judgePdf(examination, logged) : judgeCard(examination, logged);
    tell(logged, judged, findings);
    const { signer, judgedAt, sourceType, revocation } = judged;
    return [{ file: name, position, subject: event.subject, signer, judged_at: formatTime(judgedAt), digital_source_type: sourceType, ...told(revocation) }];
  } catch (error) {
    if (error instanceof Open)
      findings.add("needs_external_fact", `${name}, recorded at entry ${position}, is not judged here, ask another program: ${error.message}`, `${name}（条目 ${position} 所记录）此处不作判断，请用其他程序：${error.message}`);
    else findings.fault({ en: `${name}, recorded at entry ${position},`, zh: `${name}（条目 ${position} 所记录）` }, error);
    return [];
  }
}

/** Judged at the admission of the entry. What a card does not have of its form other programs may read. */
function judgeCard(examination: Examination, { name, at, event }: Logged): Judged {
  const { bag, trust, words } = examination;
  within(event.body.media_type === CARD, `a file of type ${event.body.media_type}`);
  try {
    const { assertion, ...judged } = judgeFile(bag.read(name), trust, parseTime(at), words);
    demandPayload(examination, event.subject, assertion);
    return judged;
  } catch (error) {
    if (error instanceof Malformed) throw new Open(error.message);
    throw error;
  }
}

/** The form of a document is the whole of what is accepted: what has it not is false. */
function judgePdf(examination: Examination, { name, at, event }: Logged): Judged {
  const { bag, trust, words, atSeconds } = examination;
  try {
    const { attachment, ...judged } = judgeDocument(bag.read(name), trust, atSeconds, parseTime(at), words);
    demandAttachment(examination, event.subject, attachment);
    return { ...judged, sourceType: null };
  } catch (error) {
    if (error instanceof Malformed) throw new Failed(error.message);
    throw error;
  }
}

function tell({ name, position, event }: Logged, { signer, judgedAt, revocation, problems }: Judged, findings: Findings): void {
  const time = formatTime(judgedAt);
  findings.add("proved", `${name} is the file recorded at entry ${position}; signed by ${signer}, entitled at ${time}; it names ${event.subject}`,
    `${name} 即条目 ${position} 所记录的文件；由 ${signer} 签署，其于 ${time} 有权签署；其所指为 ${event.subject}`);
  for (const { en, zh } of problems) findings.add("proved", `about ${name}: ${en}`, `关于 ${name}：${zh}`);
  for (const { en, zh } of wordsTold(revocation)) findings.add("proved", `${name}: ${en}`, `${name}：${zh}`);
}
