import { decode } from '@msgpack/msgpack';
import { expect } from 'chai';
import { startApi, type Api } from '../support/api.js';
import { StreamClient } from '../support/stream-client.js';
import { startTrading, type Trading } from '../support/trading.js';

describe('the handshake of the WebSocket /stream', () => {
  let trading: Trading;
  let api: Api;

  before(async () => {
    trading = await startTrading(1);
    api = await startApi(trading);
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const handshake = (path: string, more: string[] = []) =>
    api.raw(
      [
        `GET ${path} HTTP/1.1`,
        'Host: x',
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        ...more,
        '',
        '',
      ].join('\r\n'),
    );
  const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';

  it('is refused with a problem where there is no WebSocket', async () => {
    const answer = await handshake('/v2/orders?x=1', [KEY]);
    expect(answer).to.match(/^HTTP\/1.1 404 /);
    expect(answer).to.include('application/problem+json');
    expect(JSON.parse(answer.split('\r\n\r\n')[1]!)).to.include({
      code: 40410000,
      instance: '/v2/orders',
    });
  });

  it('may have a slash at the end of its path, as some clients write it', async () => {
    const { key_id, secret_key } = trading.accounts[0]!;
    const headers = { 'APCA-API-KEY-ID': key_id, 'APCA-API-SECRET-KEY': secret_key };
    const client = await StreamClient.connect(api.url, { headers }, undefined, '/stream/');
    const listen = { action: 'listen', data: { streams: ['trade_updates'] } };
    expect((await client.ask(listen)).stream).to.equal('listening');
    client.close();
    expect(await handshake('/stream//', [KEY])).to.match(/^HTTP\/1.1 404 /);
  });

  it('may ask for MessagePack by its content type, whatever the messages are', async () => {
    const { key_id, secret_key } = trading.accounts[0]!;
    const headers = {
      'APCA-API-KEY-ID': key_id,
      'APCA-API-SECRET-KEY': secret_key,
      'Content-Type': 'application/msgpack',
    };
    const client = await StreamClient.connect(api.url, { headers }, decode);
    expect((await client.ask({ action: 'dance' })).stream).to.equal('error');
    expect(client.binary).to.deep.equal([true]);
    client.close();
  });

  it('is refused with a problem when it is malformed, or has wrong keys', async () => {
    expect(await handshake('/stream')).to.match(/^HTTP\/1.1 400 [^]*problem\+json/);
    const answer = await handshake('/stream', [KEY, 'APCA-API-KEY-ID: nobody']);
    expect(answer).to.match(/^HTTP\/1.1 401 [^]*problem\+json/);
  });

  it('for something else than a WebSocket is an ordinary request', async () => {
    const { key_id, secret_key } = trading.accounts[0]!;
    const body = '{"symbol":"AAPL","qty":"1","side":"buy","type":"market","time_in_force":"day"}';
    const answer = await api.raw(
      [
        'POST /v2/orders HTTP/1.1',
        'Host: x',
        'Connection: Upgrade, HTTP2-Settings',
        'Upgrade: h2c',
        'HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA',
        `APCA-API-KEY-ID: ${key_id}`,
        `APCA-API-SECRET-KEY: ${secret_key}`,
        `Content-Length: ${body.length}`,
        '',
        `${body}GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      ].join('\r\n'),
    );
    const [order, health] = answer.split('HTTP/1.1 ').slice(1);
    expect(order).to.match(/^200 [^]*"symbol":"AAPL"/);
    expect(health).to.match(/^200 /);
  });
});
