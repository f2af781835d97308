/** The RO-Crate metadata (section 4): a function of the case and the member names. */
import { utf8, type Bytes } from "../base/bytes.ts";
import { encodeBytes, type Json } from "../base/json.ts";
import type { CaseFile } from "./case.ts";

export const CRATE = "data/ro-crate-metadata.json";

export function crateBytes(file: CaseFile, payload: string[]): Bytes {
  const files = payload.filter((name) => name !== CRATE).map(reference).sort();
  const graph: Json[] = [
    { "@id": "ro-crate-metadata.json", "@type": "CreativeWork", about: { "@id": "./" }, conformsTo: { "@id": "https://w3id.org/ro/crate/1.2" } },
    {
      "@id": "./", "@type": "Dataset", datePublished: file.exported_at,
      description: "Entries of a transparency log with the proofs that a verifier needs offline.",
      hasPart: files.map((each) => ({ "@id": each })), license: { "@id": "#use" }, name: `Evidence about ${file.kind} ${file.subject}`,
    },
    {
      "@id": "#use", "@type": "CreativeWork", name: "Use as evidence",
      description: "This bundle licenses nothing: rights in the originals stay with their holders.",
    },
    ...files.map((each) => ({ "@id": each, "@type": "File", ...encoding(each) })),
  ];
  return encodeBytes({ "@context": "https://w3id.org/ro/crate/1.2/context", "@graph": graph });
}

function encoding(file: string): { encodingFormat?: string } {
  if (file.startsWith("originals/")) return {};
  if (file.endsWith(".json")) return { encodingFormat: "application/json" };
  return file.endsWith(".cose") ? { encodingFormat: "application/cose" } : {};
}

function reference(name: string): string {
  return Array.from(utf8(name.slice("data/".length)), (byte) => {
    const letter = String.fromCharCode(byte);
    return /[A-Za-z0-9\-._~/]/.test(letter) ? letter : "%" + byte.toString(16).toUpperCase().padStart(2, "0");
  }).join("");
}
