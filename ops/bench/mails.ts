import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectDatabase } from '../../src/db.js';
import { addEndpoints } from './endpoints.js';
import { drained, readSymbols, seedTraders } from './floor.js';
import { startFreshInstance } from './instance.js';
import { median, percentile } from './load.js';
import { BenchMailServer } from './mail-server.js';
import { readOptions } from './options.js';
import { runPacedLoad } from './paced-load.js';

/**
 * `npm run bench:mails`: what a mail server that holds every connection without a word does to orders and
 * to webhooks. A steady rate of orders runs with a server that takes mail and with a silent one, in turn;
 * every mail of every order is wanted, and a tenth of the accounts have a webhook. The last line is one
 * JSON object.
 */

const SYMBOLS = 20;
const ACCOUNTS = 200;
const ENDPOINTS = 20;
const PAUSE_MS = 2_000;
const WARMUP_SECONDS = 5;
const SECRETS_KEY = 'only of the benchmark, and of nothing else at all';
const DEFAULTS = { orders: 300, seconds: 15, rounds: 3 };

const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** Takes webhooks, and notes how old each event is when it comes. */
async function startReceiver() {
  const agesMs: number[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const { timestamp } = JSON.parse(body) as { timestamp: string };
      agesMs.push(Date.now() - Date.parse(timestamp));
      response.writeHead(204).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    take: () => agesMs.splice(0).sort((a, b) => a - b),
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

interface Figures {
  orderMs: number;
  webhookMs: number;
  webhooks: number;
}

async function main(): Promise<void> {
  const options = readOptions(DEFAULTS);
  const mailServer = await BenchMailServer.start();
  const receiver = await startReceiver();
  say('Starting a fresh instance');
  const instance = await startFreshInstance(1, {
    env: {
      SMTP_URL: mailServer.url,
      SECRETS_KEY,
      MAILS_PER_SECOND: '50',
      NOTIFICATION_WINDOW_MS: '1000',
      WEBHOOKS_ALLOW_HTTP: 'on',
      WEBHOOKS_ALLOW_PRIVATE: 'on',
    },
  });
  const db = connectDatabase(instance.databaseUrl, 'bench', 2);
  try {
    const symbols = await readSymbols(db, SYMBOLS);
    const accounts = await seedTraders(db, ACCOUNTS, symbols);
    const withEndpoint = accounts.slice(0, ENDPOINTS).map(({ account_id: id }) => id);
    await addEndpoints(db, withEndpoint, receiver.url, SECRETS_KEY);
    const load = { url: instance.url, accounts, symbols, perSecond: options.orders };
    const measure = async (isSilent: boolean, seconds: number, seed: number): Promise<Figures> => {
      mailServer.turn(isSilent ? 'silent' : 'takes');
      await sleep(PAUSE_MS);
      receiver.take();
      const { latenciesMs } = await runPacedLoad({ ...load, seconds, seed });
      await drained(db);
      await sleep(PAUSE_MS);
      const ages = receiver.take();
      return {
        orderMs: percentile(latenciesMs, 0.95),
        webhookMs: percentile(ages, 0.95),
        webhooks: ages.length,
      };
    };
    say('Warming up');
    await measure(false, WARMUP_SECONDS, 1);
    const rounds: { taken: Figures; silent: Figures }[] = [];
    for (let round = 1; round <= options.rounds; round += 1) {
      say(`Round ${round} of ${options.rounds}`);
      const silentFirst = round % 2 === 0; // so that neither is always the one that comes later
      const first = await measure(silentFirst, options.seconds, round * 10);
      const second = await measure(!silentFirst, options.seconds, round * 10 + 1);
      rounds.push(
        silentFirst ? { taken: second, silent: first } : { taken: first, silent: second },
      );
    }
    report(options, rounds, mailServer.taken);
  } finally {
    await db.close();
    await instance.stop();
    mailServer.stop();
    receiver.stop();
  }
}

function report(
  options: typeof DEFAULTS,
  rounds: readonly { taken: Figures; silent: Figures }[],
  mails: number,
): void {
  const of = (name: keyof Figures, state: 'taken' | 'silent') =>
    median(rounds.map((round) => round[state][name]));
  const ratioOf = (name: keyof Figures) =>
    median(rounds.map(({ taken, silent }) => silent[name] / taken[name]));
  const [orders, webhooks] = [ratioOf('orderMs'), ratioOf('webhookMs')];
  const pair = (name: keyof Figures) =>
    `${of(name, 'taken').toFixed(1)}, ${of(name, 'silent').toFixed(1)}`;
  const rows = [
    ['machine', `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`],
    ['orders/s, webhooks', `${options.orders}, ${ENDPOINTS}`],
    ['mails taken', String(mails)],
    ['order p95 (ms), mail taken and server silent', pair('orderMs')],
    ['webhook p95 (ms), mail taken and server silent', pair('webhookMs')],
    ['webhooks in a round, likewise', pair('webhooks')],
    ['order p95, median of the ratios', orders.toFixed(2)],
    ['webhook p95, median of the ratios', webhooks.toFixed(2)],
  ] as const;
  for (const [name, value] of rows) process.stdout.write(`${name.padEnd(48)} ${value}\n`);
  const line = { order_p95_ratio: orders, webhook_p95_ratio: webhooks, mails };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

main().catch((error: unknown) => {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exit(1);
});
