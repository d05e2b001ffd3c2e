import { createRequire } from 'node:module';
import { trading as sdk4 } from 'alpaca-trade-api-4';
import { expect } from 'chai';
import { startApi, type Api } from '../support/api.js';
import { startTrading, type Trading } from '../support/trading.js';

type Json = Record<string, unknown>;
type Sdk3 = Record<string, (...args: unknown[]) => Promise<unknown>>;
type Sdk3Constructor = new (options: { keyId: string; secretKey: string; baseUrl: string }) => Sdk3;

const Alpaca3 = createRequire(import.meta.url)('@alpacahq/alpaca-trade-api') as Sdk3Constructor;

/** The account side of both SDKs, unmodified: every call that does not concern orders. */
describe('the account side of the SDKs', () => {
  let trading: Trading;
  let api: Api;

  beforeEach(async () => {
    trading = await startTrading(2, { FEE_BPS: '5' });
    api = await startApi(trading);
    await trading.place({ account: 1, side: 'sell', qty: '3', price: '150' });
    await trading.place({ account: 0, side: 'buy', qty: '3', price: '150' });
    await trading.settle();
  });
  afterEach(async () => {
    await api.stop();
    await trading.stop();
  });

  const keys = () => {
    const { key_id: keyId, secret_key: secretKey } = trading.accounts[0]!;
    return { keyId, secretKey };
  };

  describe('3.1.3', () => {
    const sdk = (): Sdk3 => new Alpaca3({ ...keys(), baseUrl: api.url });

    it('reads the account, its history and its activities', async () => {
      const alpaca = sdk();
      expect(await alpaca.getAccount!()).to.include({ status: 'ACTIVE', multiplier: '1' });
      const activities = (await alpaca.getAccountActivities!({
        activityTypes: ['FILL', 'FEE'],
        pageSize: 10,
        direction: 'asc',
      })) as Json[];
      expect(activities.map((one) => one['activity_type'])).to.deep.equal(['FILL', 'FEE']);
      const after = (await alpaca.getAccountActivities!({
        activityTypes: 'FILL',
        pageToken: activities[0]!['id'],
        direction: 'asc',
      })) as Json[];
      expect(after).to.deep.equal([]);
      const found = (await alpaca.getPortfolioHistory!({ period: '1A', timeframe: '1D' })) as Json;
      expect(found).to.include.keys('timestamp', 'equity', 'profit_loss', 'base_value');
    });

    it('changes the configurations', async () => {
      const alpaca = sdk();
      await alpaca.updateAccountConfigurations!({ trade_confirm_email: 'none' });
      expect(await alpaca.getAccountConfigurations!()).to.include({ trade_confirm_email: 'none' });
    });

    it('closes positions', async () => {
      const alpaca = sdk();
      expect(await alpaca.closePosition!('BTCUSD')).to.include({ symbol: 'BTC/USD', side: 'sell' });
      expect(await alpaca.closeAllPositions!()).to.have.lengthOf(3);
    });

    it('keeps watchlists', async () => {
      const alpaca = sdk();
      const { id } = (await alpaca.addWatchlist!('mine', ['AAPL'])) as { id: string };
      await alpaca.addToWatchlist!(id, 'MSFT');
      await alpaca.deleteFromWatchlist!(id, 'AAPL');
      const changed = (await alpaca.updateWatchlist!(id, { name: 'yours' })) as Json;
      expect((changed['assets'] as Json[]).map(({ symbol }) => symbol)).to.deep.equal(['MSFT']);
      expect(await alpaca.getWatchlist!(id)).to.include({ name: 'yours' });
      expect(await alpaca.getWatchlists!()).to.have.lengthOf(1);
      await alpaca.deleteWatchlist!(id);
      expect(await alpaca.getWatchlists!()).to.have.lengthOf(0);
    });

    it('reads calendar, clock and assets', async () => {
      const alpaca = sdk();
      const start = new Date('2026-11-23');
      expect(await alpaca.getCalendar!({ start, end: start })).to.have.lengthOf(1);
      expect(await alpaca.getClock!()).to.include({ is_open: true });
      expect(
        await alpaca.getAssets!({ asset_class: 'crypto', exchange: 'CRYPTO' }),
      ).to.have.lengthOf(2);
    });
  });

  describe('4.0.2', () => {
    const configuration = () => {
      const { keyId, secretKey } = keys();
      return new sdk4.Configuration({
        basePath: api.url,
        timeoutMs: 0, // its timer outlives an answer without a body, and keeps the process
        apiKey: (name) => (name === 'APCA-API-KEY-ID' ? keyId : secretKey),
      });
    };

    it('reads the account and its configurations', async () => {
      const account = await new sdk4.AccountsApi(configuration()).getAccount();
      expect(account).to.include({ status: 'ACTIVE', optionsTradingLevel: 0 });
      expect(Number(account.lastEquity)).to.be.greaterThan(0);
      const configurations = new sdk4.AccountConfigurationsApi(configuration());
      const current = await configurations.getAccountConfig();
      expect(current).to.include({ suspendTrade: false, fractionalTrading: true });
      const changed = await configurations.patchAccountConfig({
        accountConfigurations: { noShorting: true, disableOvernightTrading: true },
      });
      expect(changed).to.include({ disableOvernightTrading: true });
    });

    it('reads activities page by page', async () => {
      const activities = new sdk4.AccountActivitiesApi(configuration());
      const seen: (string | undefined)[] = [];
      for (let pageToken: string | undefined; ;) {
        const page = await activities.getAccountActivities({
          pageSize: 2,
          direction: 'asc',
          after: new Date(0),
          ...(pageToken !== undefined && { pageToken }),
        });
        seen.push(...page.map(({ activityType }) => activityType));
        if (page.length < 2) break;
        pageToken = page.at(-1)!.id;
      }
      expect(seen).to.deep.equal(['CSD', 'JNLS', 'JNLS', 'JNLS', 'FILL', 'FEE']);
      const fills = { activityType: 'FILL', date: new Date() };
      const [ofType] = await activities.getAccountActivitiesByActivityType(fills);
      expect(ofType).to.include({ activityType: 'FILL', symbol: 'AAPL' });
      const [fill] = await activities.getAccountActivities({ category: 'trade_activity' });
      expect(fill).to.include({ price: '150', cumQty: '3', leavesQty: '0', orderStatus: 'filled' });
      const [fee] = await activities.getAccountActivities({ activityTypes: ['FEE'] });
      expect(fee).to.include({ netAmount: '-0.225', activitySubType: 'COM', status: 'executed' });
    });

    it('reads the history of the portfolio', async () => {
      const history = await new sdk4.PortfolioHistoryApi(
        configuration(),
      ).getAccountPortfolioHistory({
        period: '1M',
        timeframe: '1D',
        intradayReporting: 'continuous',
        pnlReset: 'no_reset',
        cashflowTypes: 'ALL',
      });
      expect(history).to.include.keys('timestamp', 'equity', 'profitLoss', 'baseValue');
      expect(history.equity.at(-1)).to.be.a('number');
    });

    it('reads and closes positions', async () => {
      const positions = new sdk4.PositionsApi(configuration());
      expect(await positions.getAllOpenPositions()).to.have.lengthOf(3);
      const [symbolOrAssetId, percentage] = ['BTC/USD', 25.5];
      expect(await positions.getOpenPosition({ symbolOrAssetId })).to.include({ qty: '10' });
      const order = await positions.deleteOpenPosition({ symbolOrAssetId, percentage });
      expect(order).to.include({ symbol: 'BTC/USD', qty: '2.55', side: 'sell' });
      const aapl = await positions.deleteOpenPosition({ symbolOrAssetId: 'AAPL', qty: 1.5 });
      expect(aapl).to.include({ qty: '1.5' });
      const all = await positions.deleteAllOpenPositions({ cancelOrders: false });
      expect(all.map(({ symbol, status }) => [symbol, status])).to.deep.equal([
        ['AAPL', 403],
        ['BTC/USD', 403],
        ['MSFT', 200],
      ]);
    });

    it('keeps watchlists, by id and by name', async () => {
      const watchlists = new sdk4.WatchlistsApi(configuration());
      const opened = await watchlists.postWatchlist({
        createWatchlistRequest: { name: 'mine', symbols: ['AAPL'] },
      });
      const { id: watchlistId } = opened;
      const symbol = 'BTC/USD';
      await watchlists.addAssetToWatchlist({
        watchlistId,
        addAssetToWatchlistRequest: { symbol },
      });
      await watchlists.addAssetToWatchlistByName({
        name: 'mine',
        addAssetToWatchlistRequest: { symbol: 'KO' },
      });
      const { assets } = await watchlists.removeAssetFromWatchlist({ watchlistId, symbol });
      expect(assets!.map((asset) => asset.symbol)).to.deep.equal(['AAPL', 'KO']);
      await watchlists.updateWatchlistById({
        watchlistId,
        updateWatchlistRequest: { name: 'yours', symbols: [] },
      });
      await watchlists.updateWatchlistByName({
        name: 'yours',
        updateWatchlistRequest: { symbols: ['MSFT'] },
      });
      const found = await watchlists.getWatchlistByName({ name: 'yours' });
      expect(found.createdAt).to.be.instanceOf(Date);
      expect(await watchlists.getWatchlistById({ watchlistId })).to.deep.equal(found);
      expect(await watchlists.getWatchlists()).to.have.lengthOf(1);
      await watchlists.deleteWatchlistByName({ name: 'yours' });
      expect(await watchlists.getWatchlists()).to.have.lengthOf(0);
    });

    it('reads calendars and clocks of both versions', async () => {
      const calendar = new sdk4.CalendarApi(configuration());
      const [start, end] = [new Date('2026-11-23'), new Date('2026-11-24')];
      const days = await calendar.legacyCalendar({ start, end, dateType: 'TRADING' });
      expect(days.map(({ date }) => date)).to.deep.equal([start, end]);
      const { market, calendar: sessions } = await calendar.calendar({
        market: 'NYSE',
        start,
        end,
      });
      expect(market.acronym).to.equal('NYSE');
      for (const { coreStart, coreEnd } of sessions) {
        expect(coreEnd.getTime()).to.be.greaterThan(coreStart.getTime());
      }
      const clock = new sdk4.ClockApi(configuration());
      expect((await clock.legacyClock()).nextClose.getTime()).to.be.greaterThan(Date.now());
      const { clocks } = await clock.clock({ markets: 'NYSE,XNAS', time: start });
      expect(clocks.map(({ phase }) => phase)).to.deep.equal(['core', 'core']);
      expect(clocks[0]!.timestamp).to.deep.equal(start);
    });

    it('reads assets, and finds neither options nor announcements', async () => {
      const assets = new sdk4.AssetsApi(configuration());
      const crypto = await assets.getV2Assets({ assetClass: 'crypto', attributes: [] });
      expect(crypto.map(({ symbol }) => symbol)).to.deep.equal(['BTC/USD', 'ETH/USD']);
      const asset = await assets.getV2AssetsSymbolOrAssetId({ symbolOrAssetId: 'BTC/USD' });
      expect(asset).to.include({ _class: 'crypto', minTradeIncrement: '0.000000001' });
      const { optionContracts } = await assets.getOptionsContracts({ underlyingSymbols: 'AAPL' });
      expect(optionContracts).to.deep.equal([]);
      const actions = new sdk4.CorporateActionsApi(configuration());
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- programs in use call it
      const announcements = await actions.getV2CorporateActionsAnnouncements({
        caTypes: 'dividend',
        since: '2026-01-01',
        until: '2026-03-01',
      });
      expect(announcements).to.deep.equal([]);
    });
  });
});
