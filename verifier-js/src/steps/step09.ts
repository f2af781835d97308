/** Step 9: objects, jobs and capabilities of the case are bound and complete. */
import { isRegistered } from "../admission/state.ts";
import { admitted, introduced, type Examination } from "./examination.ts";
import type { Findings } from "./findings.ts";
import { shownHistories, wantedHistories } from "./histories.ts";

export function traceability(examination: Examination, findings: Findings): void {
  const { subjects, replay: { state }, case: { file } } = examination;
  for (const subject of subjects)
    if (!isRegistered(state, subject)) findings.add("not_proved", `no entry here registers ${subject}`, `此处没有登记 ${subject} 的条目`);
  const own = [...subjects].filter((subject) => state.objects.has(subject));
  const sources = new Set(own.flatMap((object) => madeFrom(examination, object)));
  for (const object of new Set([...own, ...sources])) bound(examination, object, findings);
  if (file.kind === "job" && !own.some((object) => state.objects.get(object)!.job === file.subject))
    findings.add("not_proved", "the job has no output", "该任务没有产出");
  if (file.kind !== "object" && (state.policy?.version ?? 0) >= 4 && servingRoots(examination).length === 0)
    findings.add("not_proved", "under no root of the map is there a proof of every history of its own", "没有任一映射根之下备有各自历史的全部证明");
  findings.add("proved", `objects of the case: ${own.length}; those they were made from: ${sources.size}`, `本案客体：${own.length}；其来源客体：${sources.size}`);
}

/** Roots that an admitted entry states, under which there is a proof of every own history and nothing about the subjects beyond. */
export function servingRoots(examination: Examination): { size: number; time: string }[] {
  const { case: { map }, subjects } = examination;
  if (map === undefined) return [];
  const shown = shownHistories(examination);
  const own = wantedHistories(examination).filter(([relation]) => relation === "own").map(([, text]) => text);
  const last = Math.max(-1, ...[...subjects].flatMap((subject) => shown.get(`own ${subject}`) ?? []).map((each) => each.position));
  return admitted(examination, "log.map-root").filter(({ position, event }) => {
    const proofs = map.roots.get(position);
    return proofs !== undefined && own.every((text) => proofs.own.has(text)) && event.body.size > last;
  }).map(({ at, event }) => ({ size: event.body.size, time: at }));
}

/** Bases of kind object, and inputs of the job. */
function madeFrom(examination: Examination, object: string): string[] {
  const body = introduced(examination, "object.register", object)!.body;
  const bases = body.basis.flatMap((basis) => (basis.kind === "object" ? [basis.subject!] : []));
  const job = body.generation === undefined ? undefined : introduced(examination, "job.register", body.generation.job);
  return [...bases, ...(job?.body.inputs.map((input) => input.object) ?? [])];
}

function bound(examination: Examination, object: string, findings: Findings): void {
  const event = introduced(examination, "object.register", object);
  if (event === undefined) {
    findings.add("not_proved", `no entry here registers ${object}`, `此处没有登记 ${object} 的条目`);
    return;
  }
  const { generation } = event.body;
  if (generation === undefined) return;
  const { jobs, capabilities } = examination.replay.state;
  const completed = admitted(examination, "job.complete").some((entry) => entry.event.subject === generation.job && entry.event.body.outputs.includes(object));
  if (!jobs.has(generation.job) || !completed || !capabilities.has(generation.capability))
    findings.add("not_proved", `job ${generation.job} of ${object}, its completion or its capability is not here`, `${object} 的任务 ${generation.job}、其完成记录或模型备案不在此处`);
}
