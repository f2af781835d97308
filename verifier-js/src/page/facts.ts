/** What the steps established, as a judge reads it: standing, custody, origin, statements. */
import type { Factor } from "../facts/factors.ts";
import type { Report } from "../report.ts";
import type { Sentence } from "../steps/findings.ts";
import type { CustodyLine } from "../steps/step16.ts";
import { clock } from "./clock.ts";
import { element } from "./element.ts";
import { CUSTODY_WORDS, FACTOR_WORDS, FACTOR_STATES, OUTCOME_WORDS, STANDING_WORDS, WORDS, type Language } from "./words.ts";

type Say = (sentence: Sentence) => string;

function table(rows: (string | HTMLElement)[][]): HTMLElement {
  return element("div", { class: "scroll" }, element("table", {}, ...rows.map((row) => element("tr", {}, ...row.map((cell) => element("td", {}, cell))))));
}

interface AsOf { as_of: { size: number; time: string } | null }

/** Of a licence or of disputes, as of the root of the map that reaches over them. */
export function standings({ facts }: Report, language: Language): HTMLElement[] {
  const say: Say = (sentence) => sentence[language];
  const licence = facts.standing as (AsOf & { licence: string; status: string }) | undefined;
  const disputes = (facts.disputes ?? []) as (AsOf & { dispute: string; status: string })[];
  const all = [...(licence === undefined ? [] : [{ ...licence, subject: licence.licence }]), ...disputes.map((each) => ({ ...each, subject: each.dispute }))];
  if (all.length === 0) return [];
  return [element("section", { class: "standing" }, element("h3", {}, say(WORDS.standing)), element("ul", {}, ...all.map(({ subject, status, as_of: asOf }) =>
    element("li", { "data-status": status }, `${subject}: ${named(STANDING_WORDS, status, say)} · ${asOf === null ? say(WORDS.unknownAfter) : `${say(WORDS.upTo)} ${asOf.size} (${clock(asOf.time, language)})`}`))))];
}

function named(words: Record<string, Sentence>, key: string, say: Say): string {
  return words[key] === undefined ? key : say(words[key]);
}

export function custodyOf({ facts }: Report, language: Language): HTMLElement[] {
  const say: Say = (sentence) => sentence[language];
  const lines = (facts.custody ?? []) as CustodyLine[];
  if (lines.length === 0) return [];
  const rows = lines.map(({ position, at, event, outcome, party, agent, after, continuous }) => [
    position === null ? say(WORDS.exported) : `#${position}`, clock(at, language), `${named(CUSTODY_WORDS, event, say)}${outcome === "fai" ? " ✗" : ""}`, say(continuous ? WORDS.kept : WORDS.gap), party ?? agent,
    element("code", {}, after),
  ]);
  return [element("section", { class: "custody" }, element("h3", {}, say(WORDS.custody)), table(rows))];
}

/** Each factor beside the state of the claim that it rests on: what is said may be contradicted, or not be all there is. */
export function formed({ facts, claims }: Report, say: Say): HTMLElement[] {
  const factors = (facts.factors ?? []) as Factor[];
  if (factors.length === 0) return [];
  const rows = factors.map(({ article, factor, state, positions, detail }) => [
    String(article), named(FACTOR_WORDS, factor, say), `${say(FACTOR_STATES[state])}${detail === "" ? "" : ` (${detail})`}`, positions.map((each) => `#${each}`).join(" "),
    ...claims.filter(({ id }) => id === (article === 17 ? "platform" : "capture")).map(({ outcome, step }) =>
      element("span", { class: outcome }, element("span", { class: "outcome" }, `${OUTCOME_WORDS[outcome].sign} ${say(OUTCOME_WORDS[outcome])}`), ` · ${say(WORDS.step)} ${step}`)),
  ]);
  return [element("section", { class: "factors" }, element("h3", {}, say(WORDS.formed)), table(rows))];
}

interface Said { position: number; type: string; subject: string; signed_by: string; recorded_for?: string; admitted_at: string }

export function saidBy({ facts }: Report, language: Language): HTMLElement[] {
  const say: Say = (sentence) => sentence[language];
  const all = ((facts.statements ?? []) as Said[]).filter(({ type }) => !type.startsWith("log."));
  if (all.length === 0) return [];
  const rows = all.map(({ position, type, subject, signed_by, recorded_for: party, admitted_at: at }) => [
    `#${position}`, type, subject, party === undefined ? `${say(WORDS.saidBy)} ${signed_by}` : `${say(WORDS.saidFor)} ${party}`, `${say(WORDS.logged)} ${clock(at, language)}`,
  ]);
  return [element("section", { class: "said" }, element("details", {}, element("summary", {}, `${say(WORDS.said)} (${all.length})`), table(rows)))];
}
