/** The trust file: whom a verifier believes. */
import { hex, type Bytes } from "./base/bytes.ts";
import { LaterVersion, Malformed } from "./base/errors.ts";
import { anyObject, base64Of, bool, hexOf, integer, list, oneOf, origin, record, text, time, word, type Of } from "./base/forms.ts";
import { sha256 } from "./base/hashes.ts";
import { parseRelaxed, type JsonObject } from "./base/json.ts";
import { keyForm, type Key } from "./base/keys.ts";
import { anchorTarget, ROLES, type AnchorTarget } from "./events/types.ts";
import { parseVerifierKey } from "./log/note.ts";
import { auditor, type Auditor } from "./map/audit.ts";
import { logKey, witness, type CheckpointKeys, type Witness } from "./log/signatures.ts";
import { isClaim } from "./report.ts";

const LONGEST = 1 << 20;
const LATEST = 4;
const THIRD = ["evm_chains", "independent_witnesses"];
const FOURTH = ["cawg_roots", "token_roots", "pdf_roots", "auditors"];

const certificate = base64Of(8192);

const form = record(
  {
    v: integer(1, LATEST), publisher: text(1, 200), issued: time,
    logs: list(1, 64, record(
      { origin, keys: list(3, 3, text(1, 4096)), registrar: keyForm },
      { replaced: list(0, 4096, record({ position: integer(), since: time, role: oneOf(...ROLES), key: keyForm })) },
    )),
    exporters: list(0, 64, record({ name: text(1, 200), key: keyForm })),
    c2pa_roots: list(0, 64, certificate), evm_targets: list(0, 64, anchorTarget),
    tsa_roots: list(0, 64, record(
      { name: text(1, 200), root: certificate, independent: bool },
      { certificates: list(1, 16, certificate) },
    )),
    independent_time: bool,
    witnesses: record({ keys: list(0, 64, text(1, 4096)), quorum: integer(0, 64) }),
    status_max_age: integer(0, 316_224_000), required: list(0, 16, word),
  },
  {
    evm_chains: list(0, 64, record({
      chain_id: integer(), genesis: hexOf(32), headers: oneOf("operator-seal", "named-blocks", "none"),
      blocks: list(0, 256, record({ number: integer(), hash: hexOf(32) })),
    })),
    independent_witnesses: list(1, 64, text(1, 255)),
    cawg_roots: list(1, 64, certificate),
    token_roots: list(1, 64, certificate),
    pdf_roots: list(1, 64, certificate),
    auditors: list(1, 64, record({ key: text(1, 4096) }, { not_after: time })),
  },
);

export type TrustForm = Of<typeof form>;

export interface TrustedLog {
  origin: string;
  keys: CheckpointKeys;
  registrar: Key;
  replaced: NonNullable<TrustForm["logs"][number]["replaced"]>;
}

export interface Authority {
  name: string;
  root: Bytes;
  independent: boolean;
  certificates: Bytes[];
}

export interface TrustedAuditor extends Auditor {
  /** Audits of after it count for nothing. */
  notAfter: string | undefined;
}

export interface Trust {
  publisher: string;
  issued: string;
  logs: TrustedLog[];
  exporters: TrustForm["exporters"];
  c2paRoots: Bytes[];
  /** Above who signs certificates as PDF. */
  pdfRoots: Bytes[];
  evmTargets: AnchorTarget[];
  evmChains: NonNullable<TrustForm["evm_chains"]>;
  authorities: Authority[];
  independentTime: boolean;
  witnesses: Witness[];
  quorum: number;
  independentWitnesses: Set<string>;
  auditors: TrustedAuditor[];
  required: string[];
  /** SHA-256 of the bytes, hex: what a court compares by another channel. */
  fingerprint: string;
}

export function parseTrust(bytes: Bytes): Trust {
  const value = anyObject(parseRelaxed(bytes, LONGEST));
  if (typeof value.v === "number" && (value.v < 1 || value.v > LATEST)) throw new LaterVersion(`a trust file of version ${value.v}`);
  const found = form(value);
  demandVersion(found, value);
  const witnesses = found.witnesses.keys.map((key) => witness(parseVerifierKey(key)));
  const trust: Trust = {
    publisher: found.publisher, issued: found.issued, logs: found.logs.map(trustedLog), exporters: found.exporters,
    c2paRoots: found.c2pa_roots, pdfRoots: found.pdf_roots ?? [], evmTargets: found.evm_targets, evmChains: found.evm_chains ?? [],
    authorities: found.tsa_roots.map((each) => ({ ...each, certificates: each.certificates ?? [] })),
    independentTime: found.independent_time, witnesses, quorum: found.witnesses.quorum,
    independentWitnesses: new Set(found.independent_witnesses ?? []),
    auditors: (found.auditors ?? []).map((each) => ({ ...auditor(parseVerifierKey(each.key)), notAfter: each.not_after })), required: found.required, fingerprint: hex(sha256(bytes)),
  };
  demandSense(trust, found);
  return trust;
}

function demandVersion(found: TrustForm, value: JsonObject): void {
  const third = THIRD.some((key) => key in value) || found.tsa_roots.some((root) => root.certificates !== undefined);
  const fourth = FOURTH.some((key) => key in value);
  const fits = fourth ? found.v === 4 : third ? found.v === 3 : found.v < 3;
  if (!fits) throw new Malformed("a trust file whose version is not that of its members");
  for (const log of found.logs)
    if ((found.v >= 2) !== (log.replaced !== undefined)) throw new Malformed("logs have `replaced` from version 2 on, and not before");
}

function trustedLog(log: TrustForm["logs"][number]): TrustedLog {
  const keys: Partial<CheckpointKeys> = {};
  for (const text of log.keys) {
    const verifier = parseVerifierKey(text);
    const { role, key } = logKey(verifier);
    if (verifier.name !== log.origin) throw new Malformed("a verifier key of a log under another name than its origin");
    if (keys[role] !== undefined) throw new Malformed("two verifier keys of one type for a log");
    keys[role] = key;
  }
  const replaced = log.replaced ?? [];
  if (replaced.some((each, index) => index > 0 && replaced[index - 1]!.position >= each.position)) throw new Malformed("rotations that are not sorted by position");
  return { origin: log.origin, keys: keys as CheckpointKeys, registrar: log.registrar, replaced };
}

function demandUnique(values: (string | number)[], what: string): void {
  if (new Set(values).size !== values.length) throw new Malformed(`${what} that stands twice`);
}

function demandSense(trust: Trust, found: TrustForm): void {
  const unknown = trust.required.find((id) => !isClaim(id));
  if (unknown !== undefined) throw new LaterVersion(`a trust file that demands the claim ${unknown}`);
  demandUnique(trust.logs.map((log) => log.origin), "a log");
  demandUnique(trust.exporters.map((exporter) => exporter.key.kid), "an exporter's key");
  demandUnique(trust.witnesses.map((each) => each.key.kid), "a witness key");
  demandUnique([...trust.witnesses, ...trust.auditors].map((each) => hex(each.key.raw)), "a witness's or an auditor's key");
  demandUnique(trust.evmChains.map((chain) => `${chain.chain_id} ${chain.genesis}`), "a chain");
  demandUnique(found.independent_witnesses ?? [], "an independent witness");
  const ofLogs = new Set(trust.logs.flatMap((log) => [log.registrar, ...Object.values(log.keys), ...log.replaced.map((each) => each.key)].map((key: Key) => key.kid)));
  if ([...trust.witnesses, ...trust.auditors].some((each) => ofLogs.has(each.key.kid))) throw new Malformed("a witness or an auditor whose key is one of a log");
  if (trust.quorum > new Set(trust.witnesses.map((each) => each.name)).size) throw new Malformed("a quorum of more witnesses than there are names");
  for (const name of trust.independentWitnesses)
    if (!trust.witnesses.some((each) => each.name === name)) throw new Malformed("an independent witness that is none of the witnesses");
  for (const chain of trust.evmChains) {
    demandUnique(chain.blocks.map((block) => block.number), "a block");
    if ((chain.headers === "named-blocks") !== chain.blocks.length > 0) throw new Malformed("blocks are named exactly where they count");
  }
  if (trust.authorities.some((each) => each.independent) && !trust.independentTime) throw new Malformed("an independent authority without independent_time");
}
