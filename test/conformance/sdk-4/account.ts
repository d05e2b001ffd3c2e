import { expect } from 'chai';
import { eventually } from '../../support/eventually.js';
import type { Setting } from './setting.js';

/** The account and its positions. */
export function testAccount({ alpaca }: Setting): void {
  const bought = async (symbol: string, qty: number): Promise<void> => {
    const { id } = await alpaca().builders.market({ symbol, qty, side: 'buy' });
    await eventually(async () => {
      const order = await alpaca().orders.getOrderByOrderID({ orderId: id!, nested: true });
      expect(order.status).to.equal('filled');
    });
  };

  describe('the account', () => {
    before(() => bought('XOM', 2));

    it('is read', async () => {
      const account = await alpaca().accounts.getAccount();
      expect(account).to.include({ status: 'ACTIVE', optionsTradingLevel: 0, multiplier: '1' });
      expect(Number(account.lastEquity)).to.be.greaterThan(0);
      const check = await alpaca().client.validateConnection();
      expect(check.ok).to.equal(true);
    });

    it('has configurations that change', async () => {
      const { configurations } = alpaca();
      const current = await configurations.getAccountConfig();
      expect(current).to.include({ suspendTrade: false, fractionalTrading: true });
      const changed = await configurations.patchAccountConfig({
        accountConfigurations: { noShorting: true, disableOvernightTrading: true },
      });
      expect(changed).to.include({ disableOvernightTrading: true });
    });

    it('has activities', async () => {
      const { activities } = alpaca();
      const fills = { activityType: 'FILL', date: new Date(), direction: 'desc' } as const;
      const [latest] = await activities.getAccountActivitiesByActivityType(fills);
      expect(latest).to.include({ activityType: 'FILL', symbol: 'XOM', qty: '2' });
      const trade = { category: 'trade_activity', pageSize: 1 } as const;
      const [fill] = await activities.getAccountActivities(trade);
      expect(fill).to.include({ symbol: 'XOM', cumQty: '2', leavesQty: '0' });
      const [fee] = await activities.getAccountActivities({ activityTypes: ['FEE'] });
      expect(fee).to.include({ activitySubType: 'COM', status: 'executed' });
      expect(Number(fee!.netAmount)).to.be.lessThan(0);
    });

    it('has activities page by page', async () => {
      const { activities, client } = alpaca();
      const all = await activities.getAccountActivities({ direction: 'asc', after: new Date(0) });
      const ids = all.map(({ id }) => id);
      const query = { direction: 'asc', pageSize: 25 } as const;
      const collected = await client.collectActivities(query);
      expect(collected.slice(0, ids.length).map(({ id }) => id)).to.deep.equal(ids);
      const seen: (string | undefined)[] = [];
      for await (const { id } of client.iterateActivities(query)) seen.push(id);
      expect(seen).to.deep.equal(collected.map(({ id }) => id));
      const fills = { ...query, activityType: 'FILL' };
      const ofType = await client.collectActivitiesByType(fills);
      const iterated: (string | undefined)[] = [];
      for await (const { id } of client.iterateActivitiesByType(fills)) iterated.push(id);
      expect(iterated).to.deep.equal(ofType.map(({ id }) => id));
      expect(new Set(iterated)).to.have.lengthOf(ofType.length);
    });

    it('has a history', async () => {
      const history = await alpaca().history.getAccountPortfolioHistory({
        ...{ period: '1M', timeframe: '1D', intradayReporting: 'continuous' },
        ...{ pnlReset: 'no_reset', cashflowTypes: 'ALL' },
      });
      expect(history).to.include.keys('timestamp', 'equity', 'profitLoss', 'baseValue');
      expect(history.equity.at(-1)).to.be.a('number');
    });
  });

  describe('positions', () => {
    it('are read', async () => {
      const { positions } = alpaca();
      const all = await positions.getAllOpenPositions();
      expect(all.map(({ symbol }) => symbol)).to.include.members(['DIS', 'BTC/USD']);
      const coins = await positions.getOpenPosition({ symbolOrAssetId: 'ETH/USD' });
      expect(coins).to.include({ symbol: 'ETH/USD', assetClass: 'crypto', qty: '200' });
    });

    it('are closed by quantity, by percentage and as a whole', async () => {
      const { positions, orders } = alpaca();
      const symbolOrAssetId = 'ETH/USD';
      const part = await positions.deleteOpenPosition({ symbolOrAssetId, percentage: 25.5 });
      expect(part).to.include({ symbol: 'ETH/USD', qty: '51', side: 'sell', type: 'market' });
      const some = await positions.deleteOpenPosition({ symbolOrAssetId: 'WMT', qty: 1.5 });
      expect(some).to.include({ symbol: 'WMT', qty: '1.5' });
      await eventually(async () => {
        expect(await orders.getAllOrders()).to.have.lengthOf(0);
      });
      const { qty } = await positions.getOpenPosition({ symbolOrAssetId: 'WMT' });
      const whole = await positions.deleteOpenPosition({ symbolOrAssetId: 'WMT' });
      expect(whole.qty).to.equal(qty);
    });

    it('are closed all at once, their orders cancelled first', async () => {
      const { positions, client, orders, builders } = alpaca();
      const selling = { symbol: 'DIS', qty: 10, side: 'sell', limitPrice: 190 } as const;
      const resting = await builders.limit(selling);
      const closed = await positions.deleteAllOpenPositions({ cancelOrders: true });
      const dis = closed.find(({ symbol }) => symbol === 'DIS')!;
      expect(dis.status, JSON.stringify(dis.body)).to.equal(200);
      const { status } = await orders.getOrderByOrderID({ orderId: resting.id! });
      expect(status).to.equal('canceled');
      const rest = await client.closeAllPositions();
      expect(rest.length).to.be.at.most(closed.length);
    });
  });
}
