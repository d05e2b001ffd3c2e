import { expect } from 'chai';
import { eventually } from '../../support/eventually.js';
import type { Json } from './client.js';
import type { Setting } from './setting.js';

const DAY_MS = 86_400_000;

/** Every call that does not concern orders. */
export function testAccount({ alpaca }: Setting): void {
  const bought = async (symbol: string, qty: number): Promise<void> => {
    const order = { symbol, qty, side: 'buy', type: 'market', time_in_force: 'day' };
    const { id } = await alpaca().createOrder!(order);
    await eventually(async () => {
      expect(await alpaca().getOrder!(id)).to.include({ status: 'filled' });
    });
  };

  describe('the account', () => {
    it('is read, with its history', async () => {
      const account = await alpaca().getAccount!();
      expect(account).to.include({ status: 'ACTIVE', currency: 'USD', trading_blocked: false });
      expect(Number(account['buying_power'])).to.be.greaterThan(0);
      const history = { period: '1A', timeframe: '1D', extended_hours: false };
      const shown = ['timestamp', 'equity', 'profit_loss', 'profit_loss_pct', 'base_value'];
      expect(await alpaca().getPortfolioHistory!(history)).to.include.keys(shown);
      const today = new Date();
      const days = { date_start: new Date(today.getTime() - DAY_MS), date_end: today };
      const dates = Object.entries(days).map(([name, day]) => [
        name,
        day.toISOString().slice(0, 10),
      ]);
      const found = await alpaca().getPortfolioHistory!(Object.fromEntries(dates));
      expect(found).to.include.keys(shown);
    });

    it('has activities, page by page', async () => {
      await bought('XOM', 2);
      const types = { activityTypes: ['FILL', 'FEE'], pageSize: 1, direction: 'desc' };
      const [latest] = (await alpaca().getAccountActivities!(types)) as Json[];
      expect(latest).to.include({ activity_type: 'FILL', symbol: 'XOM', qty: '2', side: 'buy' });
      const next = { activityTypes: 'FILL', pageToken: latest!['id'] as string, direction: 'asc' };
      expect(await alpaca().getAccountActivities!(next)).to.deep.equal([]);
      const span = { after: new Date(0).toISOString(), until: new Date().toISOString() };
      const money = (await alpaca().getAccountActivities!({
        ...{ activityTypes: 'CSD', ...span },
      })) as Json[];
      expect(money.map((one) => one['net_amount'])).to.deep.equal(['1000000']);
      const today = { date: new Date().toISOString().slice(0, 10) };
      expect(await alpaca().getAccountActivities!(today)).not.to.have.lengthOf(0);
    });

    it('has configurations that change', async () => {
      await alpaca().updateAccountConfigurations!({ trade_confirm_email: 'none' });
      const changed = await alpaca().getAccountConfigurations!();
      expect(changed).to.include({ trade_confirm_email: 'none', suspend_trade: false });
    });

    it('is reached by raw requests too', async () => {
      expect(await alpaca().sendRequest!('/account')).to.include({ status: 'ACTIVE' });
      const { data } = await alpaca().httpRequest!('/clock');
      expect(data).to.include({ is_open: true });
    });
  });

  describe('watchlists, assets and the calendar', () => {
    it('keeps watchlists', async () => {
      const sdk = alpaca();
      const { id } = await sdk.addWatchlist!('mine', ['AAPL']);
      await sdk.addToWatchlist!(id, 'BTC/USD');
      await sdk.addToWatchlist!(id, 'MSFT');
      await sdk.deleteFromWatchlist!(id, 'AAPL');
      await sdk.deleteFromWatchlist!(id, 'BTC/USD');
      const changed = await sdk.updateWatchlist!(id, { name: 'yours' });
      expect((changed['assets'] as Json[]).map((one) => one['symbol'] as string)).to.deep.equal([
        'MSFT',
      ]);
      expect(await sdk.getWatchlist!(id)).to.include({ name: 'yours' });
      expect(await sdk.getWatchlists!()).to.have.lengthOf(1);
      await sdk.deleteWatchlist!(id);
      expect(await sdk.getWatchlists!()).to.have.lengthOf(0);
      await sdk.deleteWatchlist!((await sdk.addWatchlist!('empty'))['id']);
    });

    it('reads assets', async () => {
      const assets = (await alpaca().getAssets!({ status: 'active' })) as Json[];
      const symbols = assets.map(({ symbol }) => symbol as string);
      expect(symbols).to.include.members(['AAPL', 'SPY', 'BTC/USD']);
      const coins = { asset_class: 'crypto', exchange: 'CRYPTO' };
      expect(await alpaca().getAssets!(coins)).to.have.lengthOf(2);
      expect(await alpaca().getAsset!('AAPL')).to.include({ symbol: 'AAPL', class: 'us_equity' });
      expect(await alpaca().getAsset!('BTC/USD')).to.include({ class: 'crypto' });
    });

    it('reads clock and calendar', async () => {
      const members = ['timestamp', 'is_open', 'next_open', 'next_close'];
      expect(await alpaca().getClock!()).to.have.keys(members);
      const start = new Date('2026-11-23');
      expect(await alpaca().getCalendar!({ start, end: start })).to.have.lengthOf(1);
      expect(await alpaca().getCalendar!()).not.to.have.lengthOf(0);
    });
  });

  describe('positions', () => {
    it('grow with what is bought', async () => {
      const before = Number((await alpaca().getPosition!('DIS'))['qty']);
      await bought('DIS', 3);
      const { qty } = await alpaca().getPosition!('DIS');
      expect(qty).to.equal(String(before + 3));
      const positions = (await alpaca().getPositions!()) as Json[];
      const symbols = positions.map(({ symbol }) => symbol as string);
      expect(symbols).to.include.members(['DIS', 'BTC/USD']);
    });

    it('are closed in part, as a whole, and all of them', async () => {
      const held = await alpaca().getPosition!('WMT');
      const part = await alpaca().sendRequest!(
        '/positions/WMT',
        { percentage: 10 },
        null,
        'DELETE',
      );
      expect(part).to.include({ side: 'sell', qty: String(Number(held['qty']) / 10) });
      const coins = await alpaca().closePosition!('BTCUSD');
      expect(coins).to.include({ symbol: 'BTC/USD', side: 'sell', type: 'market' });
      const outcomes = (await alpaca().closeAllPositions!()) as Json[];
      const positions = (await alpaca().getPositions!()) as Json[];
      expect(outcomes.length).to.be.greaterThan(15);
      expect(positions.length).to.be.at.most(outcomes.length);
      for (const { symbol, status, body } of outcomes) {
        expect(status, `${String(symbol)}: ${JSON.stringify(body)}`).to.be.oneOf([200, 403]);
      }
    });
  });
}
