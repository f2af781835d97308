/** Signed files (Signed files 2 to 4): what this program says of a file whose digests are the logged ones. */
import type { EventOf } from "../events/event.ts";
import type { Examination } from "../steps/examination.ts";
import type { Findings } from "../steps/findings.ts";

export interface Logged {
  name: string;
  position: number;
  /** Admission time. */
  at: string;
  event: EventOf<"credential.issue">;
}

export async function readCredential(_: Examination, { name, position }: Logged, findings: Findings): Promise<void> {
  findings.add("needs_external_fact", `${name} is the file recorded at entry ${position}; judge its Content Credential with another program`,
    `${name} 即条目 ${position} 所记录的文件；其内容凭证请以其他程序检验`);
}
