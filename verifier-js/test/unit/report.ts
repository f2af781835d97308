/** The report for people: the verdict first, what speaks against the case under it, and Beijing's clock in Chinese. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { clock } from "../../src/page/clock.ts";
import { renderReport, type Shown } from "../../src/page/render.ts";
import { CLAIMS, toJson, type Report } from "../../src/report.ts";
import { text } from "./dom.ts";

const LICENCE = "10.5555/L-040G-2081-040G-2081-9";
const CAPABILITY = "10.5555/M-040G-2081-040G-2081-D";
const event = (position: number, type: string, subject: string, detail: string) =>
  ({ position, time: "2026-11-22T14:58:26Z", type, subject, about: subject, detail, standing: "" });

function shown(): Shown {
  const claims = CLAIMS.slice(0, 12).map(({ id, step, always }) => ({
    id, step, required: always, evidence: [], outcome: id === "disclosure" ? "contradicted" as const : id === "anchor" ? "needs_external_fact" as const : "proved" as const,
  }));
  const report: Report = {
    verdict: "not_proved", refused_at: 7, claims, trust_fingerprint: "00".repeat(32), at: "2027-03-01T00:00:00Z", bundle_sha256: "-",
    facts: {
      adverse: [event(141, "licence.status", LICENCE, "suspend, non-payment"), event(155, "licence.status", LICENCE, "revoke, breach"), event(160, "capability.suspend", CAPABILITY, "security")],
      standing: { licence: LICENCE, status: "revoked", as_of: { size: 213, time: "2026-11-22T15:00:39Z" } },
      time: { independent: { not_before: null, not_after: null }, operator: { not_before: null, not_after: "2026-11-22T14:59:39Z" }, claimed: { first: "2026-11-22T14:57:03Z", last: "2026-11-22T14:58:26Z" } },
    },
  };
  const nowadays = new Map([
    [141, { counts: true, withdrawn: true, standing: "revoked" }],
    [155, { effective: "2027-01-01T00:00:00Z", counts: true, withdrawn: false, standing: "revoked" }],
    [160, { effective: "2026-01-01T00:00:00Z", counts: false, withdrawn: false, standing: "suspended" }],
  ]);
  return { report, beside: { nowadays, tail: { from: 213, size: 215, missing: 2 } }, publisher: "P", issued: "2026-01-01T00:00:00Z" };
}

const rendered = (language: "en" | "zh") => text(renderReport(shown(), language).slice(0, 1));
const inOrder = (whole: string, parts: string[]) => parts.reduce((from, part) => {
  const at = whole.indexOf(part, from);
  assert.ok(at >= 0, `${part} is not there, or not in its place:\n${whole}`);
  return at;
}, 0);

URL.createObjectURL = () => "blob:";

test("the verdict stands before all else, and under it what speaks against the case", () => {
  inOrder(rendered("en"), ["Not proved", "contradicted: ", "licence suspended", "2 are not shown", "operator's word alone", `${LICENCE} is now: revoked`, "needs an external fact: "]);
  inOrder(rendered("zh"), ["未证明", "北京时间 2027-03-01 08:00:00", "与事实矛盾：", "许可被暂停", "2 条未予出示", "运营方自身陈述", "现为已撤销", "尚需外部事实："]);
});

test("beside an adverse event stands since when it counts, and what came of it", () => {
  const zh = rendered("zh");
  assert.match(zh, /2026-11-22T14:58:26Z（北京时间 2026-11-22 22:58:26）.*撤销，违约 · 自 2027-01-01T00:00:00Z（北京时间 2027-01-01 08:00:00） 起生效 · 依所示条目现为已撤销 · #155/);
  assert.match(zh, /其后的变更使之不再计算 · 依所示条目现为已撤销 · #141/);
  const en = rendered("en");
  assert.match(en, /revoke, breach · counts from 2027-01-01T00:00:00Z on · by the entries shown it is now: revoked · #155/);
  assert.match(en, /says since 2026-01-01T00:00:00Z; by the rules it counts from its entry on · by the entries shown it is now: suspended · #160/);
});

test("the same page has every event once more in its table, and the JSON report has none of what is beside it", () => {
  const { report } = shown();
  assert.ok(text(renderReport(shown(), "en")).split("#155").length > 2);
  assert.deepEqual(Object.keys(JSON.parse(toJson(report))), ["verdict", "refused_at", "claims", "trust_fingerprint", "at", "bundle_sha256", "facts"]);
});

test("Beijing's clock is eight hours ahead, and silent where there is no such time", () => {
  assert.equal(clock("2026-12-31T18:30:00Z", "zh"), "2026-12-31T18:30:00Z（北京时间 2027-01-01 02:30:00）");
  assert.equal(clock("2026-12-31T18:30:00Z", "en"), "2026-12-31T18:30:00Z");
  assert.equal(clock("9999-12-31T18:30:00Z", "zh"), "9999-12-31T18:30:00Z");
  assert.equal(clock("12 s", "zh"), "12 s");
});
