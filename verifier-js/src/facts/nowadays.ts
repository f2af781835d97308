/**
 * What people are told besides the report. Beside an adverse event about a licence or a capability: since when it counts, and what that is by the entries shown.
 * For people alone: the JSON report has a closed form, and this is no member of it.
 */
import { standingAt } from "../admission/standing.ts";
import type { Licence, Standing, State } from "../admission/state.ts";
import type { Event } from "../events/event.ts";
import { asOf } from "./kinds.ts";
import { admitted, type Examination } from "../steps/examination.ts";
import type { Adverse } from "../steps/step13.ts";

export interface Nowadays {
  /** What it says of since when, where that is another time than its admission. */
  effective?: string;
  /** Whether the rules go by that time; else by the entry's position. */
  counts: boolean;
  /** A later change took it away, so that it does not count at all. */
  withdrawn: boolean;
  /** What the licence or the capability is at the time of the examination. */
  standing: string;
}

/** From the mildest to the gravest, as of a chain of licences. */
const GRAVITY: Standing[] = ["valid", "suspended", "expired", "revoked"];

/** By position of the adverse event. */
export function nowadays(examination: Examination, adverse: Adverse[]): Map<number, Nowadays> {
  return new Map(adverse.flatMap(({ position }) => {
    const entry = examination.replay.admitted.get(position)!;
    const found = of(examination, position, entry.statement.event);
    if (found === undefined) return [];
    const { effective, ...rest } = found;
    return [[position, { ...rest, ...(effective === undefined || effective === entry.at ? {} : { effective }) }] as [number, Nowadays]];
  }));
}

function of(examination: Examination, position: number, event: Event): Nowadays | undefined {
  const { state } = examination.replay;
  switch (event.type) {
    case "licence.status": return ofLicence(examination, position, event.body.effective, state.licences.get(event.subject)!);
    case "capability.test": return { counts: false, withdrawn: false, standing: state.capabilities.get(event.subject)!.state };
    case "capability.suspend": case "capability.revoke": {
      const { effective } = event.body;
      return { ...(effective === undefined ? {} : { effective }), counts: false, withdrawn: false, standing: state.capabilities.get(event.subject)!.state };
    }
    default: return undefined;
  }
}

function ofLicence(examination: Examination, position: number, effective: string, licence: Licence): Nowadays {
  const counts = versionAt(examination, position) >= 3;
  return {
    effective, counts, withdrawn: counts && !licence.changes.some((each) => each.position === position),
    standing: gravest(examination.replay.state, licence, examination.at),
  };
}

/** Version of the rules under which an entry was admitted. */
function versionAt(examination: Examination, position: number): number {
  return admitted(examination, "log.policy").filter((each) => each.position < position).at(-1)?.event.body.version ?? 0;
}

/** No better than its ancestors. */
function gravest(state: State, licence: Licence, at: string): Standing {
  const own = standingAt(licence, at);
  const parent = licence.parent === undefined ? undefined : state.licences.get(licence.parent);
  if (parent === undefined) return own;
  const above = gravest(state, parent, at);
  return GRAVITY.indexOf(above) > GRAVITY.indexOf(own) ? above : own;
}

export interface Tail {
  /** Size of the largest root that shows the own histories; null where none does. */
  from: number | null;
  /** Of the tree. */
  size: number;
  missing: number;
}

/** How much of the log lies beyond what the map shows, and is not here: what came later may have changed everything. */
export function tail(examination: Examination): { tail?: Tail } {
  const { head, entries } = examination;
  if (head === undefined) return {};
  const size = Number(head.note.size);
  const from = asOf(examination)?.size ?? null;
  const shown = entries.filter(({ position }) => position >= (from ?? 0) && position < size).length;
  return { tail: { from, size, missing: Math.max(0, size - (from ?? 0) - shown) } };
}
