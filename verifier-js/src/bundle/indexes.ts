/** Leaf indexes as the names of members: decimal without leading zeros, below 2^53. */
import { Malformed } from "../base/errors.ts";
import { matching, type Form } from "../base/forms.ts";

export const INDEX = "(0|[1-9][0-9]{0,15})";
export const MOST_ENTRIES = 20_000;

const digits = matching(new RegExp(INDEX));

export const indexText: Form<string> = (value) => {
  const found = digits(value);
  if (!Number.isSafeInteger(Number(found))) throw new Malformed(`index ${found} is not below 2^53`);
  return found;
};
