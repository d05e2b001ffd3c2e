import { decode, encode } from '@msgpack/msgpack';
import { expect } from 'chai';
import { createPerson } from '../support/api.js';
import { error, MarketStreams, STOCKS } from '../support/market-streams.js';

describe('the protocol of market data streams', () => {
  let floor: MarketStreams;

  before(async () => (floor = await MarketStreams.start()));
  afterEach(() => floor.closeClients());
  after(() => floor.stop());

  it('greets, authenticates by message and confirms what is subscribed', async () => {
    const client = await floor.connect();
    client.send(floor.auth());
    await client.has(({ msg }) => msg === 'authenticated');
    expect(client.messages).to.deep.equal([
      { T: 'success', msg: 'connected' },
      { T: 'success', msg: 'authenticated' },
    ]);
    const none = { trades: [], quotes: [], bars: [], updatedBars: [], dailyBars: [] };
    client.send({ action: 'subscribe', trades: ['aapl'], quotes: ['*'], statuses: ['*'] });
    const subscribed = { ...none, T: 'subscription', orderbooks: [] };
    expect(await client.has(({ T }) => T === 'subscription')).to.deep.equal({
      ...subscribed,
      trades: ['AAPL'],
      quotes: ['*'],
    });
    client.send({ action: 'unsubscribe', trades: ['AAPL'] });
    expect(await client.has(({ trades }) => trades?.length === 0)).to.deep.equal({
      ...subscribed,
      quotes: ['*'],
    });
  });

  it('accepts credentials in the handshake, and refuses wrong ones there', async () => {
    const client = await floor.subscribe({ trades: ['MSFT'] });
    expect(client.messages[1]).to.deep.equal({ T: 'success', msg: 'authenticated' });
    client.send(floor.auth());
    await client.has(error(403));
    const headers = { 'APCA-API-KEY-ID': 'PK0', 'APCA-API-SECRET-KEY': 'x' };
    const refused = await floor.connect(STOCKS, { headers }).then(
      () => 'let in',
      (reason: unknown) => (reason as Error).message,
    );
    expect(refused).to.include('401');
  });

  it('speaks MessagePack to whoever asks for it', async () => {
    const headers = { 'Content-Type': 'application/msgpack' };
    const client = await floor.connect(STOCKS, { headers }, (data) => decode(data));
    client.socket.send(encode(floor.auth()));
    await client.has(({ msg }) => msg === 'authenticated');
  });

  it('refuses wrong credentials and closes', async () => {
    const client = await floor.connect();
    client.send({ ...floor.auth(), secret: 'wrong' });
    expect(await client.has(error(402))).to.include({ msg: 'auth failed' });
    expect(await client.end()).to.include({ code: 1008 });
  });

  it('refuses a credential that may not read', async () => {
    const { account_id: accountId } = floor.trading.accounts[5]!;
    const { key_id: key, secret_key: secret } = await createPerson(floor.trading, {
      scopes: ['trade'],
      accountId,
    });
    const client = await floor.connect();
    client.send({ action: 'auth', key, secret });
    await client.has(error(409));
    await client.end();
  });

  it('closes when no credentials come in time', async () => {
    const client = await floor.connect();
    client.send({ action: 'subscribe', trades: ['AAPL'] });
    expect(await client.has(error(401))).to.include({ msg: 'not authenticated' });
    expect(await client.has(error(404))).to.include({ msg: 'auth timeout' });
    await client.end();
  });

  it('says what it does not understand, and stays open', async () => {
    const client = await floor.subscribe({ trades: ['AAPL'] });
    for (const [code, message] of [
      [400, { action: 'dance' }],
      [400, { action: 'subscribe', trades: 'AAPL' }],
      [400, { action: 'subscribe', trades: ['NONE'] }],
      [400, { action: 'subscribe', trades: ['BTC/USD'] }],
      [410, { action: 'subscribe', dances: ['AAPL'] }],
      [405, { action: 'subscribe', trades: manyStocks(), quotes: manyStocks() }],
    ] as const) {
      client.messages.length = 0;
      client.send(message);
      await client.has(error(code));
    }
    client.messages.length = 0;
    client.socket.send('{');
    await client.has(error(400));
    expect(client.closed).to.equal(null);
  });
  const manyStocks = () =>
    floor.trading.container.catalog
      .all()
      .filter((asset) => asset.class === 'us_equity')
      .slice(0, 6)
      .map(({ symbol }) => symbol);

  it('lets in as many streams of an account as there may be', async () => {
    for (let count = 0; count < 5; count += 1) await floor.subscribe({}, { account: 4 });
    const client = await floor.connect();
    client.send(floor.auth(4));
    expect(await client.has(error(406))).to.include({ msg: 'connection limit exceeded' });
    await client.end();
  });
});
