// Prints what the parser of the AsyncAPI initiative finds wrong with the document on standard input.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(readFileSync(0, "utf8"));
const errors = diagnostics.filter((one) => one.severity === 0).map((one) => `${one.path.join("/")}: ${one.message}`);
console.log(JSON.stringify({ errors, channels: document ? document.allChannels().length : 0 }));
