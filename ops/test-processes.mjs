import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './prepare.mjs';

const RESULT_POLL_MS = 200;
const KILL_AFTER_MS = 20_000;
const running = new Set();

/** The file that a package's command runs. */
export const bin = (name, file) => join(ROOT, 'node_modules', name, 'bin', file);

/** Asks everything that runs to end; what does not listen is killed. */
export function endAll(signal) {
  for (const child of running) child.kill(signal);
  setTimeout(() => running.forEach((child) => child.kill('SIGKILL')), KILL_AFTER_MS).unref();
}

/**
 * Runs node in the project's folder.
 * @param options capture: collect the output instead of showing it; resultFile and endWithinMs: how
 *                long it may take to end once the file is there
 * @returns {Promise<{code: number, output: string, timedOut: boolean}>}
 */
export function runNode(
  args,
  { capture = false, env = process.env, resultFile, endWithinMs } = {},
) {
  return new Promise((resolve) => {
    const shown = capture ? 'pipe' : 'inherit';
    const stdio = ['ignore', shown, shown, 'ipc'];
    const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio });
    running.add(child);
    const output = [];
    child.stdout?.on('data', (chunk) => output.push(chunk));
    child.stderr?.on('data', (chunk) => output.push(chunk));
    let timedOut = false;
    let resultAt = 0;
    const timer = setInterval(() => {
      if (resultFile === undefined || !existsSync(resultFile)) return;
      resultAt ||= performance.now();
      if (timedOut || performance.now() - resultAt < endWithinMs) return;
      timedOut = true;
      child.kill('SIGKILL');
    }, RESULT_POLL_MS);
    child.once('close', (code) => {
      clearInterval(timer);
      running.delete(child);
      resolve({ code: code ?? 1, output: Buffer.concat(output).toString().trimEnd(), timedOut });
    });
  });
}
