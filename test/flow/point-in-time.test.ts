import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type pg from 'pg';
import { listBases, listDumps } from '../../src/backup/catalog.js';
import { differences, readFacts, withClient } from '../../src/backup/facts.js';
import type { PostgresPrograms } from '../../src/backup/programs.js';
import { recover } from '../../src/backup/recover.js';
import { databaseOf } from '../../src/backup/run-program.js';
import { migrateToLatest } from '../../src/commands/migrate.js';
import { seedAccounts } from '../../src/commands/seed.js';
import { seedAssets } from '../../src/commands/seed-assets.js';
import { connectDatabase } from '../../src/db.js';
import type { EmbeddedServer } from '../../src/embedded/embedded-server.js';
import { startPostgres } from '../../src/embedded/postgres.js';
import { createBackupFolder, findBackupPrograms } from '../support/backups.js';
import { eventually } from '../support/eventually.js';
import { createDataDir } from '../support/processes.js';

const COMMAND = fileURLToPath(new URL('../../dist/src/commands/backup.js', import.meta.url));
const WITHIN_MS = 60_000;

describe('backups on a schedule, and a moment that is recovered from them', function () {
  this.timeout(180_000);

  let server: EmbeddedServer;
  let programs: PostgresPrograms;
  let folder: string;
  let schedule: ChildProcess;
  let output = '';
  const quiet = () => undefined;

  /** A backup process as in a container of its own. */
  const startSchedule = (): ChildProcess => {
    const env = { PATH: process.env['PATH'], DATABASE_URL: server.url, BACKUP_DIR: folder };
    const child = spawn(process.execPath, [COMMAND, '--schedule'], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    }
    return child;
  };
  const openAccounts = async (accounts: number): Promise<void> => {
    const db = connectDatabase(server.url, 'test', 2);
    await seedAccounts(db.knex, { accounts, cash: 10_000n, shares: new Map() }, quiet);
    await db.close();
  };
  const accountsOf = (url: string): Promise<number> =>
    withClient(url, async (client) => (await readFacts(client)).rows['public.accounts']!);
  const status = (kind: string): Promise<{ last_success_at: Date | null; failures: number }> =>
    withClient(server.url, async (client: pg.Client) => {
      const { rows } = await client.query<{ last_success_at: Date | null; failures: number }>(
        'select last_success_at, failures from backup_status where kind = $1',
        [kind],
      );
      return rows[0]!;
    });
  /** All that was committed before now is in the archive. */
  const untilArchived = async (): Promise<void> => {
    const now = new Date();
    await eventually(async () => {
      expect((await status('wal')).last_success_at, output).to.be.greaterThan(now);
    }, WITHIN_MS);
  };

  before(async function () {
    server = await startPostgres({ dataDir: await createDataDir(), settings: { fsync: 'off' } });
    await migrateToLatest(server.url);
    const db = connectDatabase(server.url, 'test', 2);
    await seedAssets(db.knex, 4);
    await db.close();
    const found = await findBackupPrograms(server.url);
    if (!found) this.skip();
    programs = found;
    folder = await createBackupFolder();
    schedule = startSchedule();
  });
  after(async () => {
    if (schedule.exitCode === null && schedule.signalCode === null) {
      const ended = once(schedule, 'exit');
      schedule.kill('SIGTERM');
      await ended;
    }
    await server.stop();
  });

  it('begins with a base backup and a dump, and archives the log', async () => {
    await eventually(async () => {
      expect(await listBases(folder), output).to.have.length(1);
      expect(await listDumps(folder), output).to.have.length(1);
    }, WITHIN_MS);
    await untilArchived();
    for (const kind of ['dump', 'base', 'wal']) {
      expect(await status(kind), kind).to.deep.include({ failures: 0 });
    }
  });

  it('recovers to a moment: what came before is there to the last posting, what came after is not', async () => {
    await openAccounts(7);
    const expected = await withClient(server.url, readFacts);
    const at = await withClient(server.url, async (client) => {
      return (await client.query<{ at: Date }>('select clock_timestamp() as at')).rows[0]!.at;
    });
    await sleep(20);
    await openAccounts(5);
    await untilArchived();

    const recovered = await recover({ folder, target: at, programs, say: quiet });
    try {
      const url = recovered.url(databaseOf(server.url));
      const found = await withClient(url, readFacts);
      expect(differences(expected, found)).to.deep.equal([]);
    } finally {
      await recovered.stop();
    }
  });

  it('recovers to the end of the archive, across a server that was restarted by force', async () => {
    const pid = server.pid!;
    process.kill(pid, 'SIGQUIT'); // as in a crash: without a checkpoint; it is started again
    await eventually(() => {
      expect(server.pid).to.not.be.oneOf([pid, null]);
      return Promise.resolve();
    }, WITHIN_MS);
    await eventually(() => openAccounts(3), WITHIN_MS);
    await untilArchived();
    const accounts = await accountsOf(server.url);
    const recovered = await recover({ folder, target: 'end', programs, say: quiet });
    try {
      expect(await accountsOf(recovered.url(databaseOf(server.url)))).to.equal(accounts);
    } finally {
      await recovered.stop();
    }
  });

  it('says which moments can be reached', async () => {
    const messageOf = async (target: Date): Promise<string> => {
      return recover({ folder, target, programs, say: quiet }).then(
        async ({ stop }) => `${String(await stop())}: it was recovered`,
        (error: unknown) => (error as Error).message,
      );
    };
    expect(await messageOf(new Date('2020-01-01'))).to.match(
      /is before the oldest base backup: --at may be 20\S+Z or later/,
    );
    expect(await messageOf(new Date('2100-01-01'))).to.match(
      /The archive ends before 2100\S+ \(last commit: 20\S+ \S+ UTC\). Name an earlier time, or --at end/,
    );
  });

  it('refuses a base backup that is damaged', async () => {
    const [base] = await listBases(folder);
    await writeFile(join(base!.folder, 'backup_manifest'), 'damaged');
    const refused = recover({ folder, target: 'end', programs, say: quiet });
    const message = await refused.catch((error: unknown) => (error as Error).message);
    expect(message).to.match(/backup_manifest is damaged: its SHA-256 is/);
  });

  it('begins a new piece of the archive, with a base backup, where the log has a gap', async () => {
    const ended = once(schedule, 'exit');
    schedule.kill('SIGTERM');
    expect(await ended).to.deep.equal([0, null]);
    // As when nobody received for so long that the server gave up keeping the log.
    await eventually(async () => {
      await withClient(server.url, (client) =>
        client.query(`select pg_drop_replication_slot('brokerx_backup')`),
      );
    }, WITHIN_MS);
    schedule = startSchedule();
    await eventually(async () => {
      const bases = await listBases(folder);
      expect(bases, output).to.have.length(2);
      expect(bases[0]!.archive).to.not.equal(bases[1]!.archive);
    }, WITHIN_MS);
    expect(await readdir(join(folder, 'wal'))).to.have.length(2);
    await untilArchived();
    const recovered = await recover({ folder, target: 'end', programs, say: quiet });
    await recovered.stop();
  });
});
