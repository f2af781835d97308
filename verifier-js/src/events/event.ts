/** The event inside a statement (Statements 3). */
import { LaterVersion, Malformed } from "../base/errors.ts";
import { anyObject, digestPairForm, identifier, mapOf, name, oneOf, record, text, time, type Form } from "../base/forms.ts";
import type { DigestPair } from "../base/hashes.ts";
import { parseIdentifier } from "../base/identifiers.ts";
import type { JsonObject } from "../base/json.ts";
import { BODIES, type Bodies, type EventType } from "./types.ts";

export interface RecordedFor {
  party: string;
  authenticated_by: "api-token";
}

interface Envelope<T extends EventType> {
  type: T;
  event_id: string;
  subject: string;
  time: string;
  body: Bodies[T];
  /** The body as it stands in the statement. */
  json: JsonObject;
  recorded_for?: RecordedFor;
  private?: Map<string, DigestPair>;
}

export type EventOf<T extends EventType> = Envelope<T>;
export type Event = { [T in EventType]: Envelope<T> }[EventType];

const envelope = record(
  { v: oneOf(1), type: text(1, 40), event_id: name, subject: text(1, 255), time, body: anyObject },
  {
    recorded_for: record({ party: identifier("P"), authenticated_by: oneOf("api-token") }),
    private: mapOf(1, 32, name, digestPairForm),
  },
);

export const eventForm: Form<Event> = (value) => {
  const { v, type } = anyObject(value);
  if (typeof v === "number" && v !== 1) throw new LaterVersion(`an event of version ${v}`);
  if (typeof type === "string" && !Object.hasOwn(BODIES, type)) throw new LaterVersion(`an event of the unknown type ${type}`);
  const { v: _, body: json, ...rest } = envelope(value);
  demandSubject(rest.type as EventType, rest.subject);
  const body = (BODIES[rest.type as EventType] as Form<unknown>)(json);
  return { ...rest, body, json } as Event;
};

const LETTERS: Record<string, string> = {
  party: "P", object: "A", capability: "M", job: "J", licence: "L", certificate: "R", dispute: "D", capture: "A", custody: "A", settlement: "LD",
};

/** What the event is about has the letter of its type; events of the log are about its origin. */
function demandSubject(type: EventType, subject: string): void {
  const letters = LETTERS[type.slice(0, type.indexOf("."))];
  if (letters !== undefined && !letters.includes(parseIdentifier(subject).letter)) throw new Malformed(`a subject that is no identifier of letter ${letters}`);
}
