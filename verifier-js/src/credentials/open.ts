import { Failed, Malformed } from "../base/errors.ts";

/** Thrown where a file is of a kind that is not wholly judged here: then the claim needs an external fact, another program. */
export class Open extends Error {}

/** Go on only where this holds. */
export function within(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Open(what);
}

/** `Open` where this fails or has not its form: another program may still accept it. */
export function opened<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof Failed || error instanceof Malformed) throw new Open(error.message);
    throw error;
  }
}
