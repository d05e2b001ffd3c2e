import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepareOrExit, ROOT } from './prepare.mjs';

/**
 * Runs one compiled command after the same preparation as `npm start`:
 * `node ops/run.mjs dist/src/commands/seed.js --accounts 10`.
 */
const [file, ...args] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write('usage: node ops/run.mjs <compiled file> [arguments]\n');
  process.exit(2);
}
await prepareOrExit();
const path = resolve(ROOT, file);
process.argv = [process.argv[0], path, ...args]; // as if node had been given the file itself
await import(pathToFileURL(path).href);
