/** Whether two values on tapes say the same, however names and strings are escaped; numbers are held as they are written (5.1). */
import { nameAt, numberAt, referenceAt, stringAt, wordAt } from "./atoms.ts";
import { KeyIndex } from "./keyIndex.ts";
import type { Kind, Tape } from "./tape.ts";

export interface Placed {
  tape: Tape;
  place: number;
}

/** What a value that holds no others says. */
const SAYS: Record<Exclude<Kind, "array" | "dictionary">, (text: string, byte: number) => string | number> = {
  name: nameAt, key: nameAt, reference: referenceAt, number: numberAt, word: wordAt, string: (text, byte) => stringAt(text, byte).bytes,
};

/** Step by step over both: there may be millions, so nothing is made of them. */
export function sameAt(one: Tape, at: number, other: Tape, there: number): boolean {
  const kind = one.kind(at);
  if (kind !== other.kind(there)) return false;
  if (one === other && at === there) return true;
  if (kind === "array") return sameItems(one, at, other, there);
  if (kind === "dictionary") return sameMembers(one, at, other, there);
  return SAYS[kind](one.text, one.byte(at)) === SAYS[kind](other.text, other.byte(there));
}

function sameItems(one: Tape, at: number, other: Tape, there: number): boolean {
  const [end, otherEnd] = [one.behind(at), other.behind(there)];
  let [here, yonder] = [one.inside(at), other.inside(there)];
  for (; here < end && yonder < otherEnd; here = one.behind(here), yonder = other.behind(yonder)) if (!sameAt(one, here, other, yonder)) return false;
  return here === end && yonder === otherEnd;
}

/** As long as the keys stand in one order no key is looked for. No dictionary has one twice, so as many that are all found are the same. */
function sameMembers(one: Tape, at: number, other: Tape, there: number): boolean {
  const [end, otherEnd] = [one.behind(at), other.behind(there)];
  let [here, yonder] = [one.inside(at), other.inside(there)];
  for (; here < end && yonder < otherEnd && sameAt(one, here, other, yonder); here = one.behind(here + 1), yonder = other.behind(yonder + 1))
    if (!sameAt(one, here + 1, other, yonder + 1)) return false;
  if (here === end || yonder === otherEnd) return here === end && yonder === otherEnd;
  return sameRest({ tape: one, place: here }, end, { tape: other, place: yonder }, otherEnd);
}

/** From two keys on, which differ, in whatever order. */
function sameRest({ tape: one, place: from }: Placed, end: number, { tape: other, place: yonder }: Placed, otherEnd: number): boolean {
  const index = new KeyIndex(other);
  let more = 0;
  for (let key = yonder; key < otherEnd; key = other.behind(key + 1), more++) index.add(key);
  for (let key = from; key < end; key = one.behind(key + 1), more--) {
    const found = index.find(nameAt(one.text, one.byte(key)));
    if (found === undefined || !sameAt(one, key + 1, other, found + 1)) return false;
  }
  return more === 0;
}
