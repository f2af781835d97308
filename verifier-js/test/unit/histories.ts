/** Histories speak for themselves: what is shown contradicts a root of the map, whether the tree head holds or not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Examination } from "../../src/steps/examination.ts";
import { Findings } from "../../src/steps/findings.ts";
import { histories } from "../../src/steps/histories.ts";

const SUBJECT = "10.5555/L-040G-2081-040G-2081-9";

/** A map with leaves, under which it is said that nothing is in the history of the subject. */
function withoutHead(): Examination {
  const event = { type: "log.map-root", subject: "log.example", body: { size: 3, root: "11".repeat(32) }, json: { size: 3, root: "11".repeat(32) } };
  const root = { own: new Map([[SUBJECT, null], ["log.example", null]]), named: new Map([[SUBJECT, null]]) };
  return {
    case: { map: { roots: new Map([[5, root]]), audits: [], aside: new Map() }, file: { log: "log.example", map: { roots: [5], audits: [] } }, proofs: { consistency: [] } },
    replay: { admitted: new Map([[5, { position: 5, at: "2026-01-01T00:00:00Z", statement: { event } }]]) },
    head: undefined, entries: [], subjects: new Set([SUBJECT]), trust: { auditors: [] }, atSeconds: 1_800_000_000,
  } as unknown as Examination;
}

test("a proof that does not hold is contradicted where step 5 does not hold, too", () => {
  const findings = new Findings();
  histories(withoutHead(), new Set(), findings);
  assert.equal(findings.outcome, "contradicted");
});
