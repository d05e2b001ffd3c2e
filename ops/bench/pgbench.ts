import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';

const run = promisify(execFile);
const DATABASE = 'brokerx_pgbench';
const SCALE = 20;

/** pgbench on PATH or where Debian and others put it; null when there is none. */
export function findPgbench(): string | null {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const debian = '/usr/lib/postgresql';
  if (existsSync(debian)) folders.push(...readdirSync(debian).map((v) => join(debian, v, 'bin')));
  return folders.map((folder) => join(folder, 'pgbench')).find((file) => existsSync(file)) ?? null;
}

/** `pgbench -N -c 64` on a scratch database of the same server. */
export class Pgbench {
  private readonly url: string;

  constructor(
    private readonly binary: string,
    private readonly serverUrl: string,
    private readonly seconds: number,
  ) {
    const url = new URL(serverUrl);
    url.pathname = `/${DATABASE}`;
    this.url = url.href;
  }

  async prepare(): Promise<void> {
    const client = new pg.Client({ connectionString: this.serverUrl });
    await client.connect();
    try {
      await client.query(`drop database if exists ${DATABASE}`);
      await client.query(`create database ${DATABASE}`);
    } finally {
      await client.end();
    }
    await run(this.binary, ['-i', '-q', '-s', String(SCALE), this.url]);
  }

  /** @returns transactions a second, connection time excluded */
  async measure(): Promise<number> {
    const options = ['-N', '-n', '-c', '64', '-j', '2', '-T', String(this.seconds)];
    const { stdout } = await run(this.binary, [...options, this.url]);
    const tps = /^tps = ([\d.]+)/m.exec(stdout)?.[1];
    if (tps === undefined) throw new Error(`pgbench printed no tps:\n${stdout}`);
    return Number(tps);
  }
}
