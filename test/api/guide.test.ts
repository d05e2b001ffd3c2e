import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { newId } from '../../src/ids.js';
import { Client } from '../../src/identity/model.js';
import type { ApiKeyCredentials } from '../../src/identity/new-api-key.js';
import { SecondFactor } from '../../src/mfa/model.js';
import { makeRecoveryCodes } from '../../src/mfa/recovery-codes.js';
import { CODES } from '../../src/orders/pre-trade.js';
import { BandWork } from '../../src/market/band-work.js';
import { advanceTape } from '../../src/market/tape.js';
import { runEndOfDay } from '../../src/statements/end-of-day.js';
import { AnswerSchemas, type AnswersDocument } from '../support/answer-schemas.js';
import { surveil } from '../../src/surveillance/surveil.js';
import type { Resolve } from '../../src/webhooks/addresses.js';
import { createPerson, startApi, type Answer, type Api } from '../support/api.js';
import { eventually } from '../support/eventually.js';
import { prepareClients } from '../support/guide-clients.js';
import { addGuideRoute } from '../support/guide-venue.js';
import { prepareNotifications } from '../support/guide-notifications.js';
import { addGuideTransfers } from '../support/guide-transfers.js';
import { addGuideWebhook } from '../support/guide-webhooks.js';
import { giveToOneClient, tradeWithEachOther } from '../support/linked-people.js';
import { readGuide, type GuideCall, type GuideSection } from '../support/guide.js';
import { sessionOf } from '../support/session.js';
import { StreamClient } from '../support/stream-client.js';
import { startTrading, type Trading } from '../support/trading.js';

const GUIDE = new URL('../../docs/api.md', import.meta.url);
const PASSWORD = 'correct horse battery staple';
const WORK_EVERY_MS = 250;
const EMAIL = 'alice@demo.brokerx.example';

interface Done {
  call: GuideCall;
  answer: Answer;
  /** What the guide shows of it, if it does. */
  shown: unknown;
}

describe('the API guide', () => {
  let trading: Trading;
  let api: Api;
  let schemas: AnswerSchemas;
  let markdown: string;
  let sections: GuideSection[];
  /** Everything in it was called once, from top to bottom. */
  const done: Done[] = [];

  before(async () => {
    trading = await startTrading(4);
    const resolve: Resolve = () => Promise.resolve(['93.184.215.14']);
    api = await startApi(trading, { resolve });
    const document = await api.call('GET', '/openapi.json');
    schemas = new AnswerSchemas(document.body as AnswersDocument);
    markdown = await readFile(GUIDE, 'utf8');
    sections = readGuide(markdown, await prepare(trading, api));
    const worker = setInterval(() => void trading.settle(), WORK_EVERY_MS);
    for (const { steps } of sections) {
      for (const { calls, answer: shown } of steps) {
        for (const [index, call] of calls.entries()) {
          const answer = await run(call);
          done.push({ call, answer, shown: index === calls.length - 1 ? shown : undefined });
        }
      }
      await trading.settle();
    }
    clearInterval(worker);
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const run = ({ method, url, headers, body }: GuideCall): Promise<Answer> =>
    api.call(method, url.slice(api.url.length), { headers, ...(body !== undefined && { body }) });

  it('shows every operation, and none that does not exist', () => {
    const shown = sections.flatMap((section) => section.operations);
    expect(shown).to.have.members(schemas.operations);
  });

  it('has a call for each operation that it names', () => {
    for (const { operations: named, steps } of sections) {
      const methods = new Set(steps.flatMap(({ calls }) => calls).map(({ method }) => method));
      if (named.length === 0) continue; // explains something
      const expected = new Set(named.map((name) => name.split(' ')[0]!));
      expect([...methods], named.join()).to.have.members([...expected]);
    }
  });

  it('has calls that work, or are refused as it says', () => {
    for (const { call, answer, shown } of done) {
      const said = `${call.method} ${call.url}: ${JSON.stringify(answer.body).slice(0, 300)}`;
      if (isProblem(shown)) expect(answer.status, said).to.equal(shown.status);
      else expect(answer.status, said).to.be.within(200, 299);
    }
  });

  it('shows answers like the real ones', () => {
    for (const { call, answer, shown } of done) {
      if (shown !== undefined) expectLike(answer.body, shown, `${call.method} ${call.url}`);
    }
  });

  it('gets answers as the OpenAPI document describes them, for every operation', () => {
    for (const { call, answer } of done) {
      const path = call.url.slice(api.url.length);
      expect(schemas.fault(call.method, path, answer)).to.equal(null);
    }
    const operations = [...schemas.fitting].map((name) => name.replace(/ \d+$/, ''));
    expect([...new Set(operations)]).to.have.members(schemas.operations);
  });

  it('gets answers that would not fit with a member too few or too many', () => {
    for (const { call, answer } of done.filter(({ answer: { status } }) => status < 300)) {
      const path = call.url.slice(api.url.length);
      if (path === '/openapi.json') continue; // anything that is OpenAPI
      const type = answer.headers.get('content-type')?.split(';')[0] ?? '';
      for (const [change, changed] of changesOf(answer.body)) {
        if (OPTIONAL.test(change)) continue;
        const fault = schemas.faultOf(call.method, path, answer.status, type, changed);
        expect(fault, `${call.method} ${path} ${change}`).not.to.equal(null);
      }
    }
  });

  it('has every control before the trade in its table', () => {
    const rows = markdown.split('\n').filter((line) => line.startsWith('| 4'));
    const codes = rows.map((row) => /\| \d{3} (\d{8}) *\| (?:`(\w+)`)?/.exec(row)!);
    const shown = codes.map(([, code, reason]) => [reason, Number(code)]);
    for (const control of Object.entries(CODES)) expect(shown).to.deep.include(control);
  });

  it('shows a conversation on /stream that goes as shown', async () => {
    const messages = sections.flatMap((section) => section.messages);
    expect(messages).not.to.have.lengthOf(0);
    const client = await StreamClient.connect(api.url);
    let received = 0;
    for (const { isSent, message } of messages) {
      if (isSent) client.send(message);
      else {
        const index = (received += 1) - 1;
        await eventually(() => {
          expectLike(client.messages[index], message, `message ${received}`);
          return Promise.resolve();
        });
      }
    }
    client.close();
  });
});

/** Brings a market, and what the guide's variables stand for. */
async function prepare(trading: Trading, api: Api): Promise<Record<string, string>> {
  const [mine] = trading.accounts;
  const caseId = await openedCase(trading); // while the book is empty
  const admin = await createPerson(trading, { role: 'admin', scopes: ['read', 'admin'] });
  const { id } = await createPerson(trading, { password: PASSWORD });
  await Client.query(trading.container.db.knex).findById(id).patch({ email: EMAIL });
  for (const [symbol, bid, ask, qty] of MARKET) {
    const order = { account: 1, symbol, qty };
    await trading.place({ ...order, side: 'buy', price: bid });
    await trading.place({ ...order, side: 'sell', price: ask });
  }
  const order = await trading.place({ account: 0, side: 'buy', qty: '1', price: '150' });
  await trading.place({ account: 2, symbol: 'BTC/USD', side: 'buy', qty: '0.01', price: '60000' });
  const resting = { account: 0, side: 'buy', qty: '2', symbol: 'KO' } as const;
  const open = await trading.place({ ...resting, price: '60' });
  const other = await trading.place({ ...resting, price: '61' });
  await trading.settle();
  const limits = await api.call('PUT', '/v2/admin/limits', {
    as: admin,
    body: { symbol: 'AAPL', collar_bps: 1_000, reason: 'test' },
  });
  const tomorrow = new Date(Date.now() + 2 * 86_400_000);
  const { db, log } = trading.container;
  await advanceTape(db.knex, 'always');
  await db.knex('assets').where({ symbol: 'SPY' }).update({ band_bps: 500 });
  const bands = { knex: db.knex, marketHours: 'always', log, nudge: () => undefined } as const;
  await new BandWork(bands).run(new Date());
  await runEndOfDay({ knex: db.knex, log, marketHours: 'always' }, tomorrow);
  const statements = await api.call('GET', '/v2/statements', { as: mine });
  const { second, ...officers } = await prepareStaff(trading, api, admin);
  const body = { name: 'favourites', symbols: ['AAPL', 'BTC/USD'] };
  const audit = await api.call('GET', '/v2/admin/audit?limit=1', { as: admin });
  const watchlist = await api.call('POST', '/v2/watchlists', { as: mine, body });
  const transfers = await addGuideTransfers(trading, api);
  const owner = { Authorization: transfers['STEPPED_UP']!.slice('Authorization: '.length) };
  const webhook = await addGuideWebhook(trading, api, owner);
  return {
    ...(await prepareSession(trading, api)),
    ...(await prepareNotifications(trading)),
    ...transfers,
    ...(await addGuideRoute(trading)),
    ...webhook,
    URL: api.url,
    AUTH: credentials(mine!),
    STAFF: credentials(admin),
    KEY_ID: mine!.key_id,
    SECRET_KEY: mine!.secret_key,
    PASSWORD,
    ORDER_ID: order.id,
    CLIENT_ORDER_ID: order.clientOrderId,
    OPEN_ORDER_ID: open.id,
    NEW_ORDER_ID: other.id,
    ACCOUNT_ID: mine!.account_id,
    LIMITS_ID: limits.body.id as string,
    AUDIT_ID: audit.body.entries[0].id as string,
    WATCHLIST_ID: watchlist.body.id as string,
    STATEMENT_DATE: (statements.body.statements as { date: string }[]).at(-1)!.date,
    CASE_ID: caseId,
    SECOND: credentials(second),
    ...officers,
    ...(await prepareClients(trading, api)),
  };
}

/** A second admin, somebody to change, somebody to close, and what waits for a decision. */
async function prepareStaff(trading: Trading, api: Api, admin: ApiKeyCredentials) {
  const second = await createPerson(trading, { role: 'admin', scopes: ['read', 'admin'] });
  const ops = await createPerson(trading, { role: 'ops' });
  const leaver = await createPerson(trading);
  const { account_id } = trading.accounts[0]!;
  const ask = async (): Promise<string> => {
    const body = { account_id, asset: 'USD', amount: '12.5', reason: 'a fee was taken twice' };
    return (await api.call('POST', '/v2/admin/adjustments', { as: admin, body })).body.id;
  };
  return {
    second,
    STAFF_ID: ops.id,
    CLIENT_ID: leaver.id,
    APPROVAL_ID: await ask(),
    OTHER_APPROVAL_ID: await ask(),
    MY_APPROVAL_ID: await ask(),
  };
}

/** Somebody with codes by mail as second factor, in the middle of a login and logged in. */
async function prepareSession(trading: Trading, api: Api): Promise<Record<string, string>> {
  const { db, sealer } = trading.container;
  const now = new Date();
  const carol = await createPerson(trading, { password: PASSWORD });
  const headers = await sessionOf(trading, api, carol, { steppedUp: true });
  const other = await sessionOf(trading, api, carol);
  const id = newId();
  await SecondFactor.query(db.knex).insert({
    id,
    clientId: carol.id,
    kind: 'email',
    label: carol.email,
    createdAt: now,
    confirmedAt: now,
  });
  const codes = await db.knex.transaction((trx) => makeRecoveryCodes(trx, sealer, carol.id, now));
  const body = { email: carol.email, password: PASSWORD };
  const started = await api.call('POST', '/v2/sessions', { body });
  const finished = await api.call('POST', '/v2/sessions', { body: { ...body, otp: codes[2] } });
  const { sessions } = (await api.call('GET', '/v2/sessions', { headers: other })).body as {
    sessions: { id: string; current: boolean }[];
  };
  const { devices } = (await api.call('GET', '/v2/devices', { headers })).body as {
    devices: { id: string }[];
  };
  return {
    SESSION: `Authorization: ${headers.Authorization}`,
    SESSION_ID: sessions.find(({ current }) => current)!.id,
    DEVICE_ID: devices[0]!.id,
    MFA_TOKEN: started.body.mfa_token as string,
    RECOVERY_CODE: codes[0]!,
    STEP_UP_CODE: codes[1]!,
    REFRESH_TOKEN: finished.body.refresh_token as string,
    FACTOR_ID: id,
    API_KEY_ID: carol.key_id,
  };
}

/** What surveillance has found about two accounts of one client. */
async function openedCase(trading: Trading): Promise<string> {
  await giveToOneClient(trading, 2, 3);
  await tradeWithEachOther(trading, 2, 3);
  const { db, log, config } = trading.container;
  const soon = new Date(Date.now() + 3 * 60_000);
  await surveil({ knex: db.knex, log, thresholds: config.surveillance }, soon);
  const found = await db.knex('surveillance_cases').first<{ id: string }>('id');
  return found.id;
}

const MARKET = [
  ['AAPL', '149', '150', '100'],
  ['MSFT', '409', '410', '100'],
  ['BTC/USD', '59900', '60000', '0.1'],
] as const;

const credentials = ({ key_id: id, secret_key: secret }: { key_id: string; secret_key: string }) =>
  `APCA-API-KEY-ID: ${id}\nAPCA-API-SECRET-KEY: ${secret}`;

/** The body with one member changed: of itself, or of its first element. */
function changesOf(body: unknown): [string, unknown][] {
  if (Array.isArray(body)) {
    const [first, ...rest] = body as unknown[];
    return changesOf(first).map(([change, changed]) => [`[0]${change}`, [changed, ...rest]]);
  }
  if (typeof body !== 'object' || body === null) return [];
  const members = Object.keys(body).map((name): [string, unknown] => [
    `-${name}`,
    { ...body, [name]: undefined },
  ]);
  return [...members, ['+more', { ...body, more: '1' }]];
}

/** Of an asset, by its class; of what is told by symbol. */
const OPTIONAL =
  /-(AAPL$|min_|price_increment|borrow_status|maintenance_margin|margin_requirement)/;

const isProblem = (shown: unknown): shown is { status: number } =>
  typeof shown === 'object' && shown !== null && 'code' in shown && 'status' in shown;

/** Everything that is shown is there and of the same type; what may be null may differ in that. */
function expectLike(actual: unknown, shown: unknown, where: string): void {
  if (actual === null || shown === null) return;
  expect(typeof actual, where).to.equal(typeof shown);
  if (typeof shown !== 'object') return;
  if (Array.isArray(shown)) {
    expect(Array.isArray(actual), where).to.equal(true);
    const [first, like] = [(actual as unknown[])[0], (shown as unknown[])[0]];
    if (first !== undefined && like !== undefined) expectLike(first, like, `${where}[0]`);
    return;
  }
  for (const [name, value] of Object.entries(shown)) {
    expect(actual, where).to.have.property(name);
    expectLike((actual as Record<string, unknown>)[name], value, `${where}.${name}`);
  }
}
