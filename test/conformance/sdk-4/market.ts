import { ApiError, trading as sdk } from 'alpaca-trade-api-4';
import { expect } from 'chai';
import type { Setting } from './setting.js';

/** Watchlists, assets, calendars and clocks, and what this house does not have. */
export function testMarket({ alpaca }: Setting): void {
  describe('watchlists', () => {
    it('are kept by id', async () => {
      const { watchlists } = alpaca();
      const { id: watchlistId } = await watchlists.postWatchlist({
        createWatchlistRequest: { name: 'mine', symbols: ['AAPL'] },
      });
      for (const symbol of ['BTC/USD', 'KO']) {
        const addAssetToWatchlistRequest = { symbol };
        await watchlists.addAssetToWatchlist({ watchlistId, addAssetToWatchlistRequest });
      }
      const shorter = await watchlists.removeAssetFromWatchlist({ watchlistId, symbol: 'BTC/USD' });
      expect(shorter.assets!.map(({ symbol }) => symbol)).to.deep.equal(['AAPL', 'KO']);
      const updateWatchlistRequest = { name: 'yours', symbols: ['MSFT'] };
      await watchlists.updateWatchlistById({ watchlistId, updateWatchlistRequest });
      const found = await watchlists.getWatchlistById({ watchlistId });
      expect(found.name).to.equal('yours');
      expect(found.createdAt).to.be.instanceOf(Date);
      await watchlists.deleteWatchlistById({ watchlistId });
      expect(await watchlists.getWatchlists()).to.have.lengthOf(0);
    });

    it('are kept by name', async () => {
      const { watchlists } = alpaca();
      const name = 'my list';
      await watchlists.postWatchlist({ createWatchlistRequest: { name, symbols: [] } });
      const addAssetToWatchlistRequest = { symbol: 'KO' };
      await watchlists.addAssetToWatchlistByName({ name, addAssetToWatchlistRequest });
      const updateWatchlistRequest = { name, symbols: ['MSFT', 'KO'] };
      await watchlists.updateWatchlistByName({ name, updateWatchlistRequest });
      const { assets } = await watchlists.getWatchlistByName({ name });
      expect(assets!.map(({ symbol }) => symbol)).to.deep.equal(['MSFT', 'KO']);
      await watchlists.deleteWatchlistByName({ name });
      expect(await watchlists.getWatchlists()).to.have.lengthOf(0);
    });
  });

  describe('the market', () => {
    it('has assets', async () => {
      const { assets } = alpaca();
      const coins = await assets.getV2Assets({ assetClass: 'crypto', attributes: [] });
      expect(coins.map(({ symbol }) => symbol)).to.deep.equal(['BTC/USD', 'ETH/USD']);
      const active = await assets.getV2Assets({ status: 'active', exchange: 'NYSE' });
      expect(active.map(({ symbol }) => symbol)).to.include('JPM');
      const coin = await assets.getV2AssetsSymbolOrAssetId({ symbolOrAssetId: 'BTC/USD' });
      expect(coin).to.include({ _class: 'crypto', minTradeIncrement: '0.000000001' });
    });

    it('has calendars and clocks of both versions', async () => {
      const { calendar, clock } = alpaca();
      const [start, end] = [new Date('2026-11-23'), new Date('2026-11-24')];
      const days = await calendar.legacyCalendar({ start, end, dateType: 'TRADING' });
      expect(days.map(({ date }) => date)).to.deep.equal([start, end]);
      const found = await calendar.calendar({ market: 'NYSE', start, end });
      expect(found.market.acronym).to.equal('NYSE');
      expect(found.calendar).to.have.lengthOf(2);
      for (const { coreStart, coreEnd } of found.calendar) {
        expect(coreEnd.getTime()).to.be.greaterThan(coreStart.getTime());
      }
      expect((await clock.legacyClock()).nextClose.getTime()).to.be.greaterThan(Date.now());
      const { clocks } = await clock.clock({ markets: 'NYSE,XNAS', time: start });
      expect(clocks.map(({ phase }) => phase)).to.deep.equal(['core', 'core']);
      expect(clocks[0]!.timestamp).to.deep.equal(start);
    });

    it('has neither options nor corporate actions', async () => {
      const { assets, corporateActions, client } = alpaca();
      const contracts = { underlyingSymbols: 'AAPL' };
      expect((await assets.getOptionsContracts(contracts)).optionContracts).to.deep.equal([]);
      expect(await client.collectOptionsContracts(contracts)).to.deep.equal([]);
      for await (const contract of client.iterateOptionsContracts(contracts)) {
        expect.fail(`there is ${contract.symbol}`);
      }
      await expectMissing(assets.getOptionContractSymbolOrId({ symbolOrId: 'AAPL26' }));
      const query = { caTypes: 'dividend', since: '2026-01-01', until: '2026-03-01' };
      /* eslint-disable @typescript-eslint/no-deprecated -- programs in use call them */
      const found = await corporateActions.getV2CorporateActionsAnnouncements(query);
      const one = corporateActions.getV2CorporateActionsAnnouncementsId({ id: 'be3c368a' });
      /* eslint-enable @typescript-eslint/no-deprecated */
      expect(found).to.deep.equal([]);
      await expectMissing(one);
    });
  });
}

/** Of what is excluded, one call of each kind: the SDK is told so in its own way. */
export function testExcluded({ alpaca, calls }: Setting): void {
  const note = <T extends object>(Api: new (configuration: sdk.Configuration) => T): T =>
    calls.note(`${Api.name}.`, new Api(alpaca().configuration));

  it('says plainly what it does not have', async () => {
    const { positions } = alpaca();
    await expectMissing(positions.optionExercise({ symbolOrContractId: 'AAPL26' }));
    await expectMissing(note(sdk.CryptoFundingApi).listCryptoFundingWallets());
    await expectMissing(note(sdk.LocatesApi).listLocates());
    await expectMissing(note(sdk.TokenizationApi).getTokenizationRequests());
    await expectMissing(note(sdk.EventsApi).subscribeToActivitiesSSE());
  });
}

async function expectMissing(call: Promise<unknown>): Promise<void> {
  const error: unknown = await call.catch((reason: unknown) => reason);
  expect(error).to.be.instanceOf(ApiError);
  expect(error).to.include({ status: 404, code: 40410000 });
}
