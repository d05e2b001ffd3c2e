import { spawnSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { findOfPrometheus } from '../../ops/prometheus/prometheus-programs.js';
import type { Program } from '../../src/embedded/packaged-program.js';

const OPS = fileURLToPath(new URL('../../ops/', import.meta.url));
const RULES = join(OPS, 'prometheus/rules');
const TESTS = join(OPS, 'prometheus/tests');
const ALERTMANAGER = join(OPS, 'alertmanager/alertmanager.yml');
const WITHIN_MS = 150_000;

/** Whom an alert with these labels reaches. */
const ROUTES: readonly [labels: string[], receiver: string][] = [
  [['alertname=PostgresDown', 'severity=page'], 'on-call'],
  [['alertname=LedgerOff', 'severity=page'], 'on-call'],
  [['alertname=JobsFail', 'severity=page', 'queue=mails', 'needs=postgres,redis'], 'on-call'],
  [['alertname=BackupFails', 'severity=ticket', 'kind=dump'], 'tickets'],
  [['alertname=MemoryHigh', 'severity=ticket', 'job=web', 'instance=a'], 'tickets'],
  [['alertname=SomethingElse'], 'tickets'],
];

interface Alert {
  readonly name: string;
  readonly text: string;
}

async function filesOf(folder: string): Promise<[name: string, text: string][]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.yml')).sort();
  return Promise.all(
    names.map(async (name): Promise<[string, string]> => [
      name,
      await readFile(join(folder, name), 'utf8'),
    ]),
  );
}

async function readAlerts(): Promise<Alert[]> {
  const texts = (await filesOf(RULES)).map(([, text]) => text).join('\n');
  return texts.split(/^ {6}- (?=alert:)/m).flatMap((text) => {
    const name = /^alert: (\w+)$/m.exec(text)?.[1];
    return name === undefined ? [] : [{ name, text: text.split(/^ {6}- (?=record:)/m)[0]! }];
  });
}

/** Runs a program. @returns what it has printed, when it went well */
function run({ command, env }: Program, args: readonly string[], cwd = OPS): string {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  expect(status, `${args.join(' ')}\n${stdout}${stderr}`).to.equal(0);
  return stdout;
}

describe('the rules of alerts', function () {
  this.timeout(WITHIN_MS);

  const programs = new Map<string, Program>();
  /** Leaves a test out, and says so, where a tool is neither there nor to be had. */
  const needs = (name: 'promtool' | 'amtool') =>
    async function (this: Mocha.Context): Promise<void> {
      try {
        const folder = join(process.env['BROKERX_TEST_DIR']!, 'prometheus-programs');
        programs.set(name, await findOfPrometheus(name, folder));
      } catch (error) {
        process.stdout.write(`    skipped, ${name} is missing: ${String(error)}\n`);
        this.skip();
      }
    };

  it('say of each alert how urgent it is, what was found, and where the runbook tells of it', async () => {
    const alerts = await readAlerts();
    expect(alerts.length).to.be.greaterThan(40);
    expect(new Set(alerts.map(({ name }) => name)).size).to.equal(alerts.length);
    for (const { name, text } of alerts) {
      expect(text, name).to.match(/labels: \{ severity: (page|ticket)[,} ]/);
      expect(text, name).to.match(/^ +summary: /m);
      expect(text, name).to.match(/^ +description: [^]*\{\{ \$value/m);
      expect(text, name).to.include(
        `runbook_url: docs/operations/runbook.md#${name.toLowerCase()}\n`,
      );
    }
  });

  it('have a case that fires and one that must not for each alert', async () => {
    const tests = (await filesOf(TESTS)).map(([, text]) => text).join('\n');
    const cases = tests.split(/^ {2}- name: /m);
    for (const { name } of await readAlerts()) {
      const own = cases.filter((text) => new RegExp(`\\b${name}\\b`).test(text));
      const quiet = own.filter((text) => /exp_(samples|alerts): \[\]/.test(text));
      const firing = own.filter((text) => /exp_(samples|alerts):\n/.test(text));
      expect(firing.length, `cases in which ${name} fires`).to.be.greaterThan(0);
      expect(quiet.length, `cases in which ${name} must not fire`).to.be.greaterThan(0);
    }
  });

  describe('asked of promtool', () => {
    before(needs('promtool'));

    it('are rules, and the settings are settings', () => {
      const promtool = programs.get('promtool')!;
      const args = ['check', 'config', join(OPS, 'prometheus/prometheus.yml')];
      expect(run(promtool, args)).to.match(/SUCCESS: \d+ rules found/);
    });

    for (const name of [
      'api',
      'backups',
      'market',
      'notifications',
      'orders',
      'processes',
      'proofs',
    ]) {
      testRules(name);
    }
    for (const name of ['queues', 'servers', 'transfers']) testRules(name);

    function testRules(name: string): void {
      it(`fire when they should and only then: ${name}`, () => {
        run(programs.get('promtool')!, ['test', 'rules', `${name}.test.yml`], TESTS);
      });
    }

    it('are all among these', async () => {
      const names = (await filesOf(RULES)).map(([name]) => name);
      const tested = (await filesOf(TESTS)).map(([name]) => name.replace('.test', ''));
      expect(tested).to.deep.equal(names);
      expect(names).to.have.length(10);
    });
  });

  describe('asked of amtool', () => {
    before(needs('amtool'));

    it('go to who is on call, or to the tickets', () => {
      const amtool = programs.get('amtool')!;
      expect(run(amtool, ['check-config', ALERTMANAGER])).to.include('SUCCESS');
      for (const [labels, receiver] of ROUTES) {
        const args = ['config', 'routes', 'test', `--config.file=${ALERTMANAGER}`, ...labels];
        expect(run(amtool, args).trim(), labels.join(' ')).to.equal(receiver);
      }
    });
  });
});
