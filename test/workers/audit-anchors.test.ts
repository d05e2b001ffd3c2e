import { readFile, stat, writeFile } from 'node:fs/promises';
import { expect } from 'chai';
import { auditChainBroken, auditEntries, auditFaults } from '../../src/audit/metrics.js';
import { SETTLEMENT_GATE } from '../../src/risk/settlement-gate.js';
import {
  edit,
  ENTRIES,
  expectFaults,
  readLog,
  rechain,
  resetHead,
  startAuditedLog,
  writeLog,
  type AuditedLog,
} from '../support/audit-log.js';

describe('the watch over the audit log', () => {
  let audited: AuditedLog;

  before(async () => {
    audited = await startAuditedLog();
  });
  after(() => audited.stop());
  afterEach(() => audited.restore());

  it('anchors also while orders are being settled', async () => {
    await audited.plantAnchors(() => []);
    const { knex } = audited.trading.container.db;
    const anchor = await knex.transaction(async (pass) => {
      await pass.raw('select pg_advisory_xact_lock_shared(?)', [SETTLEMENT_GATE]);
      return audited.newWatch().anchor(new Date());
    });
    expect(anchor?.seq).to.equal(BigInt(ENTRIES));
  });

  describe('finds in the file of anchors', () => {
    const change = (line: string, member: string, value: unknown): string =>
      JSON.stringify({ ...(JSON.parse(line) as object), [member]: value });

    it('a line that was taken out', async () => {
      await audited.plantAnchors(([first, , third]) => [first!, third!]);
      expectFaults(await audited.verify(), ['anchor_order', 12]);
    });

    it('lines that were taken off its beginning', async () => {
      await audited.plantAnchors(([, ...others]) => others);
      expectFaults(await audited.verify(), ['anchor_order', 8]);
    });

    it('lines that changed places', async () => {
      await audited.plantAnchors(([first, second, third]) => [first!, third!, second!]);
      expectFaults(await audited.verify(), ['anchor_order', 12], ['anchor_order', 8]);
    });

    it('lines that were taken off its end, a minute later', async () => {
      await audited.plantAnchors((lines) => lines.slice(0, 2));
      expectFaults(await audited.verify({ now: new Date() }));
      expectFaults(await audited.verify({ now: new Date(Date.now() + 61_000) }), [
        'anchors_behind',
        9,
      ]);
    });

    it('a line that was edited to fit another chain, and one that is no anchor', async () => {
      await audited.plant((log) => {
        edit(log, 10, '"after":{"max_order_qty":"5"}', '"after":{"max_order_qty":"9"}');
        rechain(log);
      });
      const { hash } = (await readLog(audited.trading)).head;
      await audited.plantAnchors(([first, second, third]) => [
        first!,
        second!,
        change(third!, 'hash', hash),
        'not an anchor',
      ]);
      expectFaults(await audited.verify(), ['anchor_forged', 12], ['anchor_unreadable', null]);
    });

    it('a line that was signed with another key', async () => {
      await audited.plantAnchors(([first, second]) => [first!, second!]);
      const stranger = 'x'.repeat(40);
      const knowing = await audited.newWatch(stranger).anchor(new Date());
      expect(knowing, 'behind a line of ours').to.equal(null);
      await audited.plantAnchors(() => []);
      expect(await audited.newWatch(stranger).anchor(new Date())).not.to.equal(null);
      expectFaults(await audited.verify(), ['anchor_forged', 12]);
    });

    it('nothing wrong with a line that a crash cut off, and the next anchor takes its place', async () => {
      await writeFile(audited.file, audited.sound.anchors + audited.sound.anchors.slice(0, 100));
      expectFaults(await audited.verify());
      await audited.record(0);
      await audited.newWatch().anchor(new Date());
      const found = await audited.verify();
      expectFaults(found);
      expect(found.anchors.confirmed).to.equal(4);
    });
  });

  describe('as a job', () => {
    const metric = async (gauge: typeof auditFaults): Promise<number | undefined> =>
      (await gauge.get()).values[0]?.value;

    it('writes an anchor when the head has moved, readable by us only, and once', async () => {
      const watch = audited.newWatch();
      expect(await watch.anchor(new Date())).to.equal(null);
      await audited.record(0);
      await Promise.all([watch.anchor(new Date()), audited.newWatch().anchor(new Date())]);
      expect((await stat(audited.file)).mode & 0o777).to.equal(0o600);
      const found = await audited.verify();
      expectFaults(found);
      expect(found.anchors.confirmed).to.equal(4);
    });

    it('writes no anchor onto a chain that does not continue from the last one', async () => {
      const watch = audited.newWatch();
      await watch.anchor(new Date());
      expect(await metric(auditChainBroken)).to.equal(0);
      await audited.plant((log) => {
        log.chain.splice(9);
        resetHead(log);
      });
      for (let index = 0; index < 5; index += 1) await audited.record(index);
      expect(await watch.anchor(new Date())).to.equal(null);
      expect(await metric(auditChainBroken)).to.equal(1);
      expect(await readFile(audited.file, 'utf8')).to.equal(audited.sound.anchors);
    });

    it('notices that the file has lost the anchor that it wrote', async () => {
      const watch = audited.newWatch();
      await watch.anchor(new Date());
      await audited.plantAnchors((lines) => lines.slice(0, 2));
      expect(await watch.anchor(new Date())).to.equal(null);
      expect(await metric(auditChainBroken)).to.equal(1);
    });

    it('verifies what is new, and all of it again when something is wrong', async () => {
      const watch = audited.newWatch();
      await watch.verify(new Date());
      expect(await metric(auditFaults)).to.equal(0);
      expect(await metric(auditEntries)).to.equal(ENTRIES);
      const tamper = async (seq: number): Promise<void> => {
        await audited.record(0);
        const log = await readLog(audited.trading);
        edit(log, seq, '"limits.set"', '"limits.delete"');
        await writeLog(audited.trading, log);
        await watch.verify(new Date());
      };
      await tamper(3);
      expect(await metric(auditFaults), 'what is old waits for the day').to.equal(0);
      expect(await metric(auditEntries)).to.equal(ENTRIES + 1);
      await tamper(ENTRIES + 2);
      expect(await metric(auditFaults)).to.equal(1);
      expect(await metric(auditChainBroken)).to.equal(1);
      await watch.verify(new Date());
      expect(await metric(auditFaults)).to.equal(2);
    });

    it('verifies everything once a day', async () => {
      const watch = audited.newWatch();
      await watch.verify(new Date());
      await audited.plant((log) => edit(log, 3, '"limits.set"', '"limits.delete"'));
      await watch.verify(new Date(Date.now() + 24 * 3_600_000));
      expect(await metric(auditFaults)).to.equal(1);
    });
  });
});
