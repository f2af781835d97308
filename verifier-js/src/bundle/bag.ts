/** The bag (section 2): its tag files, and every byte read once. */
import { compare, equal, hex, utf8, type Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import { leaf, sha256 } from "../base/hashes.ts";
import type { FileRecord } from "../events/digestRecord.ts";
import { readContainer, type Member } from "./container.ts";
import { crc32 } from "./crc32.ts";
import { digester, PIECE } from "./digester.ts";
import { parts, type Source } from "./source.ts";

export const SIGNATURE = "tagmanifest-sha256.txt.cose";
export const TAG_MANIFEST = "tagmanifest-sha256.txt";
const MANIFEST = "manifest-sha256.txt";
const DECLARATION = "bagit.txt";
const INFO = "bag-info.txt";
const TAGS = [INFO, DECLARATION, MANIFEST, TAG_MANIFEST, SIGNATURE];
const LONGEST_TAG = 64 << 20;

/** What the user is told while bytes are read. */
export type Progress = (done: number, all: number) => void;

export class Bag {
  readonly members: Map<string, Member>;
  /** SHA-256 of the whole file, hex. */
  readonly sha256: string;
  private readonly source: Source;
  private readonly records = new Map<string, FileRecord>();

  constructor(source: Source, whole: string) {
    this.source = source;
    this.sha256 = whole;
    this.members = new Map(readContainer(source).map((member) => [member.name, member]));
    for (const name of TAGS) if (!this.members.has(name)) throw new Malformed(`the bag does not have ${name}`);
    for (const member of this.members.values()) {
      if (member.name.startsWith("data/")) continue;
      if (!TAGS.includes(member.name)) throw new Malformed(`${member.name} has no place outside data/`);
      if (member.size > LONGEST_TAG) throw new Malformed(`${member.name} is longer than 64 MiB`);
    }
  }

  /** Names of the members under data/, in order. */
  payload(): string[] {
    return [...this.members.keys()].filter((name) => name.startsWith("data/"));
  }

  /** The same in the order of the manifests. */
  sortedPayload(): string[] {
    return this.payload().sort((a, b) => compare(utf8(a), utf8(b)));
  }

  size(name: string): number {
    return this.members.get(name)!.size;
  }

  read(name: string): Bytes {
    const member = this.members.get(name)!;
    return this.source.read(member.offset, member.size);
  }

  /** Leaf hashes of the pieces of a member. */
  *pieces(name: string): Generator<Bytes> {
    const { offset, size } = this.members.get(name)!;
    for (let at = 0; at < size; at += PIECE) yield leaf(this.source.read(offset + at, Math.min(PIECE, size - at)));
  }

  /** Digest record of a member under data/, once `check` has read it. */
  record(name: string): FileRecord {
    return this.records.get(name)!;
  }

  /** Every member has the CRC of its header; both manifests are those of the bytes. */
  check(progress: Progress): void {
    let done = 0;
    for (const member of this.members.values()) {
      const hash = member.name.startsWith("data/") ? digester() : undefined;
      let crc = 0;
      for (const part of parts(this.source, member.offset, member.size)) {
        crc = crc32(part, crc);
        hash?.update(part);
        done += part.length;
        progress(done, this.source.size);
      }
      if (crc !== member.crc) throw new Failed(`the bytes of ${member.name} do not have the CRC-32 of its header: they were changed`);
      if (hash !== undefined) this.records.set(member.name, hash.record());
    }
    this.checkTags();
  }

  private checkTags(): void {
    const payload = this.payload();
    const bytes = payload.reduce((sum, name) => sum + this.size(name), 0);
    const lines = new TextDecoder("latin1").decode(this.read(INFO)).split("\n");
    if (!lines.includes(`Payload-Oxum: ${bytes}.${payload.length}`)) throw new Failed("Payload-Oxum is not that of the members");
    this.compareManifest(MANIFEST, payload.map((name) => [name, this.record(name).sha256]));
    this.compareManifest(TAG_MANIFEST, [INFO, DECLARATION, MANIFEST].map((name) => [name, hex(sha256(this.read(name)))]));
    if (!equal(this.read(DECLARATION), utf8("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"))) throw new Malformed(`${DECLARATION} is of another form`);
  }

  private compareManifest(name: string, rows: [string, string][]): void {
    const sorted = rows.sort(([a], [b]) => compare(utf8(a), utf8(b)));
    const text = sorted.map(([each, digest]) => `${digest}  ${percent(each)}\n`).join("");
    if (!equal(this.read(name), utf8(text))) throw new Failed(`${name} is not that of the members`);
  }
}

/** A name as manifests write it. */
export function percent(name: string): string {
  return name.replace(/[%\r\n]/g, (character) => "%" + character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0"));
}
