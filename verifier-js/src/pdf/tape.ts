/**
 * Where every value of a file stands, in one or two words each: a file of 64 MiB may hold millions, and as objects they would cost
 * tens of times its length. What a value says is read again from the text when it is asked for.
 */

/** In the order of their numbers on the tape; a key is the name before a member. */
const KINDS = ["name", "reference", "string", "number", "word", "array", "dictionary", "key"] as const;
export type Kind = (typeof KINDS)[number];

const NUMBERS = Object.fromEntries(KINDS.map((kind, number) => [kind, number])) as Record<Kind, number>;
/** Bits of a byte's place; a file is shorter than 2^27 bytes. */
const PLACE_BITS = 27;
const PLACE_MASK = (1 << PLACE_BITS) - 1;
const FIRST_CONTAINER = NUMBERS.array;
const LAST_CONTAINER = NUMBERS.dictionary;
const FIRST_LENGTH = 1 << 12;

export class Tape {
  /** The bytes of the file, one character each. */
  readonly text: string;
  length = 0;
  private words = new Uint32Array(FIRST_LENGTH);

  constructor(text: string) {
    this.text = text;
  }

  /** A value that stands at this byte; its place on the tape. */
  put(kind: Kind, byte: number): number {
    return this.push(NUMBERS[kind] * (1 << PLACE_BITS) + byte);
  }

  /** A list or dictionary: behind it stand its values, up to `close`. */
  open(kind: "array" | "dictionary", byte: number): number {
    const place = this.put(kind, byte);
    this.push(0);
    return place;
  }

  close(place: number): void {
    this.words[place + 1] = this.length;
  }

  kind(place: number): Kind {
    return KINDS[this.words[place]! >>> PLACE_BITS]!;
  }

  /** Where it stands in the text. */
  byte(place: number): number {
    return this.words[place]! & PLACE_MASK;
  }

  /** The first value in a list or dictionary. */
  inside(place: number): number {
    return place + 2;
  }

  /** What stands behind a value and all in it. */
  behind(place: number): number {
    return this.isContainer(place) ? this.words[place + 1]! : place + 1;
  }

  /** Every place from here on, with those in lists and dictionaries. */
  *places(from: number, kind: Kind): Generator<number> {
    const [end, wanted] = [this.behind(from), NUMBERS[kind]];
    for (let place = from; place < end; place += this.isContainer(place) ? 2 : 1) if (this.words[place]! >>> PLACE_BITS === wanted) yield place;
  }

  private isContainer(place: number): boolean {
    const number = this.words[place]! >>> PLACE_BITS;
    return number >= FIRST_CONTAINER && number <= LAST_CONTAINER;
  }

  private push(word: number): number {
    if (this.length === this.words.length) {
      const longer = new Uint32Array(2 * this.length);
      longer.set(this.words);
      this.words = longer;
    }
    this.words[this.length] = word;
    return this.length++;
  }
}
