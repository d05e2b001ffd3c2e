import { expect } from 'chai';
import { BandWork } from '../../src/market/band-work.js';
import { listChanges, presentChange } from '../../src/risk/control-changes.js';
import { createPerson, expectProblem, startApi, type Api } from '../support/api.js';
import { startTrading, type Trading } from '../support/trading.js';

type Person = Awaited<ReturnType<typeof createPerson>>;

describe('price bands over HTTP', () => {
  let trading: Trading;
  let api: Api;
  let admin: Person;
  let work: BandWork;
  const start = Date.now();

  before(async () => {
    trading = await startTrading(2);
    api = await startApi(trading);
    admin = await createPerson(trading, { role: 'admin', scopes: ['read', 'admin'] });
    const { db, log } = trading.container;
    const nudge = () => undefined;
    work = new BandWork({ knex: db.knex, marketHours: 'always', log, nudge });
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const set = (path: string, body: object, as: Person = admin) =>
    api.call('PUT', `/v2/admin/price_bands/${path}`, { as, body });
  const bands = async (symbol: string) => {
    const headers = { 'Cache-Control': 'no-cache' };
    const path = `/v2/markets/${symbol}/bands`;
    return (await api.call('GET', path, { as: trading.accounts[0], headers })).body as object;
  };
  const at = (seconds: number) => new Date(start + seconds * 1_000);
  const NONE = {
    ...{ band_bps: null, state: 'none', reference: null, lower: null, upper: null },
    ...{ moved_at: null, edge: null, since: null, halted_until: null },
  };
  const why = { reason: 'it is volatile' };

  it('are none until staff set them, and stand from the next look on', async () => {
    expect(await bands('AAPL')).to.deep.equal({ symbol: 'AAPL', ...NONE });
    const answer = await set('AAPL', { band_bps: 500, ...why });
    expect(answer.status).to.equal(200);
    expect(answer.body).to.include({ symbol: 'AAPL', band_bps: 500 });
    expect(await bands('AAPL')).to.include({ band_bps: 500, state: 'none', lower: null });
    await work.run(at(0));
    expect(await bands('aapl')).to.deep.equal({
      ...{ symbol: 'AAPL', ...NONE, band_bps: 500, state: 'normal' },
      ...{ reference: '150', lower: '142.5', upper: '157.5', moved_at: at(0).toISOString() },
    });
    await set('AAPL', { band_bps: 1_000, ...why });
    await work.run(at(1));
    expect(await bands('AAPL')).to.include({ lower: '135', upper: '165' });
    await set('BTC/USD', { band_bps: 1_000, ...why });
    await work.run(at(1));
    for (const name of ['BTC/USD', 'BTC%2FUSD', 'BTCUSD']) {
      expect(await bands(name), name).to.include({ symbol: 'BTC/USD', lower: '54000' });
    }
  });

  it('tell that the market presses against them, and of the halt that comes of it', async () => {
    await set('MSFT', { band_bps: 500, ...why });
    await work.run(at(2));
    const order = { account: 1, side: 'sell', qty: '1', symbol: 'MSFT' } as const;
    await trading.place({ ...order, price: '389.5' });
    await trading.settle();
    await work.run(at(3));
    const since = at(3).toISOString();
    expect(await bands('MSFT')).to.include({ state: 'limit_down', edge: 'lower', since });
    await work.run(at(18));
    const halted_until = at(318).toISOString();
    expect(await bands('MSFT')).to.include({ state: 'halted', edge: 'lower', since, halted_until });
    const { body } = await api.call('GET', '/v2/admin/halts/MSFT', { as: admin });
    expect(body).to.include({ active: true, reason: 'limit_down', created_by: null });
    const changes = await api.call('GET', '/v2/admin/control_changes?action=halt.set', {
      as: admin,
    });
    expect(changes.body.control_changes[0]).to.include({ actor_id: null, reason: 'limit_down' });
  });

  it('are recorded once for each change, and taken off with null', async () => {
    const { knex } = trading.container.db;
    const recorded = async () =>
      (await listChanges(knex, { limit: 100, action: 'price_band.set', symbol: 'KO' }))
        .map(presentChange)
        .reverse();
    for (const band_bps of [700, 700, null]) await set('KO', { band_bps, ...why });
    const [first, second, ...others] = await recorded();
    expect(others).to.deep.equal([]);
    expect(first).to.deep.include({ before: { band_bps: null }, after: { band_bps: 700 } });
    expect(first).to.include({ actor_id: admin.id, ...why });
    expect(second).to.deep.include({ before: { band_bps: 700 }, after: { band_bps: null } });
    expect(await bands('KO')).to.deep.equal({ symbol: 'KO', ...NONE });
  });

  it('are not for everybody to set, nor to any width', async () => {
    const before = await trading.container.db.knex('assets').pluck<number[]>('band_bps');
    const ops = await createPerson(trading, { role: 'ops', scopes: ['read', 'admin'] });
    expectProblem(await set('AAPL', { band_bps: 500, ...why }, ops), 403, 40310000);
    for (const body of [
      { band_bps: 0, ...why },
      { band_bps: 5_001, ...why },
      { band_bps: 1.5, ...why },
      { band_bps: 500 },
      why,
    ]) {
      expect((await set('AAPL', body)).status, JSON.stringify(body)).to.equal(422);
    }
    expect((await set('NONE', { band_bps: 500, ...why })).status).to.equal(404);
    const headers = { as: trading.accounts[0] };
    expect((await api.call('GET', '/v2/markets/NONE/bands', headers)).status).to.equal(404);
    const after = await trading.container.db.knex('assets').pluck<number[]>('band_bps');
    expect(after).to.have.members(before);
  });
});
