/** What a card asserts: its actions, its ingredients, and what it says of the log (Signed files 2, numbers 9 and 10, and 3). */
import { equal } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import { anyObject } from "../base/forms.ts";
import { parseCanonical, type Json } from "../base/json.ts";
import { parseTime } from "../base/time.ts";
import { decodeItem, listOf, mapWith, Tag, textOf, type Item } from "./items.ts";
import { onlyContent } from "./jumbf.ts";
import { reference, type Assertion, type Manifest } from "./manifest.ts";
import { opened, within } from "./open.ts";

const OURS = "org.tallystick.";
/** Their labels are those of payloads, without what ours begin with. */
const PAYLOADS = ["licence", "certificate"];
const LONGEST_PAYLOAD = 512 << 10;
const ACTIONS = "c2pa.actions.v2";
const INGREDIENT = /^c2pa\.ingredient\.v3(__[1-9][0-9]{0,3})?$/;
/** What the file tells machines (CAWG, Training and Data Mining 1.1). */
const MINING = "cawg.training-mining";
const MINING_USES = ["cawg.ai_generative_training", "cawg.ai_inference", "cawg.ai_training", "cawg.data_mining"];
export const BINDING = "c2pa.hash.data";

export interface Asserted {
  /** Of the action that created the work. */
  sourceType: string | null;
  payload: { label: string; value: Json } | undefined;
}

/** `Open` where something is asserted that is not wholly judged here. */
export function readAssertions(manifest: Manifest, at: number): Asserted {
  const asserted = [...manifest.assertions.values()];
  const payloads = asserted.filter(({ label }) => label.toLowerCase().startsWith(OURS));
  const actions = manifest.assertions.get(ACTIONS);
  for (const each of asserted) {
    if (payloads.includes(each) || each.label === ACTIONS || each.label === BINDING) continue;
    if (each.label === MINING) {
      demandMining(each);
      continue;
    }
    within(INGREDIENT.test(each.label), `the assertion ${each.label}`);
    demandIngredient(each);
  }
  within(actions !== undefined && actions.created, "a card without actions of its signer");
  return { sourceType: readActions(actions, manifest, at), payload: readPayload(payloads) };
}

/** Something that went into the work, told in words alone: none with a manifest of its own. */
function demandIngredient({ box }: Assertion): void {
  const members = mapWith(decodeItem(onlyContent(box, "cbor")), "relationship", "dc:title", "dc:format", "instanceID", "description");
  for (const text of members.values()) textOf(text);
  within(members.get("relationship") === "componentOf" && members.has("dc:title"), "an ingredient of another kind than a component");
}

/** Of the one form of section 3. What it says decides nothing here, so whatever is wrong with it leaves the card open, and refuses nothing. */
function demandMining({ box, created }: Assertion): void {
  within(created, "what machines may do, not by the signer himself");
  const entries = opened(() => mapWith(mapWith(decodeItem(onlyContent(box, "cbor")), "entries").get("entries"), ...MINING_USES));
  within(entries.size === MINING_USES.length, "what machines may do, without one of the four entries");
  for (const entry of entries.values()) {
    const use = mapWith(entry, "use").get("use");
    within(use === "allowed" || use === "notAllowed", "a use by machines that is neither allowed nor not allowed");
  }
}

/** The first created the work; none is later than `at` (time.future). */
function readActions({ box }: Assertion, manifest: Manifest, at: number): string | null {
  const [first, ...others] = listOf(mapWith(decodeItem(onlyContent(box, "cbor")), "actions").get("actions"));
  const created = mapWith(first, "action", "when", "digitalSourceType");
  within(created.get("action") === "c2pa.created", "a card that was not created, but opened");
  demandWhen(created.get("when"), at);
  for (const each of others) {
    const members = mapWith(each, "action", "when", "parameters");
    demandWhen(members.get("when"), at);
    if (members.get("action") === "c2pa.placed") demandPlaced(members.get("parameters"), manifest);
    else within(members.get("action") === "c2pa.published" && !members.has("parameters"), "an action of another kind");
  }
  return textOf(created.get("digitalSourceType")) || null;
}

function demandPlaced(parameters: Item | undefined, { label, assertions }: Manifest): void {
  const ingredients = listOf(mapWith(parameters, "ingredients").get("ingredients"));
  within(ingredients.length > 0, "something that was placed, and is not told");
  for (const each of ingredients) {
    const { name, hash } = reference(each, label);
    const found = assertions.get(name);
    within(found !== undefined && INGREDIENT.test(name) && equal(found.hash, hash), "an action upon something that is no ingredient");
  }
}

/** Tag 0, in the one form of times that is read here. */
function demandWhen(item: Item | undefined, at: number): void {
  if (item === undefined) return;
  within(item instanceof Tag && item.tag === 0 && typeof item.value === "string" && /^[0-9T:-]{19}Z$/.test(item.value), "a time of another form");
  if (parseTime(item.value) > at) throw new Failed(`time.future: an action of ${item.value}`);
}

/** Of ours only those of section 3 are known, each created, once, canonical; one file says one thing. */
function readPayload(found: Assertion[]): Asserted["payload"] {
  for (const { label, created } of found) {
    if (!PAYLOADS.some((each) => label === OURS + each)) throw new Failed(`assertion.unknown: ${label}`);
    if (!created) throw new Failed(`assertion.not_created: ${label}`);
  }
  within(found.length <= 1, "a licence and a certificate in one file");
  const [only] = found;
  if (only === undefined) return undefined;
  try {
    return { label: only.label.slice(OURS.length), value: anyObject(parseCanonical(onlyContent(only.box, "json"), LONGEST_PAYLOAD)) };
  } catch (error) {
    if (error instanceof Malformed) throw new Failed(`${only.label} is not of its form: ${error.message}`);
    throw error;
  }
}
