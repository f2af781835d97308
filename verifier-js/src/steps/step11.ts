/** Step 11: when, as an interval, and by whose word. */
import { sourceFacts } from "../facts/things.ts";
import { formatTime } from "../base/time.ts";
import type { Examination } from "./examination.ts";
import type { Findings } from "./findings.ts";
import { timeSources, type Source } from "./timeSources.ts";

const SLACK = 300;

export interface Interval {
  not_before: string | null;
  not_after: string | null;
}

export interface TimeFacts {
  independent: Interval;
  operator: Interval;
  not_before: string | null;
  not_after: string | null;
  claimed: { first: string; last: string };
  /** Of each entry about the subjects. */
  entries: { position: number; type: string; subject: string; claimed: string; independent: Interval; operator: Interval }[];
  sources: object[];
  contradictions: { kind: "crossed" | "backwards"; first: object; second: object }[];
}

export function time(examination: Examination, findings: Findings): TimeFacts | undefined {
  const { sources, forged } = timeSources(examination);
  for (const name of forged) findings.add("contradicted", `a line under the name and key of witness ${name} does not verify`, `以见证人 ${name} 的名称与密钥出具的签名行不成立`);
  const pairs = [...crossed(sources).map((pair) => ({ kind: "crossed" as const, pair })), ...backwards(sources).map((pair) => ({ kind: "backwards" as const, pair }))];
  for (const { pair: [one, other] } of pairs)
    findings.add("contradicted", `two sources cannot both be right: ${words(one).en}; ${words(other).en}`, `两个来源不可能同时正确：${words(one).zh}；${words(other).zh}`);
  const { about, replay, trust } = examination;
  const first = about[0];
  const last = about.at(-1);
  if (first === undefined || last === undefined) {
    findings.add("needs_external_fact", "no entry about the case's subjects is admitted", "没有已准入的有关本案主题的条目");
    return undefined;
  }
  const quorum = Math.max(trust.quorum, 1);
  const bounds = (from: number, to: number): { independent: Interval; operator: Interval } => ({
    independent: interval(sources.filter((each) => each.by === "independent"), from, to, quorum),
    operator: interval(sources.filter((each) => each.by !== "party"), from, to, quorum),
  });
  const { independent, operator } = bounds(first, last);
  const times = about.map((position) => replay.admitted.get(position)!.statement.event.time).sort();
  const claimed = { first: times[0]!, last: times.at(-1)! };
  if (independent.not_after !== null) findings.add("proved", `on the word of someone independent, all entries about the case (${about.length}) stood in the log by ${independent.not_after}`,
    `凭独立者之言，有关本案的全部条目（${about.length}）至迟于 ${independent.not_after} 已在日志中`);
  else findings.add("needs_external_fact", "every source of time that reaches all entries of the case is the operator's own; compare with a fact from outside",
    "覆盖本案全部条目的时间来源均属运营方自身；请与外部事实比对");
  findings.add("proved", `with the operator's word: not before ${operator.not_before ?? "—"}, not after ${operator.not_after ?? "—"}; as the signers say: ${claimed.first} to ${claimed.last}`,
    `加上运营方之言：不早于 ${operator.not_before ?? "—"}，不晚于 ${operator.not_after ?? "—"}；签名者自述：${claimed.first} 至 ${claimed.last}`);
  const entries = about.map((position) => {
    const { event } = replay.admitted.get(position)!.statement;
    return { position, type: event.type, subject: event.subject, claimed: event.time, ...bounds(position, position) };
  });
  const contradictions = pairs.map(({ kind, pair: [one, other] }) => ({ kind, first: sourceFacts(one), second: sourceFacts(other) }));
  return { independent, operator, ...operator, claimed, entries, sources: distinct(sources.filter((each) => bears(each, about)).map(sourceFacts)), contradictions: distinct(contradictions) };
}

/** The tree head may be an anchored one, too. */
function distinct<T extends object>(all: T[]): T[] {
  return [...new Map(all.map((each) => [JSON.stringify(each), each])).values()];
}

/** It bounds one of these entries; a batch, those that it covers. */
function bears({ bound, place, covered }: Source, about: number[]): boolean {
  if (covered !== undefined) return about.some((position) => covered[0] <= position && position <= covered[1]);
  return about.some((position) => (bound === "not_after" ? position < place : place <= position));
}

function words({ source, bound, limit }: Source): { en: string; zh: string } {
  return { en: `${bound === "not_after" ? "not after" : "not before"} ${formatTime(limit)} (${source.en})`, zh: `${bound === "not_after" ? "不晚于" : "不早于"} ${formatTime(limit)}（${source.zh}）` };
}

/** The latest lower bound of the first entry and the earliest upper one of the last. */
function interval(sources: Source[], first: number, last: number, quorum: number): Interval {
  const above = sources.filter((each) => each.bound === "not_after" && each.place > last);
  const below = sources.filter((each) => each.bound === "not_before" && each.place <= first);
  const upper = best(above, quorum, (a, b) => a - b);
  const lower = best(below, quorum, (a, b) => b - a);
  return { not_before: lower === undefined ? null : formatTime(lower), not_after: upper === undefined ? null : formatTime(upper) };
}

/** The best limit; independent witnesses count together, by the k-th of them. */
function best(sources: Source[], quorum: number, order: (a: number, b: number) => number): number | undefined {
  const witnesses = new Map<string, number>();
  for (const { witness, limit } of sources)
    if (witness !== undefined) witnesses.set(witness, [limit, witnesses.get(witness) ?? limit].sort(order)[0]!);
  const together = [...witnesses.values()].sort(order)[quorum - 1];
  const alone = sources.filter((each) => each.witness === undefined).map((each) => each.limit);
  return [...alone, ...(together === undefined ? [] : [together])].sort(order)[0];
}

/** A lower bound above an upper one, and an index in both places. */
function crossed(sources: Source[]): [Source, Source][] {
  const uppers = sources.filter((each) => each.bound === "not_after").sort((a, b) => a.place - b.place);
  const tightest: Source[] = [];
  for (let index = uppers.length - 1; index >= 0; index--) {
    const after = tightest[index + 1];
    tightest[index] = after !== undefined && after.limit < uppers[index]!.limit ? after : uppers[index]!;
  }
  return sources.flatMap((lower): [Source, Source][] => {
    if (lower.bound !== "not_before") return [];
    const index = uppers.findIndex((each) => each.place > lower.place);
    const upper = index < 0 ? undefined : tightest[index];
    return upper !== undefined && lower.limit > upper.limit ? [[lower, upper]] : [];
  });
}

/** One clock that shows a larger tree more than 300 seconds earlier than a smaller one. */
function backwards(sources: Source[]): [Source, Source][] {
  const clocks = new Map<string, Source[]>();
  for (const each of sources) if (each.clock !== undefined) clocks.set(each.clock.name, [...(clocks.get(each.clock.name) ?? []), each]);
  return [...clocks.values()].flatMap((same) => same.flatMap((one) =>
    same.filter((other) => other.clock!.size > one.clock!.size && other.time + SLACK < one.time).map((other): [Source, Source] => [one, other])));
}

