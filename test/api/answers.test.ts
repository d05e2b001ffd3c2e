import { expect } from 'chai';
import { operations } from '../../src/app.js';
import { AnswerSchemas, type AnswersDocument } from '../support/answer-schemas.js';
import { startApi, type Answer, type Api, type Call } from '../support/api.js';
import { startTrading, type Trading } from '../support/trading.js';

const ORDER = { symbol: 'AAPL', qty: '1', side: 'buy', type: 'market', time_in_force: 'day' };
const NOBODYS = '01a20620-4595-7000-8000-01cbc1683136';

/** Refusals and what else the guide has no call for; its own are held against the document there. */
describe('answers', () => {
  let trading: Trading;
  let api: Api;
  let schemas: AnswerSchemas;

  before(async () => {
    trading = await startTrading(1, { MAX_ORDERS_PER_SECOND: '1' });
    api = await startApi(trading);
    schemas = new AnswerSchemas((await api.call('GET', '/openapi.json')).body as AnswersDocument);
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  async function answerTo(method: string, path: string, call: Call = {}): Promise<Answer> {
    const answer = await api.call(method, path, { as: trading.accounts[0], ...call });
    expect(schemas.fault(method, path, answer)).to.equal(null);
    return answer;
  }

  describe('of each class of refusal are as the document says', () => {
    const refused: Record<number, () => Promise<Answer>> = {
      400: () => answerTo('POST', '/v2/orders', { body: '{"symbol":' }),
      401: () => answerTo('GET', '/v2/account', { as: undefined }),
      403: () => answerTo('POST', '/v2/orders', { body: { ...ORDER, qty: '5000' } }),
      404: () => answerTo('GET', `/v2/orders/${NOBODYS}`),
      409: async () => {
        const rest = { ...ORDER, type: 'limit', limit_price: '100' };
        const { body } = await answerTo('POST', '/v2/orders', { body: rest });
        return answerTo('PATCH', `/v2/orders/${(body as { id: string }).id}`, {
          headers: { 'If-Match': '"7"' },
          body: { qty: '2' },
        });
      },
      413: () => answerTo('POST', '/v2/orders', { body: ' '.repeat(200_000) }),
      422: () => answerTo('GET', '/v2/orders?limit=0'),
      429: async () => {
        await api.call('POST', '/v2/orders', { as: trading.accounts[0], body: ORDER });
        return answerTo('POST', '/v2/orders', { body: ORDER });
      },
      503: async () => {
        api.streams.stop();
        const headers = { Accept: 'text/event-stream' };
        return answerTo('GET', '/v2/events', { headers });
      },
    };

    for (const [status, refuse] of Object.entries(refused)) {
      it(status, async () => {
        const answer = await refuse();
        expect(answer.status).to.equal(Number(status));
        expect(answer.headers.get('content-type')).to.equal('application/problem+json');
      });
    }

    it('and the document names no others', () => {
      const named = new Set(operations.flatMap(({ problems = [] }) => problems));
      expect(Object.keys(refused).map(Number)).to.include.members([...named]);
    });
  });

  it('of a server that drains are as the document says', async () => {
    const stopping = await startApi(trading, { isStopping: () => true });
    const answer = await stopping.call('GET', '/ready');
    await stopping.stop();
    expect(answer.status).to.equal(503);
    expect(schemas.fault('GET', '/ready', answer)).to.equal(null);
  });

  it('that lack a member, or have another, do not fit', async () => {
    const { body } = await answerTo('GET', '/v2/account');
    const account = body as Record<string, unknown>;
    const faultOf = (changed: object) =>
      schemas.faultOf('GET', '/v2/account', 200, 'application/json', changed);
    expect(faultOf(account)).to.equal(null);
    for (const name of Object.keys(account)) {
      expect(faultOf({ ...account, [name]: undefined }), name).not.to.equal(null);
      expect(faultOf({ ...account, [name]: {} }), name).not.to.equal(null);
    }
    expect(faultOf({ ...account, more: '1' })).not.to.equal(null);
    expect(schemas.faultOf('GET', '/v2/account', 201, 'application/json', account)).to.be.a(
      'string',
    );
    expect(schemas.faultOf('GET', '/v2/account', 200, 'text/plain', account)).to.be.a('string');
  });
});
