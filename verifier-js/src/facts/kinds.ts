/** What a case of a kind is about: a licence's standing, a job's node, the disputes (step 9: what each kind must show). */
import { licensorOf, standingAt } from "../admission/standing.ts";
import type { Licence, Standing, State } from "../admission/state.ts";
import type { EventOf } from "../events/event.ts";
import { admitted, admittedAt, introduced, partyOf, type Examination } from "../steps/examination.ts";
import { servingRoots } from "../steps/step09.ts";

/** From the mildest to the gravest. */
const GRAVITY: Standing[] = ["valid", "suspended", "expired", "revoked"];

/** Size and time of the largest root that shows the own histories; null where none does. */
export function asOf(examination: Examination): { size: number; time: string } | null {
  const served = servingRoots(examination).sort((a, b) => a.size - b.size).at(-1);
  return served ?? null;
}

export function standing(examination: Examination): object | undefined {
  const { at, case: { file }, replay: { state } } = examination;
  const own = file.kind === "licence" ? state.licences.get(file.subject) : undefined;
  if (own === undefined) return undefined;
  const chain = chainOf(state, file.subject, own);
  const told = chain.map(({ name, licence }) => ({ name, standing: standingAt(licence, at) }));
  const gravest = GRAVITY[Math.max(...told.map((each) => GRAVITY.indexOf(each.standing)))]!;
  const deciding = gravest === "valid" ? told[0]! : told.filter((each) => each.standing === gravest).at(-1)!;
  return {
    licence: file.subject, status: gravest, decided_by: deciding.name, as_of: asOf(examination),
    chain: chain.map(({ name, licence }) => ({
      licence: name, object: licence.object, licensor: licensorOf(state, licence)!,
      ...(licence.holder === undefined ? {} : { holder: licence.holder }), ...(licence.parent === undefined ? {} : { parent: licence.parent }),
    })),
  };
}

/** It and its ancestors, from itself up. */
function chainOf(state: State, name: string, licence: Licence): { name: string; licence: Licence }[] {
  const parent = licence.parent === undefined ? undefined : state.licences.get(licence.parent);
  return [{ name, licence }, ...(parent === undefined ? [] : chainOf(state, licence.parent!, parent))];
}

export function graph(examination: Examination): object | undefined {
  const { case: { file }, replay: { admitted: all } } = examination;
  const job = file.kind === "job" ? admitted(examination, "job.register").find(({ event }) => event.subject === file.subject) : undefined;
  if (job === undefined) return undefined;
  const { capability, inputs } = job.event.body;
  const events = [...all.values()].filter(({ position, statement }) => position < job.position && statement.event.subject === capability)
    .sort((a, b) => a.position - b.position).map(({ statement }) => statement.event);
  const grade = events.filter((event) => event.type === "capability.grade").at(-1)?.body.grade;
  const outputs = admitted(examination, "job.complete").filter(({ event }) => event.subject === file.subject).flatMap(({ event }) => event.body.outputs);
  return {
    job: file.subject, position: job.position,
    capability: {
      capability, version: introduced(examination, "capability.file", capability)?.body.version ?? "", status: stateOf(events.map(({ type }) => type)),
      ...(grade === undefined ? {} : { grade }),
    },
    inputs: inputs.map(({ object, role }) => ({ object, role })), outputs, as_of: asOf(examination),
  };
}

const STATES: Record<string, string> = {
  "capability.file": "filed", "capability.approve": "approved", "capability.reinstate": "approved", "capability.suspend": "suspended", "capability.revoke": "revoked",
};

function stateOf(types: string[]): string {
  return types.reduce((state, type) => STATES[type] ?? state, "filed");
}

export function disputes(examination: Examination): object[] | undefined {
  const { case: { file } } = examination;
  const target = file.kind === "dispute" ? introduced(examination, "dispute.open", file.subject)?.body.target : undefined;
  if (target === undefined) return undefined;
  return admitted(examination, "dispute.open").filter(({ event }) => event.body.target === target).map(({ position, event }) => ({
    dispute: event.subject, target, claimant: partyOf(examination, position), claim: event.body.claim, status: disputeState(examination, event),
    opened: admittedAt(examination, "dispute.open", event.subject)!, as_of: asOf(examination),
  }));
}

export function disputeState(examination: Examination, { subject }: EventOf<"dispute.open">): string {
  return admitted(examination, "dispute.resolve").find(({ event }) => event.subject === subject)?.event.body.outcome ?? "open";
}
