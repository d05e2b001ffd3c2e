import { readFileSync, writeFileSync } from 'node:fs';
import { withSamples } from './mail-document.js';

/** `npm run docs:mails`: writes the samples of docs/mails.md anew. */
const FILE = 'docs/mails.md';

const document = readFileSync(FILE, 'utf8');
writeFileSync(FILE, withSamples(document));
process.stdout.write(`${FILE} is up to date\n`);
