import { Writable } from 'node:stream';
import { expect } from 'chai';
import winston from 'winston';
import { ledgerMismatches, ledgerProofDuration, ledgerProvedAt } from '../../src/metrics.js';
import { proveLedger } from '../../src/ledger/proof.js';
import { startTrading, type Trading } from '../support/trading.js';
import { runUpkeep } from '../support/upkeep.js';

describe('the scheduled proof of the ledger', () => {
  let trading: Trading;

  beforeEach(async () => {
    trading = await startTrading(2);
    await trading.place({ account: 1, side: 'sell', qty: '3', price: '150' });
    await trading.place({ account: 0, side: 'buy', qty: '3', price: '150' });
    await trading.settle();
  });
  afterEach(() => trading.stop());

  const knex = () => trading.container.db.knex;
  const gauge = async (metric: { get(): Promise<{ values: { value: number }[] }> }) =>
    (await metric.get()).values[0]!.value;

  /** Runs the job. @returns what it has logged */
  const prove = async (): Promise<Record<string, unknown>[]> => {
    const lines: Record<string, unknown>[] = [];
    const stream = new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
        done();
      },
    });
    const log = winston.createLogger({
      format: winston.format.json(),
      transports: [new winston.transports.Stream({ stream })],
    });
    await runUpkeep('ledger-proof', trading, { log });
    await new Promise((resolve) => setImmediate(resolve));
    return lines;
  };

  it('logs every result with its time, and keeps the metrics of time, duration and mismatches', async () => {
    const begun = Date.now() / 1_000;
    const before = (await ledgerProofDuration.get()).values.at(-1)!.value;
    const [line, ...more] = await prove();
    expect(more).to.deep.equal([]);
    expect(line).to.include({ level: 'info', message: 'the ledger balances' });
    const count = await knex()('postings').count('* as count').first<{ count: bigint }>();
    expect(line).to.include({ postings: Number(count.count) });
    expect(line!['duration_ms']).to.be.a('number');
    expect(await gauge(ledgerProvedAt)).to.be.within(begun, Date.now() / 1_000);
    expect(await gauge(ledgerMismatches)).to.equal(0);
    expect((await ledgerProofDuration.get()).values.at(-1)!.value).to.equal(before + 1);
  });

  it('names the asset of a balance that is not the sum of its postings', async () => {
    const { account_id: id } = trading.accounts[0]!;
    await knex()('accounts').where({ id }).increment('cash', 5);
    const [first, second] = [trading.accounts[0]!, trading.accounts[1]!];
    for (const [account, change] of [
      [first, 7],
      [second, -7], // in sum nothing is missing
    ] as const) {
      await knex().raw(
        `update positions set qty = qty + ? where account_id = ?
           and asset_id = (select id from assets where symbol = 'MSFT')`,
        [change, account.account_id],
      );
    }
    const [line] = await prove();
    expect(line).to.include({
      level: 'error',
      message: 'the ledger does not balance',
      mismatched_balances: 3,
      unbalanced_assets: 0,
    });
    const off = line!['off'] as Record<string, unknown>[];
    expect(off.map(({ asset, balanceDifference }) => [asset, balanceDifference])).to.deep.equal([
      ['MSFT', '0.000000014'],
      ['USD', '0.0005'],
    ]);
    expect(await gauge(ledgerMismatches)).to.equal(3);
  });

  it('counts what it recomputed, by asset and in all', async () => {
    const { assets, total } = await proveLedger(knex());
    expect(assets.find(({ asset }) => asset === 'USD')).to.include({ balances: 3 }); // and the maker
    expect(assets.find(({ asset }) => asset === 'AAPL')).to.include({
      balances: 3,
      mismatchedBalances: 0,
      balanceDifference: '0',
    });
    expect(total.balances).to.equal(assets.reduce((sum, { balances }) => sum + balances, 0));
    expect(total).to.include({ assets: assets.length, mismatchedBalances: 0 });
  });

  it('sees an asset whose debits and credits differ', async () => {
    await trading.asOwner(`
      set session_replication_role = replica;
      insert into postings (journal_id, line, account_id, asset_id, amount)
      select journal_id, 99, account_id, asset_id, 1 from postings
      where account_id = '${trading.accounts[0]!.account_id}' limit 1`);
    const [line] = await prove();
    expect(line).to.include({ level: 'error', unbalanced_assets: 1, mismatched_balances: 1 });
  });
});
