/** Times in certificates and tokens. */
import { decodeUtf8 } from "../base/bytes.ts";
import { Malformed } from "../base/errors.ts";
import { parseTime } from "../base/time.ts";
import { GENERALIZED_TIME, UTC_TIME, type Der } from "./der.ts";

/** Unix seconds of a certificate's validity. */
export function timeOf(value: Pick<Der, "tag" | "content">): number {
  const text = decodeUtf8(value.content);
  if (value.tag === UTC_TIME && /^[0-9]{12}Z$/.test(text)) return seconds((Number(text.slice(0, 2)) < 50 ? "20" : "19") + text);
  if (value.tag === GENERALIZED_TIME && /^[0-9]{14}Z$/.test(text)) return seconds(text);
  throw new Malformed("a certificate's time of another form");
}

/** Unix seconds and microseconds of a token's genTime. */
export function genTime(value: Der): { seconds: number; micros: number } {
  const found = /^([0-9]{14})(?:\.([0-9]{0,5}[1-9]))?Z$/.exec(decodeUtf8(value.content));
  if (value.tag !== GENERALIZED_TIME || found === null) throw new Malformed("a genTime of another form");
  return { seconds: seconds(`${found[1]}Z`), micros: Number((found[2] ?? "").padEnd(6, "0")) };
}

function seconds(text: string): number {
  const [year, month, day, hour, minute, second] = [text.slice(0, 4), ...[4, 6, 8, 10, 12].map((at) => text.slice(at, at + 2))];
  return parseTime(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}
