import { chmod, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { existsSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepare, ROOT } from './prepare.mjs';
import { startTestServers } from './test-servers.mjs';
import { bin, endAll, runNode } from './test-processes.mjs';

/**
 * `npm test`: prepares as `npm start` does, then type check, lint, format and every test, on servers
 * and data of its own. Arguments go to mocha and leave the checks out:
 * `npm test -- test/domain/money.test.ts`, `npm test -- --grep settles`. What ends in `.soak.ts` runs
 * for long and only when it is named.
 */
const MOCHA_ENDS_WITHIN_MS = 15_000;
/**
 * Run side by side, each with servers of its own: what takes turns waits for disks and clocks half of the
 * time. Both take about as long.
 */
const LANES = [
  ['api', 'conformance', 'domain', 'flow', 'operations'],
  ['workers', 'faults'],
];
const CHECKS = [
  ['typecheck', [bin('typescript', 'tsc'), '--noEmit', '--incremental', '--tsBuildInfoFile']],
  ['lint', [bin('eslint', 'eslint.js'), '.']],
  ['format', [bin('prettier', 'prettier.cjs'), '--check', '--log-level', 'warn', '.']],
];

const say = (text) => process.stdout.write(`${text}\n`);
const isFolder = (arg) => statSync(arg, { throwIfNoEntry: false })?.isDirectory() ?? false;
const mochaArgs = process.argv
  .slice(2)
  .map((arg) => (isFolder(arg) ? join(arg, '**/*.test.ts') : arg)); // not the files beside them
const total = { passed: 0, failed: 0, skipped: 0 };
const cleanups = [];
let interrupted = false;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    interrupted = true;
    endAll('SIGTERM');
  });
}

async function createTempDir() {
  const folder = await mkdtemp(join(tmpdir(), 'brokerx-test-'));
  await chmod(folder, 0o711); // Postgres may run as another user
  cleanups.push(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

async function check([name, args]) {
  const startedAt = performance.now();
  const buildInfo = name === 'typecheck' ? [join(ROOT, 'dist', '.typecheck')] : [];
  const { code, output } = await runNode([...args, ...buildInfo], { capture: true });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  say(`${code === 0 ? 'ok' : 'FAILED'}  ${name} (${seconds} s)`);
  if (code === 0) return total.passed++;
  total.failed++;
  say(output);
}

/** mocha's settings from package.json; files named on the command line replace the usual ones. */
async function mochaConfig(folder, folders) {
  const { mocha } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  delete mocha['node-option']; // given to node here: mocha would start a second process for it
  if (mochaArgs.some((arg) => /\.(test|soak)\.ts$/.test(arg))) delete mocha.spec;
  else if (folders) mocha.spec = folders.map((name) => `test/${name}/**/*.test.ts`);
  const file = join(folder, 'mocharc.json');
  await writeFile(file, JSON.stringify(mocha));
  return file;
}

/**
 * @param lane folders: of the tests, all without it; capture: keeps its output
 * @returns shows the output that was kept
 */
async function runMocha(folder, env, { folders, capture = false } = {}) {
  const resultFile = join(folder, 'result.json');
  const preload = pathToFileURL(join(ROOT, 'dist/src/embedded/end-with-parent.js')).href;
  const config = await mochaConfig(folder, folders);
  const args = ['--no-package', '--config', config, ...mochaArgs];
  const { code, output, timedOut } = await runNode(
    ['--import', 'tsx', '--import', preload, bin('mocha', 'mocha.js'), ...args],
    {
      env: { ...env, BROKERX_TEST_RESULT: resultFile },
      resultFile,
      endWithinMs: MOCHA_ENDS_WITHIN_MS,
      capture,
    },
  );
  const show = () => capture && say(output);
  const result = existsSync(resultFile) ? JSON.parse(await readFile(resultFile, 'utf8')) : null;
  total.passed += result?.passes ?? 0;
  total.failed += result?.failures ?? 0;
  total.skipped += result?.pending ?? 0;
  if (timedOut) say('FAILED  mocha did not end after the last test: something was left open');
  else if (!result && !interrupted) say(`FAILED  mocha ended with code ${code} before its result`);
  if (timedOut || !result || (code !== 0 && result.failures === 0)) total.failed++;
  return show;
}

/** On servers of its own, but where they are given. @returns shows what was not shown yet */
async function runLane(lane, checked) {
  const folder = await createTempDir();
  const servers = await startTestServers(folder, say).catch(async (error) => {
    await checked;
    throw error;
  });
  cleanups.push(servers.stop);
  await checked; // before the tests: some of them measure time
  if (interrupted) return () => undefined;
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(DATABASE|REDIS)_URL$/.test(name),
  );
  const env = { ...Object.fromEntries(inherited), NODE_ENV: 'test', ...servers.env };
  return runMocha(folder, env, lane);
}

async function run() {
  await prepare();
  const checks = mochaArgs.length > 0 ? [] : CHECKS;
  const checked = Promise.all(checks.map(check));
  // What is published on a given Redis reaches everybody there: only one may use it.
  const isOne = mochaArgs.length > 0 || process.env.REDIS_URL;
  const lanes = isOne ? [{}] : LANES.map((folders, n) => ({ folders, capture: n > 0 }));
  const shows = await Promise.all(lanes.map((lane) => runLane(lane, checked)));
  for (const show of shows) show();
}

try {
  await run();
} catch (error) {
  total.failed++;
  say(String(error?.stack ?? error));
}
for (const cleanup of cleanups.reverse()) {
  try {
    await cleanup();
  } catch (error) {
    say(`Cleaning up: ${String(error)}`);
  }
}
if (interrupted) {
  say('Interrupted');
  total.failed ||= 1;
}
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
say(`${total.passed} passed, ${total.failed} failed${skipped}`);
process.exit(total.failed > 0 ? 1 : 0);
