import { spawn, type ChildProcess } from 'node:child_process';
import type { Program } from '../embedded/packaged-program.js';

const SAID_MAX = 4_000;

/** An address as Postgres' programs take it: the password is for the environment, not for `ps`. */
export function withoutPassword(databaseUrl: string): {
  url: string;
  env: Readonly<Record<string, string>>;
} {
  const url = new URL(databaseUrl);
  const password = decodeURIComponent(url.password);
  url.password = '';
  return { url: url.href, env: password === '' ? {} : { PGPASSWORD: password } };
}

/** The same server, another database. */
export function onDatabase(databaseUrl: string, database: string): string {
  const url = new URL(databaseUrl);
  url.pathname = `/${encodeURIComponent(database)}`;
  return url.href;
}

export const databaseOf = (databaseUrl: string): string =>
  decodeURIComponent(new URL(databaseUrl).pathname.slice(1));

/** A program of Postgres that runs, and what it says. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; said: string }>;
}

/** Starts a program on a server; a signal ends it. */
export function startProgram(
  { command, env }: Program,
  databaseUrl: string,
  args: readonly string[],
  signal?: AbortSignal,
): Running {
  const { url, env: password } = withoutPassword(databaseUrl);
  const child = spawn(command, [...args, `--dbname=${url}`], {
    env: { ...process.env, ...env, ...password, LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(signal ? { signal, killSignal: 'SIGTERM' as const } : {}),
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-SAID_MAX);
  });
  const ended = new Promise<{ code: number | null; said: string }>((resolve) => {
    child.once('error', (error) => resolve({ code: null, said: `${said}${error.message}` }));
    child.once('close', (code) => resolve({ code, said }));
  });
  return { child, ended };
}

/** Runs it to its end. @throws Error with what it says when it fails */
export async function runProgram(
  program: Program,
  databaseUrl: string,
  args: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  const { code, said } = await startProgram(program, databaseUrl, args, signal).ended;
  if (code === 0) return;
  signal?.throwIfAborted();
  const name = program.command.split('/').at(-1) ?? program.command;
  throw new Error(`${name} failed (code ${code ?? 'none'}): ${said.trim()}`);
}
