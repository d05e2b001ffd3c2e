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
const END_WITH_PARENT = new URL('./end-with-parent.js', import.meta.url).href;

/**
 * Keeps a process running: started again, at growing intervals, whenever it dies unasked. It is in a
 * session of its own, so that Ctrl-C reaches only us and everything is stopped in order.
 */
export class SupervisedProcess {
  #child: ChildProcess | null = null;
  #ended: Promise<void> = Promise.resolve();
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
    const wasRunning = this.#child !== null;
    this.#restartMs = RESTART_FIRST_MS;
    this.#failures = 0;
    if (!wasRunning) return; // about to be started anyway
    const child = this.#child;
    child?.removeAllListeners('exit');
    await this.#end();
    if (!this.#stopping) this.#launch();
  }

  #launch(): void {
    const { name, file, env, logFile, pidFile } = this.spec;
    const log = openLog(logFile);
    const child = spawn(
      process.execPath,
      ['--import', END_WITH_PARENT, '--enable-source-maps', file],
      {
        env,
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      },
    );
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.once('close', () => {
        closeSync(log);
        resolve();
      });
    });
    const filter = createTerminalFilter(name, logFile, this.spec.notice);
    record(child.stdout, log, filter.onOutput);
    record(child.stderr, log, filter.onErrorOutput);
    if (child.pid !== undefined) writePidFile(pidFile, child.pid);
    const startedAt = performance.now();
    child.on('message', (message) => {
      if (message === 'ready') this.#resolveReady();
    });
    child.once('error', (error) => this.spec.notice(`${name} cannot be started: ${String(error)}`));
    child.once('exit', (code, signal) => {
      if (this.#stopping) return;
      if (performance.now() - startedAt > HEALTHY_AFTER_MS) {
        this.#restartMs = RESTART_FIRST_MS;
        this.#failures = 0;
      }
      this.#failures++;
      this.spec.notice(`${name} ended (${signal ?? `code ${code}`}); starting it again`);
      void this.#relaunch();
    });
  }

  async #relaunch(): Promise<void> {
    await this.#ended;
    this.#child = null;
    await sleep(this.#restartMs);
    this.#restartMs = Math.min(this.#restartMs * 2, RESTART_MAX_MS);
    if (!this.#stopping) this.#launch();
  }

  async #end(): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined) return;
    child.kill('SIGTERM');
    const inTime = await within(this.#ended, this.spec.drainMs);
    if (!inTime) {
      this.spec.notice(`${this.spec.name} did not stop within ${this.spec.drainMs} ms: killing it`);
      killGroup(child.pid);
      await within(this.#ended, KILL_WAIT_MS);
    }
    this.#child = null;
  }
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

async function within(done: Promise<void>, waitMs: number): Promise<boolean> {
  const timer = new AbortController();
  const late = sleep(waitMs, false, { signal: timer.signal }).catch(() => false);
  const inTime = await Promise.race([done.then(() => true), late]);
  timer.abort();
  return inTime;
}
