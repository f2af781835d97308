/** Values of a PDF as they are written, at lengths that a file may have. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Malformed } from "../../src/base/errors.ts";
import { Reader } from "../../src/pdf/reader.ts";
import { added, differing, firstItems, hasKey, same, type Value } from "../../src/pdf/values.ts";

const read = (text: string): Value => new Reader(text).value();
/** A quarter of what a file may have: the whole is as lean, and takes minutes to write and compare. */
const LENGTH = 16 << 20;

test("each kind says what is written", () => {
  const [name, reference, hex, string, number, word, array, dictionary] = read(String.raw`[/A#42 12 0 R <4a4> (a\)\101\r` + "\r\n) -.5 null [1 [2]] <</K 1/L<</M 7 0 R>>>>]").items;
  assert.equal(name!.name, "AB");
  assert.equal(reference!.number, 12);
  assert.equal(hex!.bytes, "J@");
  assert.equal(string!.bytes, "a)A\r\n");
  assert.equal(number!.written, "-.5");
  assert.equal(word!.word, "null");
  assert.deepEqual(firstItems(array!, 5).map(({ kind }) => kind), ["number", "array"]);
  assert.deepEqual([...dictionary!.members.keys()], ["K", "L"]);
  assert.deepEqual([[...dictionary!.keys()], [...dictionary!.references()]], [["K", "L", "M"], [7]]);
  assert.ok(hasKey(dictionary!, new Set(["M"])) && !hasKey(dictionary!, new Set(["A"])));
});

test("values are the same that say the same, whatever the order of members and the escapes", () => {
  assert.ok(same(read("<</A#42 (a)/C[1 0 R]>>"), read(String.raw`<</C[1 0 R]/AB(\141)>>`)));
  for (const other of ["<</C[1 0 R]>>", "<</AB(a)/C[1 0 R]/D 1>>", "<</AB(a)/C[1 0 R 1]>>", "<</AB(a)/C[]>>", "<</AB/a/C[1 0 R]>>"]) assert.ok(!same(read("<</AB(a)/C[1 0 R]>>"), read(other)), other);
  assert.deepEqual([...differing(read("<</A 1/B 2>>").members, read("<</B 3/C 1>>").members)], ["A", "B", "C"]);
  const rest = (before: string, after: string) => added(read(before).items, read(after).items)?.length;
  assert.deepEqual([rest("[1 2]", "[1 2]"), rest("[1]", "[1 2]"), rest("[1 2]", "[1]"), rest("[1]", "[2 1]"), rest("[]", "[1 2 3]")], [0, 1, undefined, undefined, 2]);
});

test("a key stands once in a dictionary, among few and among many, however it is escaped", () => {
  const many = Array.from({ length: 5000 }, (_, at) => `/k${at} ${at}`).join("");
  assert.equal(read(`<<${many}>>`).members.get("k4321")!.written, "4321");
  assert.equal(read(`<<${many}>>`).members.get("k5000"), undefined);
  for (const text of ["<</A 1/#41 2>>", `<<${many}/k17 1>>`, `<<${many}/k499#39 1>>`, `<</A 1<<>>>>`]) assert.throws(() => read(text), Malformed, text.slice(-20));
});

test("a name has at most 127 characters as it is written, values are nested 24 deep", () => {
  read(`/${"a".repeat(127)}`);
  read(`${"[".repeat(25)}${"]".repeat(25)}`);
  for (const text of [`/${"a".repeat(128)}`, `/${"#41".repeat(43)}`, `${"[".repeat(26)}${"]".repeat(26)}`]) assert.throws(() => read(text), Malformed);
});

const tiny: [string, (text: string) => string][] = [
  ["<<>>", (text) => `[${text}]`], ["[]", (text) => `[${text}]`], ["()", (text) => `[${text}]`], ["1 ", (text) => `[${text}]`], ["1 0 R ", (text) => `[${text}]`], ["<</A[]>>", (text) => `[${text}]`],
];
for (const [each, within] of tiny)
  test(`16 MiB of ${each} cost a few times as much, not hundreds`, () => {
    const text = within(each.repeat(Math.floor((LENGTH - 2) / each.length)));
    const value = read(text);
    const { rss } = process.memoryUsage();
    assert.ok(same(value, read(text)) && !hasKey(value, new Set(["JS"])));
    assert.ok(rss < 600 << 20, `${rss >> 20} MiB`);
  });

test("16 MiB of members of one dictionary are looked up in one step each", () => {
  const text = `<<${Array.from({ length: 1_500_000 }, (_, at) => `/${at.toString(36)}[]`).join("")}>>`;
  const value = read(text);
  assert.equal([...differing(value.members, read("<</0[]>>").members)].length, 1_499_999);
  assert.ok(process.memoryUsage().rss < 700 << 20, `${process.memoryUsage().rss >> 20} MiB`);
});
