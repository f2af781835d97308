/** docs/vectors, each computed again: `node dist/vectors.mjs FOLDER` prints what differs, one line each, and how many were compared. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fromHex, hex, utf8 } from "../src/base/bytes.ts";
import { Malformed } from "../src/base/errors.ts";
import { leaf, TreeHasher } from "../src/base/hashes.ts";
import { parseIdentifier } from "../src/base/identifiers.ts";
import { encode, parseCanonical, type Json } from "../src/base/json.ts";
import { keyForm } from "../src/base/keys.ts";
import { replay } from "../src/admission/replay.ts";
import { digester } from "../src/bundle/digester.ts";
import { folderRecord } from "../src/events/digestRecord.ts";
import { parseDisclosure } from "../src/events/disclosure.ts";
import { verifyConsistency, verifyInclusion } from "../src/log/merkle.ts";
import { parseCheckpoint, parseVerifierKey } from "../src/log/note.ts";
import { eip712Digest, logKey, subtreeMessage, verifyLog, witness, cosignature, type CheckpointKeys } from "../src/log/signatures.ts";
import { parseStatement } from "../src/log/statement.ts";
import { address } from "../src/base/keys.ts";
import { about } from "../src/map/about.ts";
import { audited, auditor, parseAudit } from "../src/map/audit.ts";
import { bitOf, chainOf, keyOf, leafHash, mapNode, proofForm, verifyMapProof, type MapLeaf } from "../src/map/proof.ts";
import { sha256 } from "../src/base/hashes.ts";

const folder = process.argv[2]!;
let compared = 0;

function read(name: string): any {
  return JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8"));
}

function same(what: string, found: unknown, expected: unknown): void {
  compared += 1;
  const [a, b] = [found, expected].map((value) => JSON.stringify(value));
  if (a !== b) console.log(`${what}: ${a}, not ${b}`);
}

function refused(what: string, read: () => unknown): void {
  compared += 1;
  try {
    read();
  } catch (error) {
    if (error instanceof Malformed) return;
    throw error;
  }
  console.log(`${what}: accepted`);
}

function canonical(): void {
  const { encode: written, refused: bad } = read("canonical");
  for (const { value, text } of written) {
    same(`canonical ${text}`, encode(value), text);
    same(`canonical ${text}`, encode(parseCanonical(utf8(text), 1 << 20)), text);
  }
  for (const text of bad) refused(`canonical ${text}`, () => parseCanonical(utf8(text), 1 << 20));
}

function identifiers(): void {
  const { made, refused: bad } = read("identifiers");
  for (const { identifier, letter, prefix } of made) {
    const found = parseIdentifier(identifier, letter);
    same(identifier, [found.letter, found.prefix], [letter, prefix]);
  }
  for (const text of bad) refused(text, () => parseIdentifier(text));
}

function digests(): void {
  const { files, folder: expected } = read("digests");
  const records = new Map<string, any>();
  for (const { name, text, times, record } of files) {
    const hash = digester();
    for (let at = 0; at < times; at += 1000) hash.update(utf8(text.repeat(Math.min(1000, times - at))));
    records.set(name, record);
    same(name, encode(hash.record() as unknown as Json), encode(record));
  }
  const listed = Object.entries(expected.files as Record<string, string>).map(([path, name]) => {
    const { sha256, size, sm3 } = records.get(name);
    return { path, sha256, size, sm3 };
  });
  same("file list", listed.map((file) => encode(file)), expected.lines);
  same("folder", encode(folderRecord(listed) as unknown as Json), encode(expected.record));
}

function disclosures(): void {
  const { made, refused: bad } = read("disclosures");
  for (const { name, value, text, commitment } of made) {
    const found = parseDisclosure(text);
    same(text, [found.name, encode(found.value), found.commitment], [name, encode(value), commitment]);
  }
  for (const text of bad) refused(text, () => parseDisclosure(text));
}

function keys(): void {
  for (const { alg, public: raw, kid } of read("keys")) same(`key ${alg}`, keyForm({ alg, public: raw }).kid, kid);
}

function statements(): void {
  for (const file of ["statements", "statements-2", "statements-3", "statements-4"])
    for (const { type, entry, signed, statement_id, leaf: expected, payload } of read(file).statements) {
      const found = parseStatement(fromHex(entry));
      same(`${file} ${type}`, [hex(found.signed), found.id, hex(found.leaf), found.event.type], [signed, statement_id, expected, type]);
      same(`${file} ${type}`, encode(JSON.parse(payload).body), encode(found.event.json));
    }
}

function merkle(): void {
  const vectors = read("merkle");
  const leaves = vectors.entries.map((entry: string) => leaf(utf8(entry)));
  same("leaves", leaves.map(hex), vectors.leaves);
  const roots = vectors.roots.map((root: string) => fromHex(root));
  vectors.roots.forEach((root: string, size: number) => {
    const tree = new TreeHasher();
    for (const each of leaves.slice(0, size)) tree.add(each);
    same(`root ${size}`, hex(tree.root()), root);
  });
  for (const { index, size, path } of vectors.inclusion) {
    compared += 1;
    verifyInclusion(leaves[index], BigInt(index), BigInt(size), roots[size], path.map((each: string) => fromHex(each)));
  }
  for (const { from, to, path } of vectors.consistency) {
    compared += 1;
    verifyConsistency(BigInt(from), roots[from], BigInt(to), roots[to], path.map((each: string) => fromHex(each)));
  }
}

function checkpoint(): void {
  const vector = read("checkpoint");
  const note = parseCheckpoint(utf8(vector.note));
  same("checkpoint", [note.origin, Number(note.size), hex(note.root), note.text], [vector.origin, vector.size, vector.root, vector.text]);
  same("ml-dsa message", hex(subtreeMessage(note, note.origin, BigInt(vector.time))), vector.ml_dsa_message);
  same("eip-712", hex(eip712Digest(note)), vector.eip712_digest);
  const found = Object.fromEntries(vector.verifier_keys.map((text: string) => {
    const { role, key } = logKey(parseVerifierKey(text));
    return [role, key];
  })) as unknown as CheckpointKeys;
  same("address", address(found.authority.raw), vector.address);
  same("time", verifyLog(note, note.origin, found), vector.time);
}

function witnesses(): void {
  const vector = read("witness");
  const by = witness(parseVerifierKey(vector.witness));
  for (const request of vector.requests) {
    if (request.ed25519_line === undefined) continue;
    const text = request.body.slice(request.body.indexOf("\n\n") + 2);
    const found = cosignature(parseCheckpoint(utf8(text + request.ed25519_line)), by);
    same(`witness ${request.what}`, found?.time, Number(vector.time));
  }
}

function admission(): void {
  for (const file of ["replay", "replay-2", "replay-3", "replay-4"])
    for (const [log, { entries }] of Object.entries(read(file)) as [string, any][]) {
      const placed = entries.map(({ entry }: any, position: number) => ({ position, statement: parseStatement(fromHex(entry)) }));
      const result = replay(placed);
      entries.forEach(({ what, outcome }: any, position: number) =>
        same(`${file}, ${log}, ${position} ${what}`, result.refused.get(position) ?? (result.admitted.has(position) ? "admitted" : "lost"), outcome));
    }
}

/** Root of the map of these leaves (Map 3). */
function mapRoot(leaves: Omit<MapLeaf, "path">[], from = 0): Uint8Array {
  if (leaves.length === 0) return sha256(utf8("tallystick/map/empty\n"));
  if (leaves.length === 1) return leafHash(leaves[0]!);
  let place = from;
  while (leaves.every(({ key }) => bitOf(key, place) === bitOf(leaves[0]!.key, place))) place += 1;
  const [left, right] = [0, 1].map((bit) => mapRoot(leaves.filter(({ key }) => bitOf(key, place) === bit), place + 1));
  return mapNode(place, left!, right!);
}

function map(): void {
  const { entries, roots, answers, audit } = read("map");
  const histories = new Map<string, { key: Uint8Array; entries: { position: number; leaf: Uint8Array }[] }>();
  const root = (): string => hex(mapRoot([...histories.values()].map(({ key, entries }) => ({ key, count: entries.length, chain: chainOf(entries) }))));
  same("map of nothing", root(), roots[0]);
  for (const { index, entry, own, named } of entries) {
    const statement = parseStatement(fromHex(entry));
    const { type, subject, json } = statement.event;
    const found = about({ type, subject, body: json });
    same(`about ${index}`, [[...found.own].sort(), [...found.named].sort()], [own, named]);
    for (const [relation, texts] of Object.entries(found) as ["own" | "named", Set<string>][])
      for (const text of texts) {
        const key = keyOf(relation, text);
        const history = histories.get(hex(key)) ?? { key, entries: [] };
        history.entries.push({ position: index, leaf: statement.leaf });
        histories.set(hex(key), history);
      }
    same(`map after ${index}`, root(), roots[index + 1]);
  }
  for (const { relation, text, key, proof, present } of answers) {
    same(`key of ${relation} ${text}`, hex(keyOf(relation, text)), key);
    const { count, chain } = verifyMapProof(proofForm(proof), fromHex(roots.at(-1)), relation, text);
    const expected = histories.get(key)?.entries ?? [];
    same(`answer of ${relation} ${text}`, [count > 0, count, hex(chain)], [present, expected.length, hex(chainOf(expected))]);
  }
  const told = parseAudit(utf8(audit.note));
  same("audit", [audited(told, auditor(parseVerifierKey(audit.key))), hex(told.root)], [audit.time, roots.at(-1)]);
}

for (const each of [canonical, identifiers, digests, disclosures, keys, statements, merkle, checkpoint, witnesses, admission, map]) each();
console.log(`${compared} compared`);
