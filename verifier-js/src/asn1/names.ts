/** Distinguished names (RFC 5280 §4.1.2.4): their form, and their text for people. */
import { compare, decodeUtf8, hex, type Bytes } from "../base/bytes.ts";
import { Malformed } from "../base/errors.ts";
import { demandTag, oid, sequence, SET, type Der } from "./der.ts";

/** A Name (§4.1.2.4): sequence of relative names. */
export function demandName(value: Der | undefined): Der {
  sequence(value).forEach(attributesOf);
  return value!;
}

/** The attributes of a relative name: a set, in the order of DER, of an object identifier and a value each. */
export function attributesOf(set: Der): [string, Der][] {
  const { children } = demandTag(set, SET);
  if (children.length === 0 || children.some((each, place) => place > 0 && compare(children[place - 1]!.raw, each.raw) > 0)) throw new Malformed("a name with an empty set, or one that is not in order");
  return children.map((each) => {
    const [type, value, ...more] = sequence(each);
    if (value === undefined || more.length > 0) throw new Malformed("a name of another form");
    return [oid(type), value];
  });
}

const ATTRIBUTES: Record<string, string> = {
  "2.5.4.3": "CN", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.6": "C", "2.5.4.9": "STREET",
  "0.9.2342.19200300.100.1.25": "DC", "0.9.2342.19200300.100.1.1": "UID",
};

/** A name as RFC 4514 writes it: the last part first. */
export function nameText(name: Der): string {
  const sets = sequence(name).map((set) => attributesOf(set).map(attributeText).join("+"));
  return sets.reverse().join(",");
}

function attributeText([type, value]: [string, Der]): string {
  return `${ATTRIBUTES[type] ?? type}=${escaped(value)}`;
}

function escaped({ tag, content }: Der): string {
  const text = tag === 0x1e ? wide(content) : plain(content);
  return text.replace(/["\\+,;<>]/g, "\\$&").replace(/\0/g, "\\00").replace(/^[ #]/, "\\$&").replace(/ $/, "\\ ");
}

function plain(content: Bytes): string {
  try {
    return decodeUtf8(content);
  } catch {
    return `#${hex(content)}`;
  }
}

/** BMPString: two bytes for each character. */
function wide(content: Bytes): string {
  return Array.from({ length: content.length >> 1 }, (_, place) => String.fromCharCode(content[2 * place]! * 256 + content[2 * place + 1]!)).join("");
}
