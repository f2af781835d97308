/** Adverse and later events: what was logged, since when it counts, and what came of it by the entries shown. */
import type { Nowadays } from "../facts/nowadays.ts";
import type { Report } from "../report.ts";
import type { Adverse } from "../steps/step13.ts";
import type { Beside } from "../verify.ts";
import { clock } from "./clock.ts";
import { element } from "./element.ts";
import { DETAIL_WORDS, EVENT_WORDS, STANDING_WORDS, WORDS, type Language } from "./words.ts";

export function adverseEvents({ facts }: Report, { nowadays }: Beside, language: Language): HTMLElement[] {
  const events = (facts.adverse ?? []) as Adverse[];
  if (events.length === 0) return [];
  const items = events.map((event) => element("li", { "data-position": String(event.position) }, told(event, nowadays.get(event.position), language)));
  return [element("section", { class: "adverse" }, element("h3", {}, WORDS.adverse[language]), element("ul", {}, ...items))];
}

export function told({ time, type, about, position, detail, standing }: Adverse, now: Nowadays | undefined, language: Language): string {
  const parts = [
    clock(time, language), EVENT_WORDS[type]?.[language] ?? type, about, ...(detail === "" ? [] : [detailed(detail, language)]), ...(standing === "" ? [] : [word(standing, language)]),
    ...(now === undefined ? [] : sinceAndNow(now, language)), `#${position}`,
  ];
  return parts.join(" · ");
}

/** What it says in words of the forms, joined by commas. */
function detailed(detail: string, language: Language): string {
  return language === "zh" ? detail.split(", ").map((each) => DETAIL_WORDS[each] ?? each).join("，") : detail;
}

function word(standing: string, language: Language): string {
  return STANDING_WORDS[standing]?.[language] ?? standing;
}

function sinceAndNow({ effective, counts, withdrawn, standing }: Nowadays, language: Language): string[] {
  const state = word(standing, language);
  const now = language === "zh" ? `依所示条目现为${state}` : `by the entries shown it is now: ${state}`;
  return [...(withdrawn ? [language === "zh" ? "其后的变更使之不再计算" : "a later change took it away: it does not count"] : since(effective, counts, language)), now];
}

function since(effective: string | undefined, counts: boolean, language: Language): string[] {
  if (effective === undefined) return [];
  const time = clock(effective, language);
  if (counts) return [language === "zh" ? `自 ${time} 起生效` : `counts from ${time} on`];
  return [language === "zh" ? `自述自 ${time} 起；依规则自入日志起生效` : `says since ${time}; by the rules it counts from its entry on`];
}
