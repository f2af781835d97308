import { Failed } from "../base/errors.ts";

/** Refuse a document with a code of Signed files 5.2. */
export function refuse(code: string, why: string): never {
  throw new Failed(`${why} (${code})`);
}

export function demand(holds: boolean, code: string, why: string): asserts holds {
  if (!holds) refuse(code, why);
}
