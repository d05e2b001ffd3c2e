import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { edit, startAuditedLog, type AuditedLog } from '../support/audit-log.js';

const COMMAND = fileURLToPath(new URL('../../src/commands/audit-verify.ts', import.meta.url));

describe('the verification of the audit log', () => {
  let audited: AuditedLog;

  before(async () => {
    audited = await startAuditedLog();
  });
  after(() => audited.stop());
  afterEach(() => audited.restore());

  describe('as a command', () => {
    const run = (...args: string[]): Promise<{ code: number; out: string; err: string }> =>
      new Promise((resolve) => {
        const { databaseUrl } = audited.trading.container.config;
        const env = {
          PATH: process.env['PATH'],
          DATABASE_URL: databaseUrl,
          DATA_DIR: audited.folder,
        };
        const all = ['--import', 'tsx', COMMAND, ...args];
        execFile(process.execPath, all, { env }, (error, out, err) => {
          resolve({ code: error ? Number(error.code) : 0, out, err });
        });
      });

    it('says of a sound log that it is', async () => {
      const { code, out, err } = await run('--anchors', audited.file);
      expect([code, err]).to.deep.equal([0, '']);
      expect(out).to.match(/^12 entries, head 12 [\da-f]{64}, 3 anchors confirmed, 0 faults\n/);
    });

    it('says what is wrong and where, as lines and as JSON', async () => {
      await audited.plant((log) => edit(log, 5, '"limits.set"', '"limits.delete"'));
      const lines = await run('--anchors', audited.file);
      expect(lines.code).to.equal(1);
      const { entry_id: id } = audited.sound.log.chain[4]!;
      expect(lines.out).to.match(new RegExp(`^FAULT hash +seq 5 +entry ${id}: `));
      const json = await run('--anchors', audited.file, '--json');
      expect(json.code).to.equal(1);
      const { faults, head } = JSON.parse(json.out) as Record<string, unknown>;
      expect(faults).to.deep.include({ ...(faults as object[])[0], seq: 5, kind: 'hash' });
      expect(head).to.deep.equal(audited.sound.log.head);
    });

    it('is not content without anchors, nor without a database', async () => {
      const without = await run();
      expect([without.code, without.err]).to.satisfy(
        ([code, err]: [number, string]) => code === 2 && err.startsWith('WARNING: there are no'),
      );
      const absent = await run('--anchors', join(audited.folder, 'absent'));
      expect(absent.code).to.equal(2);
      expect(absent.err).to.include('could not be verified: there is no file');
    });
  });
});
