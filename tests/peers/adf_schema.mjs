// The ADF that efface makes of wiki text, against Atlassian's own JSON schema (`@atlaskit/adf-schema`).
// node adf_schema.mjs MODULES DOCUMENTS: the documents are JSON, one a line, from the test `documents_for_the_judge`.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const [modules, documents] = process.argv.slice(2);
const require = createRequire(resolve(modules, 'here.js'));
const Ajv = require('ajv-draft-04').default;
const schema = JSON.parse(readFileSync(resolve(modules, '@atlaskit/adf-schema/dist/json-schema/v1/full.json'), 'utf8'));
const judge = new Ajv({ strict: false, allErrors: false, logger: false }).compile(schema);

// Some parts of the schema let unknown members pass: the kinds at least have to be known.
const kinds = new Set();
for (const node of Object.values(schema.definitions)) {
  for (const part of node.allOf ?? [node]) for (const kind of part.properties?.type?.enum ?? []) kinds.add(kind);
}
const seen = new Set();
function* walk(node) {
  yield node;
  for (const child of node.content ?? []) yield* walk(child);
}
function complaint(document) {
  for (const node of walk(document)) {
    seen.add(node.type);
    for (const { type } of [node, ...(node.marks ?? [])]) if (!kinds.has(type)) return `no such kind: ${type}`;
  }
  // A node that stands in a wrong place is refused by every branch: what fails is told from the top.
  if (judge(document)) return undefined;
  for (const block of document.content) {
    if (!judge({ ...document, content: [block] })) return JSON.stringify(block).slice(0, 2000);
  }
  return JSON.stringify(document).slice(0, 2000);
}

const tableInPanel = { type: 'panel', attrs: { panelType: 'info' }, content: [{ type: 'table', content: [] }] };
if (!complaint({ type: 'doc', version: 1, content: [tableInPanel] })) throw new Error('the judge takes everything');
seen.clear();
const lines = readFileSync(documents, 'utf8').split('\n').filter(Boolean);
if (lines.length < 1000) throw new Error('too few documents');
const refused = lines.map((line) => complaint(JSON.parse(line))).filter(Boolean);
for (const one of refused.slice(0, 5)) console.log(`refused: ${one}`);
if (refused.length) {
  console.log(`Atlassian's schema refuses ${refused.length} of ${lines.length} documents`);
  process.exit(1);
}
console.log(`Atlassian's ADF schema takes all ${lines.length} documents, ${seen.size} kinds of nodes in them`);
