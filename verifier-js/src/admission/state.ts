/** What the admitted entries say, as the rules read it. */
import type { DigestPair } from "../base/hashes.ts";
import type { Key } from "../base/keys.ts";
import type { EventOf } from "../events/event.ts";
import type { EventType, Role } from "../events/types.ts";

/** An entry that the rules refuse; the code says why. */
export class Refusal extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** Refuse with `code` unless the rule holds. */
export function demand(holds: boolean, code: string): asserts holds {
  if (!holds) throw new Refusal(code);
}

export interface Window {
  key: Key;
  not_before: string;
  not_after?: string;
}

export function inForce(window: Window, at: string): boolean {
  return window.not_before <= at && (window.not_after === undefined || at < window.not_after);
}

export interface Party {
  roles: Set<string>;
  keys: Map<string, Window & { revoked: boolean }>;
}

export interface Capability {
  state: "filed" | "approved" | "suspended" | "revoked";
  version: string;
  /** SHA-256 of the model signature's bytes, hex. */
  modelSignature: string;
  tested?: "pass" | "fail";
  graded: boolean;
}

export interface Job {
  state: "running" | "done" | "failed";
  party: string;
  capability: string;
  environment: DigestPair;
  parameters: DigestPair;
}

export type Standing = "valid" | "suspended" | "revoked" | "expired";

/** A change of a licence, since version 3. */
export interface LicenceChange {
  to: Standing;
  effective: string;
  position: number;
}

export interface Licence {
  /** What its statuses under versions 1 and 2 made it. */
  state: Standing;
  /** In order of effective time, then position. */
  changes: LicenceChange[];
  grantor: string;
  object: string;
  holder?: string;
  parent?: string;
  sublicences: number;
  free: boolean;
  commenced?: boolean;
  consent?: { to: string; until?: string };
}

export interface Capture {
  object: string;
  party: string;
  /** Who bore it out. */
  attested: Set<string>;
}

/** What happened to an object's bytes, as far as the next entry needs it. */
export interface Custody {
  custodian: string;
  /** Position of the latest entry. */
  latest: number;
  /** To whom a transfer is on its way. */
  receiver?: string;
  ended: boolean;
}

export interface Settlement {
  subject: string;
  parties: string[];
  agreed: Set<string>;
  superseded: boolean;
  /** Position of the record that it corrects. */
  supersedes?: number;
}

export interface Certificate {
  state: "issued" | "withdrawn";
  object: string;
}

export interface Remembered {
  speaker: string;
  subject: string;
  names: Set<string>;
  erased: Set<string>;
}

export interface LogSelf {
  origin: string;
  prefix: string;
  registrar: string;
  service: string;
  keys: Map<Role, Window>;
  retired: Set<string>;
}

export interface State {
  log?: LogSelf;
  policy?: { position: number; version: number };
  frozen?: number;
  lastBatch?: { position: number; time: string };
  targets: Set<string>;
  parties: Map<string, Party>;
  objects: Map<string, { holder: string; job?: string }>;
  capabilities: Map<string, Capability>;
  jobs: Map<string, Job>;
  licences: Map<string, Licence>;
  certificates: Map<string, Certificate>;
  disputes: Map<string, { state: "open" | "resolved"; claimant: string; target: string }>;
  /** By position of the record. */
  settlements: Map<number, Settlement>;
  /** Each kid that ever belonged to the log or a party. */
  kids: Set<string>;
  statusSlots: Set<string>;
  numbers: Set<string>;
  remembered: Map<number, Remembered>;
  /** Capture records by position. */
  captures: Map<number, Capture>;
  /** By object. */
  custody: Map<string, Custody>;
  times: Set<string>;
  /** Size of the latest root of the map. */
  mapped: number;
}

export function emptyState(): State {
  return {
    targets: new Set(), parties: new Map(), objects: new Map(), capabilities: new Map(), jobs: new Map(), licences: new Map(),
    certificates: new Map(), disputes: new Map(), settlements: new Map(), kids: new Set(), statusSlots: new Set(), numbers: new Set(), remembered: new Map(),
    captures: new Map(), custody: new Map(), times: new Set(), mapped: -1,
  };
}

/** A statement that is being decided, and who speaks in it. */
export interface Said<T extends EventType = EventType> {
  event: EventOf<T>;
  position: number;
  /** Admission time. */
  at: string;
  issuer: string;
  /** Role of the log's key that signed; none where a party's did. */
  role?: Role;
  /** The acting party, where there is one. */
  party?: string;
}

export function isRegistered(state: State, identifier: string): boolean {
  return [state.parties, state.objects, state.capabilities, state.jobs, state.licences, state.certificates, state.disputes]
    .some((known: Map<string, unknown>) => known.has(identifier));
}
