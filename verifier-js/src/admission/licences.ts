/** Rules of licences, certificates and signed files: A40 to A48. */
import type { Change } from "./change.ts";
import { byRegistrar, enters, speaksForParty } from "./common.ts";
import { demand, isRegistered, type Licence, type Said, type State } from "./state.ts";

const MANDATORY = ["licensee", "asset", "use", "exclusivity", "territory", "window", "media", "sublicensing", "ai_use"];
const TERMS = new Set([
  ...MANDATORY, "channel", "format", "language", "holdback", "count", "derivatives", "attribution", "payment", "consent", "contract",
]);
const STEPS: Record<string, { from: Licence["state"][]; to: Licence["state"] }> = {
  suspend: { from: ["valid"], to: "suspended" },
  reinstate: { from: ["suspended"], to: "valid" },
  revoke: { from: ["valid", "suspended"], to: "revoked" },
  expire: { from: ["valid", "suspended"], to: "expired" },
};

export function grant(state: State, said: Said<"licence.grant">, change: Change): void {
  const party = speaksForParty(said);
  const { subject, body } = said.event;
  const object = state.objects.get(body.object);
  demand(object !== undefined, "unregistered");
  demand(object.holder === party, "not-holder");
  demand(body.parent === undefined, "unsupported");
  for (const title of body.title_chain) demand(isRegistered(state, title), "unregistered");
  demand(body.title_chain.includes(body.object), "incomplete");
  const terms = [...(said.event.private?.keys() ?? [])];
  demand(MANDATORY.every((term) => terms.includes(term)) && terms.every((term) => TERMS.has(term)), "incomplete");
  const slot = `${body.status.index} ${body.status.list}`;
  demand(!state.statusSlots.has(slot), "already-used");
  enters(state, said);
  demand(body.holder === undefined || state.parties.has(body.holder), "unregistered");
  const holder = body.holder === undefined ? {} : { holder: body.holder };
  change.put(state.licences, subject, { state: "valid", grantor: party, object: body.object, ...holder });
  change.add(state.statusSlots, slot);
}

export function status(state: State, said: Said<"licence.status">, change: Change): void {
  const licence = state.licences.get(said.event.subject);
  demand(licence !== undefined, "unregistered");
  if (said.role !== "registrar") demand(speaksForParty(said) === licence.grantor, "not-holder");
  const step = STEPS[said.event.body.action]!;
  demand(step.from.includes(licence.state), "wrong-state");
  change.set(licence, "state", step.to);
}

export function issueCertificate(state: State, said: Said<"certificate.issue">, change: Change): void {
  byRegistrar(said);
  const { object, number, supersedes } = said.event.body;
  demand(state.objects.has(object), "unregistered");
  const earlier = supersedes === undefined ? undefined : state.certificates.get(supersedes);
  if (supersedes !== undefined) {
    demand(earlier !== undefined, "unregistered");
    demand(earlier.object === object, "inconsistent");
  }
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
  const byGrantor = licence !== undefined && said.party === licence.grantor;
  demand(said.role === "registrar" || byService || byGrantor, "not-entitled");
}
