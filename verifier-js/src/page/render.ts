/** The report as a judge reads it: verdict first, then the required claims, then the rest. */
import { toJson, type Claim, type Report } from "../report.ts";
import { OUTCOMES, type Outcome, type Sentence } from "../steps/findings.ts";
import type { TimeFacts } from "../steps/step11.ts";
import type { Beside } from "../verify.ts";
import { adverseEvents } from "./adverse.ts";
import { clock } from "./clock.ts";
import { element } from "./element.ts";
import { custodyOf, formed, saidBy, standings } from "./facts.ts";
import { firstLines } from "./firstLines.ts";
import { CLAIM_WORDS, OUTCOME_WORDS, VERDICT_WORDS, WORDS, type Language } from "./words.ts";

export interface Shown {
  report: Report;
  beside: Beside;
  publisher: string;
  issued: string;
}

export function renderReport({ report, beside, publisher, issued }: Shown, language: Language): HTMLElement[] {
  const say = (sentence: Sentence): string => sentence[language];
  const verdict = VERDICT_WORDS[report.verdict];
  const required = report.claims.filter((claim) => claim.required);
  const others = report.claims.filter((claim) => !claim.required);
  return [
    element("section", { class: `verdict ${report.verdict}`, role: "status" },
      element("p", { class: "label" }, say(WORDS.verdict)),
      element("h2", {}, element("span", { "aria-hidden": "true" }, `${verdict.sign} `), say(verdict)),
      element("p", {}, say(verdict.why)),
      ...(report.refused_at === null ? [] : [element("p", { class: "refused" }, `${say(WORDS.refused)} ${report.refused_at}`)]),
      element("p", { class: "instant" }, `${say(WORDS.asOf)} ${clock(report.at, language)}`), ...firstLines(report, beside, language)),
    ...inShort(report, language),
    element("section", {}, element("h3", {}, say(WORDS.fingerprint)), fingerprint(report.trust_fingerprint),
      element("p", {}, say(WORDS.compare)),
      element("p", { class: "small" }, `${say(WORDS.publisher)}: ${publisher} · ${say(WORDS.issued)} ${issued} · ${say(WORDS.asOf)} ${clock(report.at, language)}`)),
    ...adverseEvents(report, beside, language),
    ...standings(report, language),
    ...when(report, language),
    ...custodyOf(report, language),
    ...formed(report, say),
    ...saidBy(report, language),
    element("section", {}, element("h3", {}, say(WORDS.required)), ...required.map((claim) => renderClaim(claim, language))),
    element("section", {}, element("h3", {}, say(WORDS.others)), ...others.map((claim) => renderClaim(claim, language))),
    element("section", { class: "small" }, ...about(report, say), element("p", {}, `${say(WORDS.sha)}: `, element("code", {}, report.bundle_sha256)),
      saveLink(report, say(WORDS.save)), element("p", {}, say(WORDS.limits))),
  ];
}

/** Claims that say whether data stand unaltered. */
const DATA = ["statement-signature", "inclusion", "checkpoint-signature", "entitlement", "disclosure", "traceability", "anchor"];

/** Carrier, data, content: the division that a court makes. */
function inShort({ claims, verdict }: Report, language: Language): HTMLElement[] {
  if (verdict === "malformed") return [];
  const worst = (ids: string[]): Outcome => OUTCOMES[Math.max(...claims.filter(({ id, required }) => ids.includes(id) || (id === "content" && required && ids === DATA)).map(({ outcome }) => OUTCOMES.indexOf(outcome)))] ?? "not_proved";
  const row = (what: Sentence, outcome: Outcome | undefined, why: Sentence): HTMLElement[] => [
    element("dt", {}, what[language]),
    element("dd", { class: outcome ?? "" }, element("span", { class: "outcome" }, outcome === undefined ? WORDS.substanceOutcome[language] : `${OUTCOME_WORDS[outcome].sign} ${OUTCOME_WORDS[outcome][language]}`)),
    element("dd", {}, why[language]),
  ];
  return [element("section", {}, element("h3", {}, WORDS.short[language]), element("dl", { class: "short" },
    ...row(WORDS.carrier, worst(["integrity"]), WORDS.carrierWhat), ...row(WORDS.data, worst(DATA), WORDS.dataWhat), ...row(WORDS.substance, undefined, WORDS.substanceWhat)))];
}

/** Sixteen groups of four, to be read out on the telephone. */
function fingerprint(hex: string): HTMLElement {
  const groups = hex.match(/.{4}/g) ?? [];
  return element("p", { class: "fingerprint", "data-fingerprint": hex }, ...groups.map((group) => element("span", {}, group)));
}

function renderClaim(claim: Claim, language: Language): HTMLElement {
  const { sign, ...outcome } = OUTCOME_WORDS[claim.outcome];
  const items = claim.evidence.map((sentence) => element("li", {}, sentence[language]));
  return element("details", { class: `claim ${claim.outcome}`, "data-claim": claim.id, "data-outcome": claim.outcome, ...(claim.outcome === "proved" ? {} : { open: "" }) },
    element("summary", {},
      element("span", { class: "outcome" }, element("span", { "aria-hidden": "true" }, `${sign} `), outcome[language]),
      element("span", { class: "words" }, CLAIM_WORDS[claim.id][language]),
      element("span", { class: "step" }, `${WORDS.step[language]} ${claim.step}`)),
    element("ul", {}, ...items));
}

function when({ facts }: Report, language: Language): HTMLElement[] {
  const say = (sentence: Sentence): string => sentence[language];
  const at = (time: string | null): string => (time === null ? "—" : clock(time, language));
  const time = facts.time as TimeFacts | undefined;
  if (time === undefined) return [];
  const row = (whose: Sentence, before: string | null, after: string | null): HTMLElement => element("tr", {},
    element("th", { scope: "row" }, say(whose)), element("td", {}, at(before)), element("td", {}, at(after)));
  return [element("section", {}, element("h3", {}, say(WORDS.when)),
    element("div", { class: "scroll" }, element("table", {},
      element("tr", {}, element("td", {}), element("th", { scope: "col" }, say(WORDS.notBefore)), element("th", { scope: "col" }, say(WORDS.notAfter))),
      row(WORDS.byIndependent, time.independent.not_before, time.independent.not_after),
      row(WORDS.byOperator, time.operator.not_before, time.operator.not_after),
      row(WORDS.bySigners, time.claimed.first, time.claimed.last))))];
}

function about({ facts }: Report, say: (sentence: Sentence) => string): HTMLElement[] {
  if (facts.subject === undefined) return [];
  return [element("p", {}, `${say(WORDS.about)}: ${String(facts.kind)} `, element("code", {}, String(facts.subject)), ` · ${String(facts.log)}`)];
}

function saveLink(report: Report, text: string): HTMLElement {
  const blob = new Blob([toJson(report), "\n"], { type: "application/json" });
  return element("p", {}, element("a", { href: URL.createObjectURL(blob), download: "report.json" }, text));
}
