/** What stands under the verdict, before all else: what speaks against the case, then what it does not reach. */
import type { Report } from "../report.ts";
import type { Sentence } from "../steps/findings.ts";
import type { Adverse } from "../steps/step13.ts";
import type { TimeFacts } from "../steps/step11.ts";
import type { Beside } from "../verify.ts";
import { told } from "./adverse.ts";
import { clock } from "./clock.ts";
import { element } from "./element.ts";
import { CLAIM_WORDS, FIRST_WORDS, OUTCOME_WORDS, STANDING_WORDS, type Language } from "./words.ts";

/** Of many events the first; the table has all. */
const MOST_EVENTS = 4;

export function firstLines(report: Report, beside: Beside, language: Language): HTMLElement[] {
  const all = lines(report, beside, language);
  return all.length === 0 ? [] : [element("ul", { class: "first" }, ...all.map(({ kind, text }) => element("li", { "data-line": kind }, text)))];
}

export function lines(report: Report, beside: Beside, language: Language): Line[] {
  return [
    ...contradicted(report, language), ...events(report, beside, language), ...tail(beside, language), ...when(report, language),
    ...standing(report, language), ...open(report, language),
  ];
}

interface Line {
  kind: string;
  text: string;
}

function contradicted({ claims }: Report, language: Language): Line[] {
  return claims.filter(({ outcome }) => outcome === "contradicted").map(({ id, step }) =>
    ({ kind: "contradicted", text: claimLine(OUTCOME_WORDS.contradicted, CLAIM_WORDS[id], step, language) }));
}

function claimLine(outcome: Sentence, words: Sentence, step: number, language: Language): string {
  return language === "zh" ? `${outcome.zh}：${words.zh}［第 ${step} 步］` : `${outcome.en}: ${words.en} [step ${step}]`;
}

function events({ facts }: Report, { nowadays }: Beside, language: Language): Line[] {
  const all = (facts.adverse ?? []) as Adverse[];
  const first = all.slice(0, MOST_EVENTS).map((event) => ({ kind: "adverse", text: told(event, nowadays.get(event.position), language) }));
  const rest = all.length - first.length;
  return rest === 0 ? first : [...first, { kind: "adverse", text: language === "zh" ? `另有 ${rest} 项不利或嗣后事项，见下文` : `${rest} more adverse or later events, below` }];
}

function tail({ tail: found }: Beside, language: Language): Line[] {
  if (found === undefined || found.missing === 0) return [];
  const { from, size, missing } = found;
  const text = from === null
    ? { en: `no root of the map reaches over this case: ${missing} of the log's ${size} entries are not shown, and may say otherwise`,
      zh: `未出示可用的映射根：日志共 ${size} 条，其中 ${missing} 条未予出示，可能另有陈述` }
    : { en: `the map shows what there was up to ${from} entries: of those from there to ${size}, ${missing} are not shown, and may say otherwise`,
      zh: `映射仅示至第 ${from} 条为止；此后至 ${size} 条之间有 ${missing} 条未予出示，可能另有陈述` };
  return [{ kind: "tail", text: text[language] }];
}

/** On whose word the time is; where independents give no upper bound, that is the thing to know. */
function when({ facts }: Report, language: Language): Line[] {
  const time = facts.time as TimeFacts | undefined;
  if (time === undefined) return [];
  const { not_after: after } = time.independent;
  const text = after === null ? FIRST_WORDS.operatorsTime[language] : `${FIRST_WORDS.independentTime[language]} ${clock(after, language)}`;
  return [{ kind: "time", text }];
}

interface Stands { status: string; as_of: { size: number; time: string } | null }

function standing({ facts }: Report, language: Language): Line[] {
  const licence = facts.standing as (Stands & { licence: string }) | undefined;
  const disputes = (facts.disputes ?? []) as (Stands & { dispute: string })[];
  const all = [...(licence === undefined ? [] : [{ ...licence, subject: licence.licence }]), ...disputes.map((each) => ({ ...each, subject: each.dispute }))];
  return all.map(({ subject, status, as_of: asOf }) => {
    const reach = asOf === null ? FIRST_WORDS.unknownReach[language]
      : language === "zh" ? `截至 ${asOf.size} 条、${clock(asOf.time, language)}，此后情况不在其内` : `up to ${asOf.size} entries, ${asOf.time}; what came later is not in it`;
    const words = STANDING_WORDS[status]?.[language] ?? status;
    return { kind: "standing", text: language === "zh" ? `依所示条目，${subject} 现为${words}；${reach}` : `by the entries shown, ${subject} is now: ${words}; ${reach}` };
  });
}

/** Required claims that are open: neither proved, nor contradicted, which is told first. */
function open({ claims }: Report, language: Language): Line[] {
  return claims.filter(({ required, outcome }) => required && outcome !== "proved" && outcome !== "contradicted").map(({ id, outcome, step }) =>
    ({ kind: "open", text: claimLine(OUTCOME_WORDS[outcome], CLAIM_WORDS[id], step, language) }));
}
