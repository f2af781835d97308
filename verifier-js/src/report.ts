/** Claims, and the report as `--json` gives it (sections 5 and 7). */
import type { Json } from "./base/json.ts";
import type { Outcome, Sentence } from "./steps/findings.ts";

const BASE = [3, 4, 5, 6];

export const CLAIMS = [
  { id: "integrity", step: 2, always: true, restsOn: [] as number[] },
  { id: "statement-signature", step: 3, always: true, restsOn: [5] },
  { id: "inclusion", step: 4, always: true, restsOn: [5] },
  { id: "checkpoint-signature", step: 5, always: true, restsOn: [] },
  { id: "entitlement", step: 6, always: true, restsOn: [3, 4, 5] },
  { id: "disclosure", step: 7, always: true, restsOn: BASE },
  { id: "content", step: 8, always: false, restsOn: BASE },
  { id: "traceability", step: 9, always: true, restsOn: BASE },
  { id: "anchor", step: 10, always: true, restsOn: BASE },
  { id: "time", step: 11, always: false, restsOn: BASE },
  { id: "credential", step: 12, always: false, restsOn: BASE },
  { id: "completeness", step: 13, always: false, restsOn: BASE },
  { id: "timestamp", step: 14, always: false, restsOn: [5] },
  { id: "capture", step: 15, always: false, restsOn: BASE },
  { id: "custody", step: 16, always: false, restsOn: BASE },
  { id: "platform", step: 17, always: false, restsOn: BASE },
] as const;

export type ClaimId = (typeof CLAIMS)[number]["id"];

export function isClaim(id: string): id is ClaimId {
  return CLAIMS.some((claim) => claim.id === id);
}

export interface Claim {
  id: ClaimId;
  step: number;
  outcome: Outcome;
  required: boolean;
  evidence: Sentence[];
}

export interface Report {
  verdict: "proved" | "not_proved" | "malformed";
  refused_at: number | null;
  claims: Claim[];
  trust_fingerprint: string;
  at: string;
  bundle_sha256: string;
  facts: { [key: string]: Json | object };
}

export function toJson(report: Report): string {
  const claims = report.claims.map((claim) => ({ ...claim, evidence: claim.evidence.map((each) => each.en) }));
  return JSON.stringify({ ...report, claims }, null, 2);
}

export const EXIT = { proved: 0, not_proved: 1, malformed: 2 } as const;
