import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, rmSync, writeSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { openLog } from './log-file.js';
import { writePidFile } from './pid-file.js';
import { createTerminalFilter } from './terminal-filter.js';

/** One of our own processes, such as the API. */
export interface ProcessSpec {
  readonly name: string;
  /** The compiled file to run. */
  readonly file: string;
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
  readonly pidFile: string;
  /** How long it may finish what it is doing before it is killed. */
  readonly drainMs: number;
  readonly notice: (text: string) => void;
}

const RESTART_FIRST_MS = 250;
const RESTART_MAX_MS = 10_000;
const HEALTHY_AFTER_MS = 30_000;
const KILL_WAIT_MS = 5_000;
/**
 * Short-lived objects die in a larger nursery, instead of being copied; one of 64 MB made the API
 * grow to 400 MB in a minute with 1,000 streams (docs/performance.md).
 */
const NODE_FLAGS = ['--enable-source-maps', '--max-semi-space-size=32'];
const END_WITH_PARENT = new URL('./end-with-parent.js', import.meta.url).href;

/**
 * Keeps a process running: started again, at growing intervals, whenever it dies unasked. It is in a
 * session of its own, so that Ctrl-C reaches only us and everything is stopped in order.
 */
export class SupervisedProcess {
  #child: ChildProcess | null = null;
  #ended: Promise<string> = Promise.resolve('');
  #stopping = false;
  #restartMs = RESTART_FIRST_MS;
  #failures = 0;
  #resolveReady!: () => void;
  /** Resolves when the process says so (`process.send('ready')`). */
  readonly ready = new Promise<void>((resolve) => (this.#resolveReady = resolve));

  private constructor(private readonly spec: ProcessSpec) {}

  static start(spec: ProcessSpec): SupervisedProcess {
    const supervised = new SupervisedProcess(spec);
    supervised.#launch();
    return supervised;
  }

  get name(): string {
    return this.spec.name;
  }

  get logFile(): string {
    return this.spec.logFile;
  }

  /** How often it died unasked since it last ran well for a while. */
  get failures(): number {
    return this.#failures;
  }

  /** SIGTERM, time to drain, then SIGKILL; returns when it is gone. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#end();
    rmSync(this.spec.pidFile, { force: true });
  }

  /** Ends it in order and starts it again, as after a change of its code. */
  async restart(): Promise<void> {
    this.#restartMs = RESTART_FIRST_MS;
    this.#failures = 0;
    if (this.#child === null) return; // about to be started anyway
    await this.#end();
    if (!this.#stopping) this.#launch();
  }

  #launch(): void {
    const { name, file, env, logFile, pidFile, notice } = this.spec;
    const log = openLog(logFile);
    const args = [...NODE_FLAGS, '--import', END_WITH_PARENT, file];
    const child = spawn(process.execPath, args, {
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#child = child;
    this.#ended = endOf(child).finally(() => closeSync(log));
    const filter = createTerminalFilter(name, logFile, notice);
    record(child.stdout, log, filter.onOutput);
    record(child.stderr, log, filter.onErrorOutput);
    if (child.pid !== undefined) writePidFile(pidFile, child.pid);
    child.on('message', (message) => {
      if (message === 'ready') this.#resolveReady();
    });
    const startedAt = performance.now();
    void this.#ended.then((how) => {
      if (this.#child === child) void this.#relaunch(how, performance.now() - startedAt);
    });
  }

  async #relaunch(how: string, livedMs: number): Promise<void> {
    this.#child = null;
    if (livedMs > HEALTHY_AFTER_MS) {
      this.#restartMs = RESTART_FIRST_MS;
      this.#failures = 0;
    }
    this.#failures++;
    this.spec.notice(`${this.spec.name} ended (${how}); starting it again`);
    await sleep(this.#restartMs);
    this.#restartMs = Math.min(this.#restartMs * 2, RESTART_MAX_MS);
    if (!this.#stopping) this.#launch();
  }

  async #end(): Promise<void> {
    const child = this.#child;
    this.#child = null; // its end is no surprise any more
    if (child?.pid === undefined) return;
    child.kill('SIGTERM');
    if (await within(this.#ended, this.spec.drainMs)) return;
    this.spec.notice(`${this.spec.name} did not stop within ${this.spec.drainMs} ms: killing it`);
    killGroup(child.pid);
    await within(this.#ended, KILL_WAIT_MS);
  }
}

/** Resolves with how it ended when the process is gone and all its output read. */
function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      if (child.pid === undefined) resolve(String(error)); // it never ran
    });
    child.once('close', (code, signal) => resolve(signal ?? `code ${code}`));
  });
}

function record(stream: Readable | null, log: number, onText: (text: string) => void): void {
  stream?.on('data', (chunk: Buffer) => {
    try {
      writeSync(log, chunk);
    } catch {
      // A full disk must not take the supervisor down.
    }
    onText(chunk.toString('utf8'));
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL'); // it leads a group of its own
  } catch {
    // It is gone.
  }
}

async function within(done: Promise<unknown>, waitMs: number): Promise<boolean> {
  const timer = new AbortController();
  const late = sleep(waitMs, false, { signal: timer.signal }).catch(() => false);
  const inTime = await Promise.race([done.then(() => true), late]);
  timer.abort();
  return inTime;
}
