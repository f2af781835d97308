/** Times for people: as the format writes them, and in Chinese by Beijing's clock too. */
import { Malformed } from "../base/errors.ts";
import { formatTime, parseTime } from "../base/time.ts";
import type { Language } from "./words.ts";

/** Beijing has no summer time now; the instants of a log are none of the years in which it had. */
const EAST = 8 * 3600;

export function clock(time: string, language: Language): string {
  const there = language === "zh" ? beijing(time) : undefined;
  return there === undefined ? time : `${time}（北京时间 ${there}）`;
}

/** Of what is no time, or none that the format can write there, nothing. */
export function beijing(time: string): string | undefined {
  try {
    const there = formatTime(parseTime(time) + EAST);
    return there.endsWith("Z") ? there.slice(0, 19).replace("T", " ") : undefined;
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}
