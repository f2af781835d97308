/** Signed files (Signed files 2 to 4): what this program says of a file whose digests are the logged ones. */
import { Failed, LaterVersion, Malformed } from "../base/errors.ts";
import { formatTime, parseTime } from "../base/time.ts";
import type { EventOf } from "../events/event.ts";
import type { Examination } from "../steps/examination.ts";
import type { Findings } from "../steps/findings.ts";
import { judgeFile } from "./claim.ts";
import { Open, within } from "./open.ts";
import { told, type SaidFact } from "./revoked.ts";
import { judgeDocument } from "../pdf/verdict.ts";
import { demandAttachment, demandPayload } from "./payload.ts";

export interface Logged {
  name: string;
  position: number;
  /** Admission time. */
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
  /** What issuers said of the signer's path, where something does. */
  revocation?: SaidFact[];
}

/** What is told of a file that holds; of others a finding. */
export function readCredential(examination: Examination, logged: Logged, findings: Findings): CredentialFacts[] {
  const { name, position } = logged;
  try {
    const facts = judge(examination, logged, findings);
    findings.add("proved", `${name} is the file recorded at entry ${position}, signed by ${facts.signer}, judged at ${facts.judged_at}`,
      `${name} 即条目 ${position} 所记录的文件，由 ${facts.signer} 签署，按 ${facts.judged_at} 判断`);
    return [facts];
  } catch (error) {
    if (error instanceof Failed) findings.add("contradicted", `${name} does not hold: ${error.message}`, `${name} 不成立：${error.message}`);
    else if (error instanceof Open || error instanceof Malformed || error instanceof LaterVersion)
      findings.add("needs_external_fact", `${name} is the file recorded at entry ${position}; judge its signature with another program: this one does not judge ${error.message}`,
        `${name} 即条目 ${position} 所记录的文件；其签名请以其他程序检验：本程序不检验 ${error.message}`);
    else throw error;
    return [];
  }
}

function judge(examination: Examination, logged: Logged, findings: Findings): CredentialFacts {
  const { name, position, at, event: { subject, body } } = logged;
  if (body.form === "pades") return judgePdf(examination, logged, findings);
  within(body.form === "c2pa" && body.media_type === "image/png", `files of type ${body.media_type} in form ${body.form}`);
  const verdict = judgeFile(examination.bag.read(name), examination.trust, parseTime(at), examination.words);
  demandPayload(examination, subject, verdict.assertion);
  for (const { en, zh } of verdict.problems) findings.add("proved", `${name}: ${en}`, `${name}：${zh}`);
  return { file: name, position, subject, signer: verdict.signer, judged_at: formatTime(verdict.judgedAt), digital_source_type: verdict.sourceType, ...told(verdict.revocation) };
}

/** Of this form nothing is left open: what is not of the document's form does not hold. */
function judgePdf(examination: Examination, { name, position, at, event: { subject } }: Logged, findings: Findings): CredentialFacts {
  try {
    const { signer, judgedAt, attachment, revocation, problems } = judgeDocument(examination.bag.read(name), examination.trust, examination.atSeconds, parseTime(at), examination.words);
    demandAttachment(examination, subject, attachment);
    for (const { en, zh } of problems) findings.add("proved", `${name}: ${en}`, `${name}：${zh}`);
    return { file: name, position, subject, signer, judged_at: formatTime(judgedAt), digital_source_type: null, ...told(revocation) };
  } catch (error) {
    if (error instanceof Malformed) throw new Failed(error.message);
    throw error;
  }
}
