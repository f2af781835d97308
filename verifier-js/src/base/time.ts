/** Times (Values 4): text for people, Unix seconds for sums. */
import { Malformed } from "./errors.ts";

const FORM = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z$/;

/** Unix seconds of a time. */
export function parseTime(text: string): number {
  const found = FORM.exec(text);
  if (found === null) throw new Malformed("a time that is not YYYY-MM-DDTHH:MM:SSZ");
  const [year, month, day, hour, minute, second] = found.slice(1).map(Number) as [number, number, number, number, number, number];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  const seconds = date.getTime() / 1000;
  if (year < 1 || formatTime(seconds) !== text) throw new Malformed("a time that names no second");
  return seconds;
}

/** The text of Unix seconds; of those outside the years 1 to 9999, the number. */
export function formatTime(seconds: number): string {
  if (!Number.isSafeInteger(seconds) || seconds < -62135596800 || seconds > 253402300799) return `${seconds} s`;
  const date = new Date(seconds * 1000);
  return `${date.toISOString().slice(0, 19)}Z`;
}
