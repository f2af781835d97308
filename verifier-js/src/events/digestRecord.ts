/** Digest records of files and folders (Values 7). */
import { compare, hex, utf8 } from "../base/bytes.ts";
import { LaterVersion, Malformed } from "../base/errors.ts";
import { anyObject, anyText, hexOf, integer, isVisible, oneOf, record, type Form, type Of } from "../base/forms.ts";
import { leaf, TreeHasher } from "../base/hashes.ts";
import { encode } from "../base/json.ts";

const fileForm = record({ v: oneOf(1), form: oneOf("file"), sha256: hexOf(32), sm3: hexOf(32), size: integer(), chunks: hexOf(32) });
const folderForm = record({ v: oneOf(1), form: oneOf("folder"), root: hexOf(32), count: integer(1, 1_000_000), size: integer() });

export type FileRecord = Of<typeof fileForm>;
export type FolderRecord = Of<typeof folderForm>;
export type DigestRecord = FileRecord | FolderRecord;

export const digestRecord: Form<DigestRecord> = (value) => {
  const { v, form } = anyObject(value);
  if (typeof v === "number" && v !== 1) throw new LaterVersion(`a digest record of version ${v}`);
  return form === "folder" ? folderForm(value) : fileForm(value);
};

/** A path inside a folder, or the name of a member. */
export const path: Form<string> = (value) => {
  const found = anyText(value);
  const length = utf8(found).length;
  if (length < 1 || length > 4096 || !isVisible(found) || found.normalize("NFC") !== found || found.includes("\\"))
    throw new Malformed("a path that is not visible text in NFC of 1 to 4,096 bytes");
  if (found.split("/").some((part) => part === "" || part === "." || part === "..")) throw new Malformed("a path with an empty part, . or ..");
  return found;
};

export const listedFile = record({ path, sha256: hexOf(32), size: integer(), sm3: hexOf(32) });
export type ListedFile = Of<typeof listedFile>;

/** The record of a folder with these files, in order. */
export function folderRecord(files: ListedFile[]): FolderRecord {
  const tree = new TreeHasher();
  let last: Uint8Array | undefined;
  let size = 0;
  for (const file of files) {
    const written = utf8(file.path);
    if (last !== undefined && compare(last, written) >= 0) throw new Malformed("a file list that is not sorted by path");
    last = written;
    size += file.size;
    tree.add(leaf(utf8(encode({ path: file.path, sha256: file.sha256, size: file.size, sm3: file.sm3 }))));
  }
  return { v: 1, form: "folder", root: hex(tree.root()), count: files.length, size };
}

export function sameRecord(a: DigestRecord, b: DigestRecord): boolean {
  return encode({ ...a }) === encode({ ...b });
}

