import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { BenchMailServer } from '../../bench/mail-server.js';
import { startPrometheus, type Prometheus } from '../prometheus.js';
import { startAlertmanager, type Alertmanager } from './alertmanager.js';
import {
  FAULTS_OF_DATA,
  FAULTS_OF_PARTNERS,
  FAULTS_OF_RIGHTS,
  LONG_TRANSACTION,
  SLOW_FAULTS_OF_DATA,
  UNVERIFIABLE_LOG,
} from './faults-of-data.js';
import {
  FAULTS_OF_MAIL,
  FAULTS_OF_PROCESSES,
  SLOW_FAULTS_OF_PROCESSES,
} from './faults-of-processes.js';
import { FAULTS_OF_SERVERS, FAULTS_OF_SPEED, LAST_FAULT } from './faults-of-servers.js';
import { openStage, type OpenStage } from './open-stage.js';
import { shorten } from './shorten.js';
import { again, type Fault } from './stage.js';

/**
 * `npm run drill:alerts`: something really goes wrong for each alert, in the real processes, until a real
 * Prometheus says that it fires and a real Alertmanager has told a receiver. A line an alert; the last
 * one is `N passed, N failed`. The rules are those of ops/prometheus/rules with every time in them (`for`,
 * windows, offsets, the age of a transaction) divided by FACTOR, or it would take days; what else they
 * compare with stays.
 */

const FACTOR = 20;
/** Alerts that were named on the command line: only their faults are caused. */
const ONLY = process.argv.slice(2);

const OPS = new URL('../../../../ops/', import.meta.url); // from dist
const LOOK_EVERY_MS = 1_000;
const WARM_UP_MS = 40_000;
const ORDER_EVERY_MS = 40;
const SYMBOLS = ['AAPL', 'MSFT', 'NVDA', 'AMZN', 'GOOGL', 'JPM', 'XOM', 'BAC'];

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const seconds = (ms: number): string => `${Math.max(0, Math.round(ms / 1_000))} s`;

let passed = 0;
let failed = 0;

async function main(): Promise<void> {
  const interrupted = untilInterrupted();
  interrupted.catch(() => undefined); // also while it starts, when nobody waits for it yet
  say('Starting the product, Prometheus and Alertmanager');
  const stage = await openStage();
  let alertmanager: Alertmanager | null = null;
  let prometheus: Prometheus | null = null;
  const mailServer = await BenchMailServer.start(); // the product's falls silent
  try {
    alertmanager = await startAlertmanager({
      folder: stage.folder,
      settingsFile: fileURLToPath(new URL('alertmanager/alertmanager.yml', OPS)),
      mailServer: new URL(mailServer.url).host,
    });
    prometheus = await startPrometheus({
      folder: stage.folder,
      targetsFile: stage.targetFiles,
      ruleFiles: [join(await shortRules(stage.folder), '*.yml')],
      alertmanager: alertmanager.address,
    });
    await Promise.race([drill(stage, prometheus, alertmanager), interrupted]);
  } finally {
    await prometheus?.stop();
    await alertmanager?.stop();
    mailServer.stop();
    await stage.close();
  }
  say(`Alertmanager has sent ${mailServer.taken} mails`);
  say(`${passed} passed, ${failed} failed`);
  if (failed > 0) process.exitCode = 1;
}

/** Nothing may be left behind, whoever ends the drill. */
function untilInterrupted(): Promise<never> {
  return new Promise((_resolve, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => reject(new Error(`interrupted by ${signal}`)));
    }
  });
}

/** @returns the folder that they are written to */
async function shortRules(folder: string): Promise<string> {
  const rules = new URL('prometheus/rules/', OPS);
  const short = join(folder, 'rules');
  await mkdir(short);
  for (const name of await readdir(rules)) {
    const text = await readFile(new URL(name, rules), 'utf8');
    await writeFile(join(short, name), shorten(text, FACTOR));
  }
  return short;
}

async function drill(
  stage: OpenStage,
  prometheus: Prometheus,
  alertmanager: Alertmanager,
): Promise<void> {
  const firing = new Map<string, number>();
  const stopLooking = again(LOOK_EVERY_MS, async () => {
    for (const { labels } of await prometheus.askNow('ALERTS{alertstate="firing"}')) {
      const alert = labels['alertname']!;
      if (!firing.has(alert)) firing.set(alert, Date.now());
    }
  });
  await stage.sql(`update backup_status set last_success_at = now()`);
  const stopOrders = again(ORDER_EVERY_MS, () => placeOrder(stage));
  await sleep(WARM_UP_MS);
  firing.clear(); // what missed the processes that had not started yet
  alertmanager.forget();
  await sleep(2 * LOOK_EVERY_MS);
  say(`Before any fault: ${[...firing.keys()].join(', ') || 'nothing fires'}`);

  const run = (fault: Fault) => provoke(fault, { stage, firing, alertmanager });
  const inTurn = async (faults: readonly Fault[]): Promise<void> => {
    for (const fault of faults) await run(fault);
  };
  const [endOfDay, proof] = SLOW_FAULTS_OF_DATA;
  const beside = [
    inTurn(FAULTS_OF_MAIL),
    ...[...SLOW_FAULTS_OF_PROCESSES, LONG_TRANSACTION].map(run),
  ];
  await inTurn(FAULTS_OF_PROCESSES);
  beside.push(run(endOfDay!)); // only now: while workers are frozen nobody tells of it
  await inTurn(FAULTS_OF_PARTNERS);
  await Promise.all(FAULTS_OF_DATA.map(run));
  const lateProof = run(proof!); // after the one that the proof has to find
  await inTurn(FAULTS_OF_RIGHTS);
  await inTurn(FAULTS_OF_SPEED);
  await inTurn(FAULTS_OF_SERVERS);
  await Promise.all([...beside, lateProof]);
  await inTurn([UNVERIFIABLE_LOG, LAST_FAULT]);
  await stopOrders();
  await stopLooking();
}

const pick = <Item>(items: readonly Item[]): Item =>
  items[Math.floor(Math.random() * items.length)]!;

const placeOrder = (stage: OpenStage): Promise<number> =>
  stage.call('POST', '/v2/orders', {
    symbol: pick(SYMBOLS),
    qty: '1',
    side: pick(['buy', 'sell']),
    type: 'market',
    time_in_force: 'day',
  });

interface Watched {
  readonly stage: OpenStage;
  /** Since when alerts fire, or fired first. */
  readonly firing: ReadonlyMap<string, number>;
  readonly alertmanager: Alertmanager;
}

/** Makes it happen, waits for its alerts, and puts it right again. */
async function provoke(fault: Fault, { stage, firing, alertmanager }: Watched): Promise<void> {
  if (ONLY.length > 0 && !fault.alerts.some((alert) => ONLY.includes(alert))) return;
  say(`        ${fault.what}`);
  const since = Date.now();
  const { received } = alertmanager;
  const open = new Set(fault.alerts);
  let undo = (): Promise<void> | void => undefined;
  try {
    undo = await fault.cause(stage);
    while (open.size > 0 && Date.now() - since < fault.withinS * 1_000) {
      await sleep(LOOK_EVERY_MS);
      for (const alert of open) {
        const at = firing.get(alert);
        const told = received.get(alert);
        if (at === undefined || told === undefined) continue;
        open.delete(alert);
        passed += 1;
        const earlier = at < since ? ' (an earlier fault had done it)' : '';
        say(
          `ok      ${alert}: fired after ${seconds(at - since)}${earlier}, ` +
            `${told.receiver} heard of it after ${seconds(told.at - since)}`,
        );
      }
    }
  } catch (error) {
    say(`        it could not be made to happen: ${String(error)}`);
  }
  for (const alert of open) {
    failed += 1;
    const at = firing.get(alert);
    const how = at === undefined ? 'did not fire' : 'fired, and reached no receiver';
    say(`FAILED  ${alert}: ${how} within ${fault.withinS} s`);
  }
  await Promise.resolve(undo()).catch((error: unknown) => say(`        ${String(error)}`));
}

main().catch((error: unknown) => {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exit(1);
});
