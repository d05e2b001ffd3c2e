import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { logSize, logTail, openLog } from './log-file.js';
import { writePidFile, type StopStep } from './pid-file.js';
import { asUser, type ServerUser } from './server-user.js';

/** How to run one database server. */
export interface ServerSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly user: ServerUser | null;
  readonly logFile: string;
  readonly pidFile: string;
  /** Signals from the politest to the last, each with its patience. */
  readonly stopSteps: readonly StopStep[];
  /** Removes what a crashed predecessor left; runs before every launch. */
  readonly prepare: () => void | Promise<void>;
  /** Resolves when the server answers; it is given up when the server ends. */
  readonly untilReady: (pid: number, signal: AbortSignal) => Promise<void>;
  /** How long that may take; two minutes when absent. */
  readonly readyWithinMs?: number;
  readonly notice: (text: string) => void;
}

const READY_WITHIN_MS = 120_000; // crash recovery may have gigabytes of log to replay
const RESTART_FIRST_MS = 100;
const RESTART_MAX_MS = 5_000;

/**
 * A server in a session of its own, so the terminal's Ctrl-C does not reach it. It is started again
 * when it dies unasked, and it ends when we are killed without a chance to stop it.
 */
export class ServerProcess {
  #child: ChildProcess | null = null;
  #guard: ChildProcess | null = null;
  readonly #stop = new AbortController();
  #restarting: Promise<void> = Promise.resolve();

  private constructor(private readonly spec: ServerSpec) {}

  /** @throws Error with the end of the server's log when it does not come up */
  static async start(spec: ServerSpec): Promise<ServerProcess> {
    const server = new ServerProcess(spec);
    await server.#launch();
    return server;
  }

  /** The running server's process number; null while it is down. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Ends the server in order and returns when it is gone. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#restarting;
    await this.#end();
    rmSync(this.spec.pidFile, { force: true });
  }

  #isStopping(): boolean {
    return this.#stop.signal.aborted;
  }

  async #launch(): Promise<void> {
    const { spec } = this;
    await spec.prepare();
    const logStart = logSize(spec.logFile);
    const child = this.#spawn();
    const ended = new AbortController();
    const onEnd = () => ended.abort();
    child.once('exit', onEnd).once('error', onEnd);
    try {
      if (child.pid === undefined) throw new Error(`${spec.command} cannot be run`);
      writePidFile(spec.pidFile, child.pid);
      await this.#startGuard(child.pid);
      const giveUp = [
        ended.signal,
        this.#stop.signal,
        AbortSignal.timeout(spec.readyWithinMs ?? READY_WITHIN_MS),
      ];
      await spec.untilReady(child.pid, AbortSignal.any(giveUp));
    } catch (error) {
      await this.#end();
      const tail = logTail(spec.logFile, logStart);
      const why = ended.signal.aborted ? 'it ended at once' : String(error);
      throw new Error(`The embedded ${spec.name} did not start: ${why}\n${tail}`, { cause: error });
    }
    child.once('exit', (code, signal) => this.#onExit(signal ?? `code ${code}`));
    if (hasEnded(child)) this.#onExit('soon after its start');
  }

  #spawn(): ChildProcess {
    const { command, args, env, cwd, user, logFile } = this.spec;
    const log = openLog(logFile);
    const child = spawn(command, args, {
      ...asUser(user),
      env,
      cwd,
      detached: true,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.#child = child;
    return child;
  }

  /** A shell that waits for the end of its input, which comes when we die, however we die. */
  async #startGuard(pid: number): Promise<void> {
    const signal = this.spec.stopSteps[0]?.[0] ?? 'SIGTERM';
    const script = `trap '' INT TERM HUP; read -r _; kill -s "$1" "$2" 2>/dev/null`;
    const guard = spawn('/bin/sh', ['-c', script, 'sh', signal.slice(3), String(pid)], {
      ...asUser(this.spec.user),
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    await new Promise<void>((resolve, reject) => {
      guard.once('spawn', resolve).once('error', reject);
    });
    guard.unref();
    guard.stdin.on('error', () => undefined);
    if (guard.stdin instanceof Socket) guard.stdin.unref();
    this.#guard = guard;
  }

  #onExit(how: string): void {
    if (this.#isStopping() || this.#child === null) return;
    this.#child = null;
    this.spec.notice(`The embedded ${this.spec.name} ended (${how}); starting it again`);
    this.#restarting = this.#restart();
  }

  async #restart(): Promise<void> {
    for (let waitMs = RESTART_FIRST_MS; ; waitMs = Math.min(waitMs * 2, RESTART_MAX_MS)) {
      await this.#end();
      await sleep(waitMs);
      if (this.#isStopping()) return;
      try {
        return await this.#launch();
      } catch (error) {
        if (!this.#isStopping()) this.spec.notice(String(error));
      }
    }
  }

  /** Ends the server, then its guard (in this order: the guard must never outlive its purpose). */
  async #end(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child?.pid !== undefined) {
      for (const [signal, waitMs] of this.spec.stopSteps) {
        if (hasEnded(child)) break;
        child.kill(signal);
        await endOf(child, waitMs);
      }
    }
    const guard = this.#guard;
    this.#guard = null;
    if (guard && !hasEnded(guard)) {
      guard.ref();
      guard.kill('SIGKILL');
      await endOf(guard, 1_000);
    }
  }
}

const hasEnded = (child: ChildProcess): boolean =>
  child.exitCode !== null || child.signalCode !== null;

/** Resolves when the child has ended, or after the time given. */
function endOf(child: ChildProcess, waitMs: number): Promise<void> {
  if (hasEnded(child)) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, waitMs);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
