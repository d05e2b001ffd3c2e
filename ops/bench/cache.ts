import { cpus } from 'node:os';
import type { SeededAccount } from '../../src/commands/seed.js';
import { connectDatabase } from '../../src/db.js';
import { readSymbols, seedTraders } from './floor.js';
import { type GetResult, runGetLoad } from './get-load.js';
import { startFreshInstance } from './instance.js';
import { percentile } from './load.js';
import { readOptions } from './options.js';
import { cpuOf } from './process-use.js';

/**
 * `npm run bench:cache`: GETs a second that one API process answers from the cache, and beside that
 * without it (`Cache-Control: no-cache`), in turns. Everything runs on this machine, the client too.
 * The last line is one JSON object.
 */

const PATHS = ['/v2/assets/AAPL', '/v2/account'];
const SYMBOLS = 20;
const DEFAULTS = { connections: 64, accounts: 64, seconds: 10, 'warmup-seconds': 3, rounds: 2 };
type Options = typeof DEFAULTS;

const say = (text: string): void => void process.stderr.write(`${text}\n`);

const MODES = { cached: {}, 'not cached': { 'Cache-Control': 'no-cache' } };
type Mode = keyof typeof MODES;

interface Measured extends GetResult {
  readonly path: string;
  readonly mode: Mode;
  seconds: number;
  /** Processor time of the API process, in seconds. */
  cpu: number;
}

async function measure(
  { connections, seconds, rounds, 'warmup-seconds': warmup }: Options,
  { url, apiPid }: { url: string; apiPid: number },
  accounts: readonly SeededAccount[],
): Promise<Measured[]> {
  const all = PATHS.flatMap((path) =>
    (Object.keys(MODES) as Mode[]).map((mode): Measured => ({
      ...{ path, mode, seconds: 0, cpu: 0, answers: 0 },
      kinds: new Map(),
      latenciesMs: [],
    })),
  );
  const run = ({ path, mode }: Measured, forSeconds: number): Promise<GetResult> => {
    const headers = accounts.map(({ key_id, secret_key }) => ({
      'APCA-API-KEY-ID': key_id,
      'APCA-API-SECRET-KEY': secret_key,
      ...MODES[mode],
    }));
    return runGetLoad({ url, path, headers, connections, seconds: forSeconds });
  };
  for (const one of all) await run(one, warmup);
  for (let round = 1; round <= rounds; round += 1) {
    for (const one of all) {
      say(`Round ${round}: ${one.path}, ${one.mode}, for ${seconds} s`);
      const cpuBefore = cpuOf(apiPid);
      const result = await run(one, seconds);
      one.cpu += cpuOf(apiPid) - cpuBefore;
      one.seconds += seconds;
      one.answers += result.answers;
      one.latenciesMs = one.latenciesMs.concat(result.latenciesMs);
      for (const [kind, count] of result.kinds) {
        one.kinds.set(kind, (one.kinds.get(kind) ?? 0) + count);
      }
    }
  }
  return all;
}

async function main(): Promise<void> {
  const options = readOptions(DEFAULTS);
  say('Starting a fresh instance');
  const instance = await startFreshInstance(1);
  const db = connectDatabase(instance.databaseUrl, 'bench', 2);
  try {
    const symbols = await readSymbols(db, SYMBOLS);
    say(`Seeding ${options.accounts} accounts`);
    const accounts = await seedTraders(db, options.accounts, symbols);
    if (!report(options, await measure(options, instance, accounts))) process.exitCode = 1;
  } finally {
    await db.close();
    await instance.stop();
  }
}

/** @returns whether every answer was a 200 */
function report({ connections, accounts }: Options, all: readonly Measured[]): boolean {
  const machine = `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`;
  const write = (...columns: string[]): void => {
    const text = columns.map((column, at) => (at < 2 ? column.padEnd(18) : column.padStart(9)));
    process.stdout.write(`${text.join(' ')}\n`);
  };
  process.stdout.write(`${machine}; ${connections} connections, ${accounts} accounts\n`);
  write('GET', '', 'req/s', 'p50 ms', 'p99 ms', 'max ms', 'cpu s/s', ' X-Cache');
  const lines = all.map(({ path, mode, seconds, cpu, answers, kinds, latenciesMs }) => {
    const sorted = latenciesMs.sort((a, b) => a - b);
    const [p50, p99, max] = [0.5, 0.99, 1].map((share) =>
      Number(percentile(sorted, share).toFixed(1)),
    ) as [number, number, number];
    const perSecond = Math.round(answers / seconds);
    const used = Number((cpu / seconds).toFixed(2));
    const shares = [...kinds].map(([kind, n]) => `${kind} ${((100 * n) / answers).toFixed(1)} %`);
    write(path, mode, ...[perSecond, p50, p99, max, used].map(String), ` ${shares.join(', ')}`);
    return { path, mode, per_s: perSecond, ms: { p50, p99 }, api_cpu: used };
  });
  const complete = all.every(({ kinds }) =>
    [...kinds.keys()].every((kind) => ['HIT', 'MISS', 'BYPASS'].includes(kind)),
  );
  process.stdout.write(`${JSON.stringify({ connections, accounts, results: lines, complete })}\n`);
  return complete;
}

main().catch((error: unknown) => {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exit(1);
});
