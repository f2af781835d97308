/** What a licence is at an instant, by its changes and its ancestors (Admission 3). */
import type { Licence, LicenceChange, Standing, State } from "./state.ts";

export function isFinal(standing: Standing): boolean {
  return standing === "revoked" || standing === "expired";
}

/** The licence itself, without its ancestors. */
export function standingAt(licence: Licence, at: string): Standing {
  let standing = licence.state;
  for (const { to, effective } of licence.changes) {
    if (effective > at || isFinal(standing)) break;
    standing = to;
  }
  return standing;
}

export function inOrder(changes: LicenceChange[]): LicenceChange[] {
  return changes.sort((a, b) => (a.effective < b.effective ? -1 : a.effective > b.effective ? 1 : a.position - b.position));
}

/** It and all its ancestors are valid then. */
export function isValidAt(state: State, licence: Licence, at: string): boolean {
  for (let link: Licence | undefined = licence; link !== undefined; link = link.parent === undefined ? undefined : state.licences.get(link.parent))
    if (standingAt(link, at) !== "valid") return false;
  return true;
}

/** Who may change it: the party that granted it, or the parent's holder. */
export function licensorOf(state: State, licence: Licence): string | undefined {
  return licence.parent === undefined ? licence.grantor : state.licences.get(licence.parent)?.holder;
}
