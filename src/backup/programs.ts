import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import {
  hasApt,
  probe,
  unpackedProgram,
  unpackProgram,
  type Program,
} from '../embedded/packaged-program.js';
import { findPostgres } from '../embedded/postgres-binaries.js';
import type { ServerUser } from '../embedded/server-user.js';

export type ClientProgram = 'pg_dump' | 'pg_restore' | 'pg_basebackup' | 'pg_receivewal';

const DEBIAN = '/usr/lib/postgresql';

interface Found {
  readonly folder: string;
  readonly env: Program['env'];
  readonly major: number;
}

/**
 * Postgres' own programs, for a server of the given version. A client that is older than its server
 * refuses to work; a newer pg_restore may say what an older server does not understand. So the same
 * version is the best, and the nearest later one the next.
 */
export class PostgresPrograms {
  private readonly found = new Map<ClientProgram, Found>();

  /** @param kept where programs that had to be unpacked are kept */
  constructor(
    readonly serverMajor: number,
    private readonly kept: string,
    private readonly notice: (text: string) => void,
  ) {}

  /** @throws Error that names the ways to get it */
  async client(name: ClientProgram): Promise<Program> {
    const known = this.found.get(name) ?? this.nearest(name) ?? (await this.unpack(name));
    this.found.set(name, known);
    return { command: join(known.folder, name), env: known.env };
  }

  /**
   * The server itself, to recover a base backup with: it must be of exactly the same version.
   * @returns its program
   */
  async server(user: ServerUser | null, home: string): Promise<string> {
    for (const folder of folders()) {
      const command = join(folder, 'postgres');
      if (existsSync(command) && majorOf({ command, env: {} }) === this.serverMajor) return command;
    }
    const embedded = join(await findPostgres(user, home), 'bin/postgres');
    if (majorOf({ command: embedded, env: {} }) === this.serverMajor) return embedded;
    throw new Error(
      `A base backup of Postgres ${this.serverMajor} is recovered with a server of that version, and ` +
        `there is none. Install it (apt install postgresql-${this.serverMajor}), or put its ` +
        '"postgres" on PATH',
    );
  }

  private nearest(name: ClientProgram): Found | undefined {
    const env = {};
    const candidates = folders()
      .filter((folder) => existsSync(join(folder, name)))
      .map((folder) => ({ folder, env, major: majorOf({ command: join(folder, name), env }) }))
      .filter(({ major }) => major >= this.serverMajor);
    return candidates.toSorted((a, b) => a.major - b.major)[0];
  }

  private async unpack(name: ClientProgram): Promise<Found> {
    const missing =
      `There is no ${name} for Postgres ${this.serverMajor}: it must be of that version or later` +
      `${this.tooOld(name)}. Install it (apt install postgresql-client-${this.serverMajor}, or ` +
      `brew install postgresql@${this.serverMajor}), and put it on PATH`;
    for (const major of hasApt() ? packagedMajors(this.serverMajor) : []) {
      const folder = join(this.kept, `postgres-client-${major}`);
      const bin = `usr/lib/postgresql/${major}/bin`;
      const path = `${bin}/${name}`;
      const earlier = unpackedProgram(folder, path);
      if (probe(earlier) === null) return { folder: join(folder, bin), env: earlier.env, major };
      this.notice(`No ${name} found: unpacking postgresql-client-${major} from the apt archive`);
      try {
        const packages = [`postgresql-client-${major}`, 'libpq5'];
        const { env } = await unpackProgram(folder, { path, packages });
        return { folder: join(folder, bin), env, major };
      } catch (error) {
        throw new Error(`${missing}\n(apt: ${String(error)})`, { cause: error });
      }
    }
    throw new Error(missing);
  }

  private tooOld(name: ClientProgram): string {
    const majors = folders()
      .filter((folder) => existsSync(join(folder, name)))
      .map((folder) => majorOf({ command: join(folder, name), env: {} }));
    return majors.length === 0 ? '' : ` (found: ${majors.join(', ')})`;
  }
}

/** Debian's /usr/bin/pg_dump chooses a version by itself: those folders come first. */
function folders(): string[] {
  const debian = existsSync(DEBIAN) ? readdirSync(DEBIAN).map((v) => join(DEBIAN, v, 'bin')) : [];
  return [...debian, ...(process.env['PATH'] ?? '').split(delimiter).filter((path) => path !== '')];
}

/** @returns 0 when it does not run */
function majorOf({ command, env }: Program): number {
  const options = { env: { ...process.env, ...env }, encoding: 'utf8' } as const;
  const { status, stdout } = spawnSync(command, ['--version'], options);
  return status === 0 ? Number(/\(PostgreSQL\) (\d+)/.exec(stdout)?.[1] ?? 0) : 0;
}

/** What the apt archive has of that version or later, nearest first. */
function packagedMajors(least: number): number[] {
  const args = ['search', '--names-only', '^postgresql-client-[0-9]+$'];
  const { status, stdout } = spawnSync('apt-cache', args, { encoding: 'utf8' });
  if (status !== 0) return [];
  const majors = [...stdout.matchAll(/^postgresql-client-(\d+) /gm)].map((m) => Number(m[1]));
  return majors.filter((major) => major >= least).toSorted((a, b) => a - b);
}
