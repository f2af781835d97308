/** Where an issuer says that he tells of revocation (RFC 5280 §4.2.1.13 and §4.2.2.1). */
import { binary } from "../base/bytes.ts";
import { Malformed } from "../base/errors.ts";
import type { Certificate } from "./certificate.ts";
import { oid, parseDer, sequence, type Der } from "./der.ts";

const DISTRIBUTION_POINTS = "2.5.29.31";
const AUTHORITY_INFORMATION = "1.3.6.1.5.5.7.1.1";
const OCSP = "1.3.6.1.5.5.7.48.1";
const URI = 0x86;

/** The places, as they are written; an extension without its form names none. */
export function addresses({ extensions }: Certificate): string[] {
  const information = extensions.get(AUTHORITY_INFORMATION);
  const points = extensions.get(DISTRIBUTION_POINTS);
  return [
    ...(information === undefined ? [] : orNone(() => sequence(parseDer(information.value)).flatMap(answering))),
    ...(points === undefined ? [] : orNone(() => uris(parseDer(points.value)))),
  ];
}

function orNone(read: () => string[]): string[] {
  try {
    return read();
  } catch (error) {
    if (error instanceof Malformed) return [];
    throw error;
  }
}

/** AccessDescription: a method and a place. */
function answering(value: Der): string[] {
  const [method, place] = sequence(value);
  return oid(method) === OCSP && place?.tag === URI ? [binary(place.content)] : [];
}

/** Every uniform resource identifier in the names of distribution points. */
function uris(value: Der): string[] {
  return value.tag === URI ? [binary(value.content)] : value.children.flatMap(uris);
}
