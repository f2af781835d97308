/** Every test of the parts alone: `node --test dist/unit.mjs`. */
import "./trie.ts";
import "./report.ts";
import "./boxes.ts";
import "./values.ts";
import "./histories.ts";
