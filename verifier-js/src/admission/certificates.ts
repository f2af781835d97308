/** Rules of certificates and signed files: A46 to A48. */
import type { Change } from "./change.ts";
import { byRegistrar, enters } from "./common.ts";
import { licensorOf } from "./standing.ts";
import { demand, type Said, type State } from "./state.ts";

export function issueCertificate(state: State, said: Said<"certificate.issue">, change: Change): void {
  byRegistrar(said);
  const { object, number, supersedes, reason, corrected } = said.event.body;
  demand(state.objects.has(object), "unregistered");
  const earlier = supersedes === undefined ? undefined : state.certificates.get(supersedes);
  if (supersedes !== undefined) {
    demand(earlier !== undefined, "unregistered");
    demand(earlier.object === object, "inconsistent");
    demand(state.policy!.version < 3 || earlier.state === "issued", "wrong-state");
  }
  demand(reason === undefined || supersedes !== undefined, "incomplete");
  demand((reason === "correction") === (corrected !== undefined), "inconsistent");
  demand(!state.numbers.has(number), "already-used");
  enters(state, said);
  if (earlier !== undefined) change.set(earlier, "state", "withdrawn");
  change.put(state.certificates, said.event.subject, { state: "issued", object });
  change.add(state.numbers, number);
}

export function withdrawCertificate(state: State, said: Said<"certificate.withdraw">, change: Change): void {
  byRegistrar(said);
  const certificate = state.certificates.get(said.event.subject);
  demand(certificate !== undefined, "unregistered");
  demand(certificate.state === "issued", "wrong-state");
  change.set(certificate, "state", "withdrawn");
}

export function issueCredential(state: State, said: Said<"credential.issue">): void {
  const { subject, recorded_for } = said.event;
  const licence = state.licences.get(subject);
  demand(licence !== undefined || state.certificates.has(subject), "unregistered");
  const byService = said.role === "service" && recorded_for === undefined;
  const byGrantor = licence !== undefined && said.party !== undefined && said.party === licensorOf(state, licence);
  demand(said.role === "registrar" || byService || byGrantor, "not-entitled");
}
