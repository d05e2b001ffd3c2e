import { expect } from 'chai';
import type { FaultKind } from '../../src/audit/faults.js';
import {
  edit,
  ENTRIES,
  expectFaults,
  REASONS,
  rechain,
  renumber,
  resetHead,
  startAuditedLog,
  writeLog,
  type AuditedLog,
  type WholeLog,
} from '../support/audit-log.js';

describe('the verification of the audit log', () => {
  let audited: AuditedLog;

  before(async () => {
    audited = await startAuditedLog();
  });
  after(() => audited.stop());
  afterEach(() => audited.restore());

  describe('of a log that nobody touched', () => {
    it('finds nothing, whatever the texts hold', async () => {
      const { entries, head, anchors, ...rest } = await audited.verify();
      expectFaults({ entries, head, anchors, ...rest });
      expect([entries, Number(head.seq)]).to.deep.equal([ENTRIES, ENTRIES]);
      expect([anchors.confirmed, anchors.last?.seq]).to.deep.equal([3, BigInt(ENTRIES)]);
      expect(head.hash.toString('hex')).to.equal(audited.sound.log.head.hash);
    });

    it('finds nothing after fifty writers at once, and nobody had to give way', async () => {
      const writers = Array.from({ length: 50 }, async (_, index) => {
        for (let round = 0; round < 4; round += 1) await audited.record(index + round);
      });
      await Promise.all(writers);
      const found = await audited.verify();
      expectFaults(found);
      expect(found.entries).to.equal(ENTRIES + 200);
    });

    it('keeps texts that Postgres could not, with something in the place of it', () => {
      const reasons = audited.sound.log.entries.map(
        ({ content }) => (JSON.parse(content) as { reason: string }).reason,
      );
      const kept = [...REASONS.slice(0, 3), 'nul \uFFFD half \uFFFD end', REASONS[4]!];
      expect(reasons.slice(0, 5)).to.deep.equal(kept);
    });
  });

  describe('finds an entry', () => {
    it('whose text was changed', async () => {
      await audited.plant((log) => edit(log, 5, '"limits.set"', '"limits.delete"'));
      const found = await audited.verify();
      expectFaults(found, ['hash', 5]);
      expect(found.faults[0]!.entry_id).to.equal(audited.sound.log.chain[4]!.entry_id);
    });

    it('with one other digit in what was before', async () => {
      await audited.plant((log) =>
        edit(log, 7, '"before":{"max_order_qty":"1006"', '"before":{"max_order_qty":"1007"'),
      );
      expectFaults(await audited.verify(), ['hash', 7]);
    });

    it('that was deleted with its link', async () => {
      await audited.plant(({ entries, chain }) => {
        const [{ entry_id }] = chain.splice(5, 1) as [WholeLog['chain'][0]];
        entries.splice(
          entries.findIndex(({ id }) => id === entry_id),
          1,
        );
      });
      expectFaults(await audited.verify(), ['gap', 6]);
    });

    it('whose link was deleted', async () => {
      await audited.plant(({ chain }) => chain.splice(5, 1));
      const found = await audited.verify();
      expectFaults(found, ['gap', 6], ['unlinked', null]);
      expect(found.faults[1]!.entry_id).to.equal(audited.sound.log.chain[5]!.entry_id);
    });

    it('that was deleted without its link', async () => {
      const reference = 'audit_chain_entry_id_fkey';
      await audited.trading.asOwner(`alter table audit_chain drop constraint ${reference}`);
      await audited.plant(({ entries, chain }) => {
        entries.splice(
          entries.findIndex(({ id }) => id === chain[5]!.entry_id),
          1,
        );
      });
      const found = await audited.verify();
      await writeLog(audited.trading, audited.sound.log);
      await audited.trading.asOwner(`alter table audit_chain add constraint ${reference}
        foreign key (entry_id) references audit_entries`);
      expectFaults(found, ['missing_entry', 6]);
    });

    it('that was deleted and the links behind it renumbered', async () => {
      await audited.plant((log) => {
        log.chain.splice(9, 1);
        renumber(log);
        resetHead(log);
      });
      const found = await audited.verify();
      expectFaults(
        found,
        ['hash', 10],
        ['hash', 11],
        ['unlinked', null],
        ['anchor_beyond_head', 12],
      );
    });

    it('that changed places with another', async () => {
      await audited.plant(({ chain }) => {
        [chain[2]!.entry_id, chain[6]!.entry_id] = [chain[6]!.entry_id, chain[2]!.entry_id];
      });
      expectFaults(await audited.verify(), ['hash', 3], ['hash', 7]);
    });

    it('that changed places with another with its hash', async () => {
      await audited.plant((log) => {
        [log.chain[2], log.chain[6]] = [log.chain[6]!, log.chain[2]!];
        renumber(log);
      });
      expectFaults(await audited.verify(), ['hash', 3], ['hash', 4], ['hash', 7], ['hash', 8]);
    });

    it('that changed places with another, all hashes recomputed, by the anchors', async () => {
      await audited.plant((log) => {
        const { chain } = log;
        [chain[4]!.entry_id, chain[6]!.entry_id] = [chain[6]!.entry_id, chain[4]!.entry_id];
        rechain(log);
      });
      expectFaults(await audited.verify({ withFile: false }));
      expectFaults(await audited.verify(), ['anchor_differs', 8], ['anchor_differs', 12]);
    });

    const insert = (log: WholeLog, after: number): void => {
      const id = '01890000-0000-7000-8000-000000000001';
      const content = log.entries[0]!.content.replace(log.entries[0]!.id, id);
      log.entries.push({ id, content });
      log.chain.splice(after, 0, { seq: 0, entry_id: id, hash: 'ab'.repeat(32) });
      renumber(log);
    };

    it('that was put in between others', async () => {
      await audited.plant((log) => {
        insert(log, 10);
        resetHead(log);
      });
      expectFaults(
        await audited.verify(),
        ['hash', 11],
        ['hash', 12],
        ['hash', 13],
        ['anchor_differs', 12],
      );
    });

    it('that was put in between others, all hashes recomputed, by the anchors', async () => {
      await audited.plant((log) => {
        insert(log, 10);
        rechain(log);
      });
      expectFaults(await audited.verify(), ['anchor_differs', 12]);
    });

    it('that was written with the trigger off, and that it still is', async () => {
      await audited.trading.asOwner('alter table audit_entries disable trigger chained');
      await audited.record(0);
      const found = await audited.verify();
      await audited.trading.asOwner('alter table audit_entries enable trigger chained');
      expectFaults(found, ['unprotected', null], ['unlinked', null]);
    });

    it('twice in the chain', async () => {
      await audited.trading.asOwner(
        'alter table audit_chain drop constraint audit_chain_entry_id_key',
      );
      await audited.plant((log) => {
        const { entry_id } = log.chain[0]!;
        log.chain.push({ seq: ENTRIES + 1, entry_id, hash: 'ab'.repeat(32) });
        resetHead(log);
      });
      const found = await audited.verify();
      await writeLog(audited.trading, audited.sound.log);
      await audited.trading.asOwner('alter table audit_chain add unique (entry_id)');
      expectFaults(found, ['hash', 13], ['duplicate', 13]);
    });
  });

  describe('finds that the tail was cut', () => {
    const cut = (log: WholeLog): void => {
      log.chain.splice(9);
      log.entries = log.entries.filter(({ id }) => log.chain.some((link) => link.entry_id === id));
    };

    it('by the head that it had', async () => {
      await audited.plant(cut);
      expectFaults(await audited.verify({ withFile: false }), ['head', 9]);
    });

    it('by the anchors, when its head was reset', async () => {
      await audited.plant((log) => {
        cut(log);
        resetHead(log);
      });
      expectFaults(await audited.verify({ withFile: false }));
      expectFaults(await audited.verify(), ['anchor_beyond_head', 12]);
    });

    it('and that others were put in its place, by the anchors', async () => {
      await audited.plant((log) => {
        cut(log);
        resetHead(log);
      });
      for (let index = 0; index < 5; index += 1) await audited.record(index);
      expectFaults(await audited.verify({ withFile: false }));
      expectFaults(await audited.verify(), ['anchor_differs', 12]);
    });
  });

  it('finds that an owner rewrote all of it, by the anchors', async () => {
    await audited.plant((log) => {
      edit(log, 2, '"after":{"max_order_qty":"5"}', '"after":{"max_order_qty":"9"}');
      rechain(log);
    });
    expectFaults(await audited.verify({ withFile: false }));
    const differing: [FaultKind, number][] = [4, 8, 12].map((seq) => ['anchor_differs', seq]);
    expectFaults(await audited.verify(), ...differing);
  });

  it('finds a column that says something else than the text', async () => {
    await audited.trading.asOwner('alter table audit_entries alter column symbol drop expression');
    await audited.trading.asOwner(`alter table audit_entries disable trigger user;
      update audit_entries set symbol = 'KO' where id = '${audited.sound.log.chain[3]!.entry_id}';
      alter table audit_entries enable trigger user`);
    const found = await audited.verify();
    await audited.trading.asOwner(`alter table audit_entries drop column symbol;
      alter table audit_entries add column
        symbol text generated always as (content::jsonb #>> '{subject,symbol}') stored`);
    expectFaults(found, ['columns', 4]);
  });
});
