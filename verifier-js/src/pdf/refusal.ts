/** Refusals with a code of the document (Signed files 5.2), and faults of the form (5.1), which have none. */
import { Failed, Malformed } from "../base/errors.ts";

class Refusal extends Failed {}

export function refuse(code: string, why: string): never {
  throw new Refusal(`${code}: ${why}`);
}

/** Go on only where this holds. */
export function demand(holds: boolean, code: string, why: string): asserts holds {
  if (!holds) refuse(code, why);
}

/** The same where the bytes have not the form of 5.1. */
export function demandForm(holds: boolean, why: string): asserts holds {
  if (!holds) throw new Malformed(why);
}

/** Whatever does not hold, or has not its form, in what is read here is refused under this code, unless it has one. */
export function under<T>(code: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof Refusal) && (error instanceof Failed || error instanceof Malformed)) refuse(code, error.message);
    throw error;
  }
}
