/** The file of an anchor proof (Anchors 2). */
import type { Bytes } from "../base/bytes.ts";
import { LaterVersion, Malformed } from "../base/errors.ts";
import { anyObject, base64Of, hexOf, integer, list, matching, oneOf, record, type Of } from "../base/forms.ts";
import { parseCanonical } from "../base/json.ts";
import { anchorTarget } from "../events/types.ts";

export const LONGEST_PROOF = 262_144;

const piece = base64Of(65_536);
const nodes = list(1, 65, piece);

const entry = { header: base64Of(4096), transaction: record({ index: integer(), raw: piece, proof: nodes }), receipt: record({ raw: piece, proof: nodes }) };
const finality = record(
  { kind: oneOf("operator-seal", "mined", "finalized", "depth", "immediate") },
  { signature: matching(/[0-9a-f]{130}/), head: integer(), head_hash: hexOf(32) },
);
/** Members that anchor proofs and conviction proofs have alike. */
export const onChain = { ...entry, log_index: integer(), account_proof: nodes, storage_proof: nodes, finality };

const form = record(
  {
    v: oneOf(1, 2), kind: oneOf("evm"), target: anchorTarget,
    checkpoint: record(
      { origin_hash: hexOf(32), size: integer(), root: hexOf(32), authority: hexOf(20) },
      { first_authority: hexOf(20) },
    ),
    ...onChain,
  },
  { tokens: list(1, 8, piece) },
);

export type AnchorProof = Of<typeof form>;

export function parseProof(bytes: Bytes): AnchorProof {
  const value = parseCanonical(bytes, LONGEST_PROOF);
  const { v } = anyObject(value);
  if (typeof v === "number" && v !== 1 && v !== 2) throw new LaterVersion(`an anchor proof of version ${v}`);
  const proof = form(value);
  const { finality, checkpoint } = proof;
  const sealed = finality.kind === "operator-seal";
  const second = checkpoint.first_authority !== undefined || proof.tokens !== undefined || !sealed;
  if ((proof.v === 2) !== second) throw new Malformed("an anchor proof whose version is not that of its members");
  if (checkpoint.first_authority === checkpoint.authority) throw new Malformed("a first authority that is the one in force");
  demandFinality(finality);
  return proof;
}

/** Each kind has the members that it demands. */
export function demandFinality(finality: AnchorProof["finality"]): void {
  if ((finality.kind === "operator-seal") !== (finality.signature !== undefined)) throw new Malformed("a finality whose signature does not fit its kind");
  const headed = finality.kind === "finalized" || finality.kind === "depth";
  if (headed !== (finality.head !== undefined) || headed !== (finality.head_hash !== undefined))
    throw new Malformed("a finality whose head does not fit its kind");
}
