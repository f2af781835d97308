/** The keys of one dictionary by what they say: a dictionary may have millions, so places on the tape stand in for texts. */
import { nameAt } from "./atoms.ts";
import type { Tape } from "./tape.ts";

const FIRST_SLOTS = 64;
/** Who writes a file does not know it, so he cannot choose keys that all fall together. No outcome depends on it. */
const SEED = crypto.getRandomValues(new Uint32Array(1))[0]!;

export class KeyIndex {
  private readonly tape: Tape;
  /** Places on the tape, 0 where there is none: one more than the place. */
  private slots = new Uint32Array(FIRST_SLOTS);
  private count = 0;

  constructor(tape: Tape) {
    this.tape = tape;
  }

  /** False where a key that says the same is there. */
  add(place: number): boolean {
    const name = this.nameOf(place);
    const slot = this.slotOf(name);
    if (this.slots[slot] !== 0) return false;
    this.slots[slot] = place + 1;
    if (2 * ++this.count > this.slots.length) this.grow();
    return true;
  }

  /** The place of the key. */
  find(name: string): number | undefined {
    const found = this.slots[this.slotOf(name)]!;
    return found === 0 ? undefined : found - 1;
  }

  private nameOf(place: number): string {
    return nameAt(this.tape.text, this.tape.byte(place));
  }

  /** Where this name stands, or would. */
  private slotOf(name: string): number {
    const mask = this.slots.length - 1;
    let slot = hash(name) & mask;
    for (; this.slots[slot] !== 0; slot = (slot + 1) & mask) if (this.nameOf(this.slots[slot]! - 1) === name) return slot;
    return slot;
  }

  private grow(): void {
    const old = this.slots;
    this.slots = new Uint32Array(4 * old.length);
    const mask = this.slots.length - 1;
    for (const each of old) {
      if (each === 0) continue;
      let slot = hash(this.nameOf(each - 1)) & mask;
      while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
      this.slots[slot] = each;
    }
  }
}

function hash(name: string): number {
  let value = SEED;
  for (let at = 0; at < name.length; at++) {
    value = Math.imul(value ^ name.charCodeAt(at), 0x5bd1e995);
    value ^= value >>> 15;
  }
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
