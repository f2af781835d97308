/** Step 12: the signed files are the logged ones and their signers were entitled. */
import { samePair } from "../base/hashes.ts";
import { readCredential, type CredentialFacts } from "../credentials/credential.ts";
import { admitted, type Examination } from "./examination.ts";
import type { Findings } from "./findings.ts";

export function credential(examination: Examination, findings: Findings): CredentialFacts[] {
  const told: CredentialFacts[] = [];
  const { bag, entries, case: { file } } = examination;
  if (!entries.some((entry) => entry.statement.event.type === "credential.issue")) {
    findings.add("not_proved", "the entries shown record no signed file", "所示条目未记录任何签名文件");
  }
  const issued = admitted(examination, "credential.issue");
  for (const { position, file: name } of file.credentials)
    if (!entries.some((entry) => entry.position === position && entry.statement.event.type === "credential.issue"))
      findings.add("contradicted", `${name} is named for entry ${position}, which records no signed file`, `${name} 所对应的条目 ${position} 未记录签名文件`);
  for (const { position, at, event } of issued) {
    const name = file.credentials.find((each) => each.position === position)?.file;
    if (name === undefined || !bag.members.has(name)) {
      findings.add("not_proved", `the file recorded at entry ${position} is not here`, `条目 ${position} 所记录的文件不在此处`);
      continue;
    }
    const { body } = event;
    if (bag.size(name) !== body.size || !samePair(bag.record(name), body.file)) {
      findings.add("contradicted", `${name} is not the file recorded at entry ${position}`, `${name} 不是条目 ${position} 所记录的文件`);
      continue;
    }
    told.push(...readCredential(examination, { name, position, at, event }, findings));
  }
  return told;
}
