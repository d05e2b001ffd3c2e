import { parseArgs } from 'node:util';
import knexFactory from 'knex';
import { anchorKey, openAnchors, type AnchorFile } from '../audit/anchors.js';
import type { Fault } from '../audit/faults.js';
import { verifyAudit, type Verification } from '../audit/verify.js';
import { loadDotEnv, readConfig } from '../config.js';
import { readInstance } from './running-instance.js';

/**
 * `npm run audit:verify`: finds what was edited, deleted, put in, moved or cut in the audit log.
 * Ends with 0 when it is sound, 1 with faults, 2 when it could not be checked, or not against anchors.
 */
const SOUND = 0;
const FAULTY = 1;
const UNCHECKED = 2;

const USAGE =
  'usage: npm run audit:verify -- [--anchors FILE]... [--without-key] [--json]\n' +
  '  --anchors      a file of anchors, such as a copy from elsewhere; else AUDIT_ANCHOR_FILE\n' +
  '  --without-key  for who does not know SECRETS_KEY: who wrote the anchors is not checked';

interface Options {
  readonly anchors: readonly string[];
  readonly json: boolean;
  readonly 'without-key': boolean;
}

/** @throws Error for an option that there is not */
function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      anchors: { type: 'string', multiple: true, default: [] },
      'without-key': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  return values;
}

/** Nothing is asked of Redis here, and an auditor may have none. */
const UNUSED = 'redis://127.0.0.1';

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const warn = (text: string): void => void process.stderr.write(`${text}\n`);

const lineOf = ({ kind, seq, entry_id: id, message }: Fault): string =>
  `FAULT ${kind.padEnd(18)} seq ${String(seq ?? '-').padEnd(8)} entry ${id ?? '-'}: ${message}`;

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  loadDotEnv();
  const instance = await readInstance({ REDIS_URL: UNUSED, ...process.env });
  const config = readConfig(instance);
  const named = options.anchors.length > 0;
  const paths = named ? options.anchors : [config.auditAnchorFile];
  const files = await Promise.all(paths.map(openAnchors));
  const missing = paths.filter((_, index) => files[index] === null);
  if (named && missing.length > 0) throw new Error(`there is no file ${missing.join(', ')}`);
  const anchorFiles = files.filter((file): file is AnchorFile => file !== null);
  // As whoever the address names, the owner or an auditor; not in the application's role.
  const knex = knexFactory({
    client: 'pg',
    connection: config.databaseUrl,
    pool: { min: 0, max: 1 },
  });
  try {
    const key = options['without-key'] ? {} : { anchorKey: anchorKey(config.secretsKey) };
    const verification = await verifyAudit(knex, { anchorFiles, ...key });
    return report(verification, anchorFiles, missing, options.json);
  } finally {
    await knex.destroy();
  }
}

function report(
  verification: Verification,
  files: readonly AnchorFile[],
  missing: readonly string[],
  asJson: boolean,
): number {
  const { entries, head, anchors, faults, faultCount } = verification;
  if (asJson) say(JSON.stringify({ ...verification, anchor_files: files }, readable, 2));
  else {
    for (const fault of faults) say(lineOf(fault));
    if (faultCount > faults.length) say(`... and ${faultCount - faults.length} more faults`);
    const at = `head ${head.seq} ${head.hash.toString('hex')}`;
    say(`${entries} entries, ${at}, ${anchors.confirmed} anchors confirmed, ${faultCount} faults`);
    if (files.length > 0) say(`anchored up to link ${anchors.last?.seq ?? 0n}`);
  }
  if (files.length === 0) {
    warn(
      `WARNING: there are no anchors (${missing.join(', ')}). That nothing was cut off the end, and ` +
        'that the chain as a whole was not rewritten, is NOT verified. Name a copy with --anchors.',
    );
  }
  if (faultCount > 0) return FAULTY;
  return files.length === 0 ? UNCHECKED : SOUND;
}

/** Numbers of links as numbers, hashes in hex: a Buffer turns itself into an object before we see it. */
const readable = (_name: string, value: unknown): unknown => {
  if (typeof value === 'bigint') return Number(value);
  const { type, data } = Object(value) as { type?: unknown; data?: unknown };
  return type === 'Buffer' ? Buffer.from(data as number[]).toString('hex') : value;
};

main()
  .then((exitCode) => {
    process.exitCode = exitCode;
  })
  .catch((error: unknown) => {
    warn(`The audit log could not be verified: ${error instanceof Error ? error.message : ''}`);
    warn(USAGE);
    process.exitCode = UNCHECKED;
  });
