import { expect } from 'chai';
import { MinuteBars, type DueBar } from '../../src/market/minute-bars.js';
import { advanceTape } from '../../src/market/tape.js';
import { writeTrades } from '../support/market-trades.js';
import { shares, startTrading, usd, type Trading } from '../support/trading.js';

const MINUTE_MS = 60_000;
const START = Date.UTC(2026, 2, 20, 15, 0, 0);
/** So many minutes and seconds after the start. */
const at = (minutes: number, seconds = 0) =>
  new Date(START + minutes * MINUTE_MS + seconds * 1_000);

describe('the bars that streams are told', () => {
  let trading: Trading;
  let minutes: MinuteBars;

  before(async () => {
    trading = await startTrading(1);
    minutes = new MinuteBars();
  });
  after(() => trading.stop());

  const trade = (symbol: string, price: string, executedAt: Date) =>
    writeTrades(trading, [{ symbol, price: usd(price), qty: shares('1'), executedAt }]);
  async function dueAt(time: Date) {
    const { db, catalog } = trading.container;
    const due = await minutes.due(db.knex, await advanceTape(db.knex, 'always'), time);
    return due.map(({ kind, bar }: DueBar) => ({
      kind,
      symbol: catalog.get(bar.assetId).symbol,
      close: bar.close,
      trades: bar.trades,
    }));
  }

  it('are those of a minute when it is over, and of their days so far, once', async () => {
    expect(await dueAt(at(0, 30))).to.deep.equal([]);
    await trade('AAPL', '100', at(0, 40));
    expect(await dueAt(at(0, 50))).to.deep.equal([]);
    await trade('AAPL', '101', at(0, 59));
    expect(await dueAt(at(1, 0.5)), 'some trades may still come').to.deep.equal([]);
    expect(await dueAt(at(1, 1.5))).to.deep.equal([
      { kind: 'b', symbol: 'AAPL', close: usd('101'), trades: 2 },
      { kind: 'd', symbol: 'AAPL', close: usd('101'), trades: 2 },
    ]);
    expect(await dueAt(at(1, 30))).to.deep.equal([]);
  });

  it('are told again when a trade comes late', async () => {
    await trade('AAPL', '102', at(0, 59.5));
    expect(await dueAt(at(1, 40))).to.deep.equal([
      { kind: 'u', symbol: 'AAPL', close: usd('102'), trades: 3 },
    ]);
  });

  it('are none of assets that did not trade, and all when minutes were left out', async () => {
    expect(await dueAt(at(2, 5))).to.deep.equal([]);
    await trade('AAPL', '103', at(2, 10));
    await trade('BTC/USD', '65000', at(3, 10));
    const due = await dueAt(at(5, 2));
    expect(due.filter(({ kind }) => kind === 'b')).to.have.deep.members([
      { kind: 'b', symbol: 'AAPL', close: usd('103'), trades: 1 },
      { kind: 'b', symbol: 'BTC/USD', close: usd('65000'), trades: 1 },
    ]);
    expect(due.filter(({ kind }) => kind === 'd')).to.have.deep.members([
      { kind: 'd', symbol: 'AAPL', close: usd('103'), trades: 4 },
      { kind: 'd', symbol: 'BTC/USD', close: usd('65000'), trades: 1 },
    ]);
  });
});
