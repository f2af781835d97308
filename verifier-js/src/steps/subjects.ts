/** The subjects of a case (step 9): its own, and what follows from it. */
import { admitted, introduced, type Examination } from "./examination.ts";

export function findSubjects(examination: Examination): Set<string> {
  const subjects = new Set([examination.case.file.subject]);
  for (const subject of subjects) for (const next of following(examination, subject)) subjects.add(next);
  return subjects;
}

function following(examination: Examination, subject: string): string[] {
  const job = introduced(examination, "object.register", subject)?.body.generation?.job;
  const licensed = introduced(examination, "licence.grant", subject)?.body.object;
  const certified = introduced(examination, "certificate.issue", subject)?.body.object;
  const disputed = introduced(examination, "dispute.open", subject)?.body.target;
  const outputs = admitted(examination, "job.complete").filter((entry) => entry.event.subject === subject).flatMap((entry) => entry.event.body.outputs);
  return [job, licensed, certified, disputed, ...outputs].filter((each) => each !== undefined);
}
