// Prism skips, without a word, a schema that its validator cannot compile. This names each such schema of a document.
// usage: node compiles.mjs NODE_MODULES SPEC.json   → one line a schema that does not compile; exit 1 where there is any
import { createRequire } from 'node:module';

const [, , modules, spec] = process.argv;
const require = createRequire(`${modules}/`);
const { getHttpOperationsFromSpec } = require('@stoplight/prism-cli/dist/operations.js');
const fromPrism = createRequire(require.resolve('@stoplight/prism-http/package.json'));
const Ajv = fromPrism('ajv').default;
const formats = fromPrism('ajv-formats');

const ajv = new Ajv({ allErrors: true, allowUnionTypes: true, strict: false, logger: false });
(formats.default ?? formats)(ajv);
let bad = 0;
for (const operation of await getHttpOperationsFromSpec(spec)) {
  const schemas = [['request', operation.request?.body?.contents], ...operation.responses.map(r => [r.code, r.contents])];
  for (const [what, contents] of schemas) {
    for (const { schema } of contents ?? []) {
      if (!schema) continue;
      try { ajv.compile({ ...schema, __bundled__: operation.__bundled__ }); } catch (e) {
        bad++;
        console.log(`${operation.method.toUpperCase()} ${operation.path} ${what}: ${e.message.slice(0, 200)}`);
      }
    }
  }
}
process.exit(bad ? 1 : 0);
