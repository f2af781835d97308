/** The trust file: whom the reader believes (Trust file). Every field is demanded, and an unknown one refused. */
import { hex, type Bytes } from "./base/bytes.ts";
import { LaterVersion, Malformed } from "./base/errors.ts";
import { anyObject, base64Of, bool, hexOf, integer, list, oneOf, origin, record, text, time, word, type Of } from "./base/forms.ts";
import { sha256 } from "./base/hashes.ts";
import { parseRelaxed } from "./base/json.ts";
import { keyForm, type Algorithm, type Key } from "./base/keys.ts";
import { anchorTarget, ROLES, type AnchorTarget, type Role } from "./events/types.ts";
import { logKey, witness, type CheckpointKeys, type LogRole, type Witness } from "./log/signatures.ts";
import { parseVerifierKey } from "./log/note.ts";
import { auditor, type Auditor } from "./map/audit.ts";
import { isClaim } from "./report.ts";

const LONGEST = 1 << 20;
const LATEST = 4;
const certificate = base64Of(8192);
const verifierKey = text(1, 4096);
const SIGNING: Algorithm[] = ["ed25519", "es256"];
/** Algorithms by role (Statements, log.key-set). */
const ALGORITHMS: Record<Role, Algorithm[]> = {
  log: ["ed25519"], "log-pq": ["ml-dsa-44"], authority: ["es256k"], registrar: SIGNING, service: SIGNING, exporter: SIGNING, status: SIGNING,
};

const form = record(
  {
    v: integer(1, LATEST), publisher: text(1, 200), issued: time,
    logs: list(1, 64, record(
      { origin, keys: list(3, 3, verifierKey), registrar: keyForm },
      { replaced: list(0, 4096, record({ position: integer(1), since: time, role: oneOf(...ROLES), key: keyForm })) },
    )),
    exporters: list(0, 64, record({ name: text(1, 200), key: keyForm })), c2pa_roots: list(0, 64, certificate), evm_targets: list(0, 64, anchorTarget),
    tsa_roots: list(0, 64, record({ name: text(1, 200), root: certificate, independent: bool }, { certificates: list(1, 16, certificate) })),
    independent_time: bool, witnesses: record({ keys: list(0, 64, verifierKey), quorum: integer(0, 64) }), status_max_age: integer(0, 316_224_000),
    required: list(0, 16, word),
  },
  {
    evm_chains: list(0, 64, record({
      chain_id: integer(), genesis: hexOf(32), headers: oneOf("operator-seal", "named-blocks", "none"),
      blocks: list(0, 256, record({ number: integer(), hash: hexOf(32) })),
    })),
    independent_witnesses: list(1, 64, text(1, 255)), cawg_roots: list(1, 64, certificate), token_roots: list(1, 64, certificate),
    pdf_roots: list(1, 64, certificate), auditors: list(1, 64, record({ key: verifierKey }, { not_after: time })),
  },
);
export type TrustForm = Of<typeof form>;

export interface TrustedLog {
  origin: string;
  /** Those of entry 0. */
  keys: CheckpointKeys;
  registrar: Key;
  /** Every rotation up to the last one listed, by position. */
  replaced: NonNullable<TrustForm["logs"][number]["replaced"]>;
}

/** Above who signs timestamps. */
export interface Authority {
  name: string;
  root: Bytes;
  independent: boolean;
  /** Of its signers, or between them and the root, for tokens that do not carry them. */
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
  /** SHA-256 of the file, hex. */
  fingerprint: string;
}

export function parseTrust(bytes: Bytes): Trust {
  const value = anyObject(parseRelaxed(bytes, LONGEST));
  if (typeof value.v === "number" && (value.v < 1 || value.v > LATEST)) throw new LaterVersion(`a trust file of version ${value.v}`);
  const found = form(value);
  demandVersion(found);
  const logs = found.logs.map(trustedLog);
  demandOnce("log", found.logs.map((each) => each.origin));
  for (const { key } of found.exporters) demandAlgorithm(key, SIGNING);
  demandOnce("exporter's key", found.exporters.map((each) => each.key.kid));
  const witnesses = found.witnesses.keys.map((each) => witness(parseVerifierKey(each)));
  const auditors = (found.auditors ?? []).map(({ key, not_after }) => ({ ...auditor(parseVerifierKey(key)), notAfter: not_after }));
  demandOwnKeys(logs, witnesses, auditors);
  demandWitnesses(found, witnesses);
  demandTime(found);
  demandChains(found.evm_chains ?? []);
  for (const id of found.required) if (!isClaim(id)) throw new LaterVersion(`a trust file that demands the claim ${id}`);
  return {
    publisher: found.publisher, issued: found.issued, logs, exporters: found.exporters, c2paRoots: found.c2pa_roots, pdfRoots: found.pdf_roots ?? [],
    evmTargets: found.evm_targets, evmChains: found.evm_chains ?? [], independentTime: found.independent_time, required: found.required,
    authorities: found.tsa_roots.map(({ name, root, independent, certificates = [] }) => ({ name, root, independent, certificates })),
    witnesses, quorum: found.witnesses.quorum, independentWitnesses: new Set(found.independent_witnesses ?? []), auditors, fingerprint: hex(sha256(bytes)),
  };
}

/** 4 exactly if a member of version 4 is there; without one, 3 exactly if one of version 3 is; from 2 on each log has `replaced`. */
function demandVersion({ v, logs, tsa_roots, evm_chains, independent_witnesses, cawg_roots, token_roots, pdf_roots, auditors }: TrustForm): void {
  const fourth = [cawg_roots, token_roots, pdf_roots, auditors].some((each) => each !== undefined);
  const third = evm_chains !== undefined || independent_witnesses !== undefined || tsa_roots.some((each) => each.certificates !== undefined);
  if ((v === 4) !== fourth || (!fourth && (v === 3) !== third)) throw new Malformed("v is not the version of the members that are there");
  if (logs.some(({ replaced }) => (replaced !== undefined) !== v >= 2)) throw new Malformed("from version 2 on each log has replaced, before none");
}

function trustedLog({ origin: name, keys: written, registrar, replaced = [] }: TrustForm["logs"][number]): TrustedLog {
  const keys: Partial<Record<LogRole, Key>> = {};
  for (const each of written) {
    const verifier = parseVerifierKey(each);
    const { role, key } = logKey(verifier);
    if (verifier.name !== name) throw new Malformed(`a key of log ${name} under another name`);
    if (keys[role] !== undefined) throw new Malformed(`two keys of one type for log ${name}`);
    keys[role] = key;
  }
  demandAlgorithm(registrar, SIGNING);
  replaced.forEach(({ position, role, key }, place) => {
    if (place > 0 && replaced[place - 1]!.position >= position) throw new Malformed("replaced keys that are not sorted by position, each once");
    demandAlgorithm(key, ALGORITHMS[role]);
  });
  // Three keys of three types: each role has one.
  return { origin: name, keys: keys as CheckpointKeys, registrar, replaced };
}

function demandAlgorithm({ alg }: Key, allowed: Algorithm[]): void {
  if (!allowed.includes(alg)) throw new Malformed(`a key of ${alg} where ${allowed.join(" or ")} belongs`);
}

function demandOnce(what: string, all: string[]): void {
  if (new Set(all).size !== all.length) throw new Malformed(`one ${what} twice`);
}

/** No witness and no auditor has a key of another one, or of a log: else one who speaks for the log would bear it out. */
function demandOwnKeys(logs: TrustedLog[], witnesses: Witness[], auditors: Auditor[]): void {
  const own = new Set(logs.flatMap(({ keys, registrar, replaced }) => [...Object.values<Key>({ ...keys }), registrar, ...replaced.map((each) => each.key)]).map((key) => key.kid));
  const others = [...witnesses, ...auditors].map((each) => each.key.kid);
  demandOnce("key of a witness or an auditor", others);
  if (others.some((kid) => own.has(kid))) throw new Malformed("a witness or an auditor with a key of a log or of its registrar");
}

/** A witness is its name: so many names as the quorum demands, and independent are some of them. */
function demandWitnesses({ witnesses: { quorum }, independent_witnesses = [] }: TrustForm, witnesses: Witness[]): void {
  const names = new Set(witnesses.map((each) => each.name));
  if (quorum > names.size) throw new Malformed("a quorum of more witnesses than there are");
  demandOnce("independent witness", independent_witnesses);
  if (independent_witnesses.some((name) => !names.has(name))) throw new Malformed("an independent witness whose key is not here");
}

function demandTime({ tsa_roots, independent_time }: TrustForm): void {
  if (!independent_time && tsa_roots.some((each) => each.independent)) throw new Malformed("an independent authority, and independent_time is not true");
}

function demandChains(chains: Trust["evmChains"]): void {
  demandOnce("chain", chains.map(({ chain_id, genesis }) => `${chain_id} ${genesis}`));
  for (const { headers, blocks } of chains) {
    if ((headers === "named-blocks") !== blocks.length > 0) throw new Malformed("blocks belong to a chain with named-blocks, and only there");
    demandOnce("number of a block", blocks.map((each) => String(each.number)));
  }
}
