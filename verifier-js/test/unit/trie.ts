/** Nodes of a trie stand where appendix D of the yellow paper puts them: small ones inside their parent, others listed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { concat, fromHex, utf8, type Bytes } from "../../src/base/bytes.ts";
import { Malformed } from "../../src/base/errors.ts";
import { keccak } from "../../src/base/hashes.ts";
import { trieValue } from "../../src/evm/trie.ts";

const KEY = fromHex("12");
/** At nibble 2, one byte. */
const SMALL = fromHex("c23276");

/** A branch of 17 items, all empty but this one at nibble 1. */
function branch(child: Bytes): Bytes {
  const items = concat(fromHex("80"), child, fromHex("80".repeat(15)));
  return concat(Uint8Array.of(0xc0 + items.length), items);
}

test("a small node inside its parent is read there", () => {
  const root = branch(SMALL);
  assert.deepEqual(trieValue(keccak(root), KEY, [root]), utf8("v"));
});

test("a root may be small", () => {
  const root = fromHex("c482201276");
  assert.deepEqual(trieValue(keccak(root), KEY, [root]), utf8("v"));
});

test("a small node that is listed, under its hash, is of another form", () => {
  const root = branch(concat(fromHex("a0"), keccak(SMALL)));
  assert.throws(() => trieValue(keccak(root), KEY, [root, SMALL]), Malformed);
});
