import { watch } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { SupervisedProcess } from './supervisor.js';

const COMPILED = fileURLToPath(new URL('../../', import.meta.url));
const SETTLE_MS = 400; // the compiler writes many files in a row

/** Starts the processes again whenever the compiler has written new code. */
export function watchCompiled(
  processes: readonly SupervisedProcess[],
  say: (text: string) => void,
): { name: string; stop: () => void } {
  let timer: NodeJS.Timeout | undefined;
  let restarting: Promise<unknown> = Promise.resolve();
  const restart = () => {
    say('Code changed: starting the processes again');
    restarting = restarting.then(() => Promise.all(processes.map((one) => one.restart())));
  };
  const watcher = watch(COMPILED, { recursive: true }, (_event, name) => {
    if (!name?.endsWith('.js')) return;
    clearTimeout(timer);
    timer = setTimeout(restart, SETTLE_MS);
  });
  return {
    name: 'watch',
    stop: () => {
      clearTimeout(timer);
      watcher.close();
    },
  };
}
