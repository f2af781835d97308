/** What the steps share: the evidence, the reader's choices, and what earlier steps established. */
import { parseIdentifier } from "../base/identifiers.ts";
import type { Replay } from "../admission/replay.ts";
import type { Placed } from "../admission/replay.ts";
import type { AnchorProof } from "../evm/proof.ts";
import type { Anchored } from "../evm/anchor.ts";
import type { Bag } from "../bundle/bag.ts";
import type { Case } from "../bundle/case.ts";
import type { ListedFile } from "../events/digestRecord.ts";
import type { Disclosure } from "../events/disclosure.ts";
import type { EventOf } from "../events/event.ts";
import type { EventType } from "../events/types.ts";
import type { Checkpoint } from "../log/note.ts";
import type { Words } from "../asn1/revocation.ts";
import type { Timestamp } from "../asn1/timestamp.ts";
import type { Trust, TrustedLog } from "../trust.ts";
import type { Accusation } from "./accusations.ts";
import type { BagSignature } from "./step02.ts";

/** A checkpoint whose three signatures hold. */
export interface Head {
  note: Checkpoint;
  /** Unix seconds of the ML-DSA line. */
  time: number;
}

export interface HeldAnchor extends Head {
  anchored: Anchored;
  /** Tokens over the block that hold. */
  tokens: HeldToken[];
}

export interface HeldToken {
  timestamp: Timestamp;
  /** SHA-256 of the token, hex. */
  digest: string;
  /** Size of the tree that it bounds. */
  size: number;
}

export interface Examination {
  bag: Bag;
  bagSignature: BagSignature;
  /** Who signed the bundle. */
  exporter: Trust["exporters"][number];
  trust: Trust;
  /** As of when, text and Unix seconds. */
  at: string;
  atSeconds: number;
  case: Case;
  entries: Placed[];
  disclosures: Map<number, Disclosure[]>;
  proofs: AnchorProof[];
  contents: Map<string, ListedFile[]>;
  replay: Replay;
  log: TrustedLog | undefined;
  head: Head | undefined;
  subjects: Set<string>;
  /** Positions of the admitted entries about the subjects, ascending. */
  about: number[];
  /** What the reader brought against the log, and what of it holds. */
  accusations: Accusation[];
  forks: object[];
  anchors: HeldAnchor[];
  tokens: HeldToken[];
  /** What the case holds of revocation beside its files. */
  words: Words;
  /** The checkpoints of those tokens. */
  stamped: Head[];
}

/** Admitted entries of one type, by position. */
export function admitted<T extends EventType>(examination: Examination, type: T): { position: number; at: string; event: EventOf<T> }[] {
  return [...examination.replay.admitted.values()]
    .filter((entry) => entry.statement.event.type === type)
    .map((entry) => ({ position: entry.position, at: entry.at, event: entry.statement.event as EventOf<T> }))
    .sort((a, b) => a.position - b.position);
}

/** The admitted entry of this type that introduced its subject. */
export function introduced<T extends EventType>(examination: Examination, type: T, subject: string): EventOf<T> | undefined {
  return admitted(examination, type).find((entry) => entry.event.subject === subject)?.event;
}

/** When the entry of this type that introduced its subject was admitted. */
export function admittedAt(examination: Examination, type: EventType, subject: string): string | undefined {
  return admitted(examination, type).find((entry) => entry.event.subject === subject)?.at;
}

/** By a key of the party's own, or the registrar's: not recorded by the service. */
export function isSigned({ replay }: Examination, position: number): boolean {
  return ["party", "registrar"].includes(replay.admitted.get(position)!.role);
}

/** The acting party. */
export function partyOf({ replay }: Examination, position: number): string {
  const { statement, issuer } = replay.admitted.get(position)!;
  return statement.event.recorded_for?.party ?? issuer;
}

/** By a key of the party's own, and not by the registrar of the log. */
export function isOwn({ replay }: Examination, position: number): boolean {
  return replay.admitted.get(position)!.role === "party";
}

/** The objects among the subjects of the case, in order. */
export function objectsOf({ subjects }: Examination): string[] {
  return [...subjects].filter((each) => parseIdentifier(each).letter === "A").sort();
}
