import { inflateSync } from 'node:zlib';
import { expect } from 'chai';
import { parseDecimal, PRICE_SCALE } from '../../src/domain/money.js';
import { EXTERNAL_ACCOUNT, USD } from '../../src/ledger/house.js';
import { postJournals } from '../../src/ledger/post.js';
import { runEndOfDay } from '../../src/statements/end-of-day.js';
import { PDF_LINES_MAX } from '../../src/statements/pdf.js';
import { statementSchema, statementsSchema } from '../../src/statements/schema.js';
import { createPerson, expectProblem, startApi, type Api } from '../support/api.js';
import { rewind } from '../support/rewind.js';
import { readCsv } from '../support/csv.js';
import { expectShape } from '../support/shape.js';
import { startTrading, usd, type Trading } from '../support/trading.js';

const DAY_MS = 86_400_000;

describe('statements', () => {
  let trading: Trading;
  let api: Api;

  before(async () => {
    trading = await startTrading(3, { FEE_BPS: '10' });
    api = await startApi(trading);
    await trade('10', '155');
    await post('deposit', usd('500.25'));
    await post('withdrawal', usd('-20'));
    await rewind(trading, 1);
    await trade('2', '160'); // on the second day, at the price that it closes at
    await rewind(trading, 1);
    await trade('1', '170'); // today
    await runEndOfDay({ knex: knex(), log: trading.container.log, marketHours: 'always' }, now());
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const now = () => new Date();
  const knex = () => trading.container.db.knex;
  const trade = async (qty: string, price: string): Promise<void> => {
    await trading.place({ account: 1, side: 'sell', qty, price });
    await trading.place({ account: 0, side: 'buy', qty, price });
    await trading.settle();
  };
  const post = (kind: 'deposit' | 'withdrawal', amount: bigint) =>
    knex().transaction((trx) =>
      postJournals(trx, [
        {
          kind,
          lines: [
            { accountId: trading.accounts[0]!.account_id, assetId: USD, amount },
            { accountId: EXTERNAL_ACCOUNT, assetId: USD, amount: -amount },
          ],
        },
      ]),
    );
  const daysAgo = (days: number) =>
    new Date(Math.floor(Date.now() / DAY_MS - days) * DAY_MS).toISOString().slice(0, 10);
  const get = (path: string, headers: Record<string, string> = {}, account = 0) =>
    api.call('GET', `/v2/statements${path}`, { as: trading.accounts[account], headers });
  const bytes = async (path: string, headers: Record<string, string> = {}): Promise<Buffer> => {
    const { key_id: id, secret_key: secret } = trading.accounts[0]!;
    const response = await fetch(`${api.url}/v2/statements${path}`, {
      headers: { 'APCA-API-KEY-ID': id, 'APCA-API-SECRET-KEY': secret, ...headers },
    });
    expect(response.status).to.equal(200);
    return Buffer.from(await response.arrayBuffer());
  };
  const money = (text: string) => parseDecimal(text, PRICE_SCALE);
  const rename = (firstName: string) =>
    knex()('clients')
      .whereIn(
        'id',
        knex()('accounts').where({ id: trading.accounts[0]!.account_id }).select('client_id'),
      )
      .update({ first_name: firstName });

  it('are listed newest first, in pages', async () => {
    const { status, body, headers } = await get('');
    expect(status).to.equal(200);
    expectShape(statementsSchema, body);
    expect(headers.get('cache-control')).to.equal('no-store');
    const dates = (list: { date: string }[]) => list.map(({ date }) => date);
    expect(dates(body.statements)).to.deep.equal([daysAgo(1), daysAgo(2)]);
    expect(body.next_page_token).to.equal(null);
    const first = (await get('?limit=1')).body;
    expect(dates(first.statements)).to.deep.equal([daysAgo(1)]);
    const second = (await get(`?limit=1&page_token=${first.next_page_token as string}`)).body;
    expect(dates(second.statements)).to.deep.equal([daysAgo(2)]);
    expect(second.next_page_token).to.equal(null);
    expect(dates((await get(`?start=${daysAgo(1)}`)).body.statements)).to.deep.equal([daysAgo(1)]);
    expect(dates((await get(`?end=${daysAgo(2)}`)).body.statements)).to.deep.equal([daysAgo(2)]);
    expect((await get(`?start=2020-01-01&end=2020-01-31`)).body.statements).to.deep.equal([]);
  });

  it('have a day as JSON: what came in and went out leads from the opening to the closing', async () => {
    const { status, body, headers } = await get(`/${daysAgo(2)}`);
    expect(status).to.equal(200);
    expect(headers.get('cache-control')).to.equal('no-store');
    expect(headers.get('vary')).to.include('Accept');
    expectShape(statementSchema, body);
    expect(body).to.include({
      account_id: trading.accounts[0]!.account_id,
      account_holder: 'Seeded Trader',
      date: daysAgo(2),
      opens_at: null,
      closes_at: `${daysAgo(1)}T00:00:00.000Z`,
      opening_cash: '0',
      deposits: '100500.25',
      withdrawals: '-20',
      adjustments: '0',
      purchases: '-1550',
      sales: '0',
      fees: '-1.55',
      closing_cash: '98928.7',
      position_value: '1166550',
      equity: '1265478.7',
      trades: 1,
    });
    const apple = (body.positions as { symbol: string }[]).find(({ symbol }) => symbol === 'AAPL');
    expect(apple).to.include({
      qty: '1010',
      close_price: '155',
      market_value: '156550',
      cost_basis: '151551.55',
      avg_entry_price: '150.05104',
      unrealized_pl: '4998.45',
    });
    const types = (body.activities as { activity_type: string }[]).map((one) => one.activity_type);
    expect(types.sort()).to.deep.equal([
      'CSD',
      'CSD',
      'CSW',
      'FEE',
      'FILL',
      ...Array(3).fill('JNLS'),
    ]);
  });

  it('follow each other without a gap, and value positions at the close of their day', async () => {
    const [first, second] = [
      (await get(`/${daysAgo(2)}`)).body,
      (await get(`/${daysAgo(1)}`)).body,
    ];
    expect(second).to.include({
      opens_at: first.closes_at,
      opening_cash: first.closing_cash,
      purchases: '-320',
      fees: '-0.32',
      trades: 1,
    });
    const price = (body: { positions: { symbol: string; close_price: string }[] }) =>
      body.positions.find(({ symbol }) => symbol === 'AAPL')!.close_price;
    expect([price(first), price(second)]).to.deep.equal(['155', '160']); // today it is 170
    expect(second.activities).to.have.lengthOf(2);
  });

  it('come as CSV, by Accept or format, whose amounts add up', async () => {
    const { headers, body } = await get(`/${daysAgo(2)}`, { Accept: 'text/csv' });
    expect(headers.get('content-type')).to.equal('text/csv; charset=utf-8');
    expect(headers.get('content-disposition')).to.match(
      new RegExp(`^attachment; filename="statement-\\w+-${daysAgo(2)}\\.csv"$`),
    );
    expect((await get(`/${daysAgo(2)}?format=csv`)).body).to.equal(body);
    const rows = readCsv(body as string);
    const of = (section: string) => rows.filter((row) => row['section'] === section);
    const amount = (item: string) => money(of('summary').find((row) => row.item === item)!.amount!);
    const activity = of('activity').reduce((sum, row) => sum + money(row.amount!), 0n);
    expect(amount('opening_cash') + activity).to.equal(amount('closing_cash'));
    const fees = of('activity').reduce((sum, row) => sum + money(row.fee!), 0n);
    expect(-fees).to.equal(amount('fees'));
    const positions = of('position').reduce((sum, row) => sum + money(row.amount!), 0n);
    expect(positions).to.equal(amount('position_value'));
    expect(of('account').find(({ item }) => item === 'date')!.text).to.equal(daysAgo(2));
    expect(of('activity').find(({ item }) => item === 'FILL')).to.include({
      symbol: 'AAPL',
      side: 'buy',
      qty: '10',
      price: '155',
      amount: '-1551.55',
      fee: '1.55',
    });
  });

  it('let no text become a formula of a spreadsheet, and leave numbers alone', async () => {
    for (const name of ['=1+1', '+1', '-1', '@SUM(A1)', ' =1', '\t=1', '＝1']) {
      await rename(name);
      const { body } = await get(`/${daysAgo(2)}?format=csv`);
      const rows = readCsv(body as string);
      const holder = rows.find(({ item }) => item === 'account_holder')!.text;
      expect(holder).to.equal(`'${name} Trader`);
      expect(rows.find(({ item }) => item === 'withdrawals')!.amount).to.equal('-20');
    }
    await rename('Ann "Quote", Jr.\n');
    const { body } = await get(`/${daysAgo(2)}?format=csv`);
    const rows = readCsv(body as string);
    expect(rows.find(({ item }) => item === 'account_holder')!.text).to.equal(
      'Ann "Quote", Jr.\n Trader',
    );
    await rename('Seeded');
  });

  it('come as PDF with everything that a statement has, the same bytes each time', async () => {
    await rename('Zoë Łucja');
    const path = `/${daysAgo(2)}`;
    const { headers } = await get(path, { Accept: 'application/pdf' });
    expect(headers.get('content-type')).to.equal('application/pdf');
    const pdf = await bytes(path, { Accept: 'application/pdf' });
    expect(await bytes(`${path}?format=pdf`)).to.deep.equal(pdf);
    expect(pdf.subarray(0, 5).toString()).to.equal('%PDF-');
    expect(pdf.subarray(-6).toString()).to.include('%%EOF');
    const text = textOf(pdf);
    const { body } = await get(path);
    for (const expected of [
      'Daily account statement',
      'Zoë Lucja Trader',
      body.account_number as string,
      daysAgo(2),
      'Opening cash',
      '100,500.25',
      '-1,550.00',
      'Closing cash',
      '98,928.70',
      '1,265,478.70',
      'AAPL',
      '1,010',
      '151,551.55',
      'Bought',
      'Withdrawal',
      'Page 1 of 1',
    ]) {
      expect(text, expected).to.include(expected);
    }
    const stamp = (body.created_at as string).slice(0, 19).replaceAll(/\D/g, '');
    expect(pdf.toString('latin1')).to.include(`(D:${stamp}Z)`);
    await rename('Seeded');
  });

  it('have long days whole as JSON and CSV, and cut with a note as PDF', async () => {
    const { account_id: id } = trading.accounts[2]!;
    await knex().transaction((trx) =>
      postJournals(
        trx,
        Array.from({ length: PDF_LINES_MAX + 5 }, () => ({
          kind: 'deposit' as const,
          lines: [
            { accountId: id, assetId: USD, amount: 1n },
            { accountId: EXTERNAL_ACCOUNT, assetId: USD, amount: -1n },
          ],
        })),
      ),
    );
    await rewind(trading, 1);
    await runEndOfDay({ knex: knex(), log: trading.container.log, marketHours: 'always' }, now());
    const path = `/${daysAgo(1)}`;
    const { body } = await get(path, {}, 2);
    expect(body.deposits).to.equal('0.1005');
    expect(body.activities).to.have.lengthOf(PDF_LINES_MAX + 5);
    const ids = new Set((body.activities as { id: string }[]).map((activity) => activity.id));
    expect(ids).to.have.lengthOf(PDF_LINES_MAX + 5);
    const csv = readCsv((await get(`${path}?format=csv`, {}, 2)).body as string);
    const activity = csv.filter(({ section }) => section === 'activity');
    expect(activity).to.have.lengthOf(PDF_LINES_MAX + 5);
    const { key_id: keyId, secret_key: secret } = trading.accounts[2]!;
    const response = await fetch(`${api.url}/v2/statements${path}?format=pdf`, {
      headers: { 'APCA-API-KEY-ID': keyId, 'APCA-API-SECRET-KEY': secret },
    });
    const text = textOf(Buffer.from(await response.arrayBuffer()));
    expect(text.match(/Deposit/g)).to.have.lengthOf(PDF_LINES_MAX + 1); // and the summary's
    expect(text).to.include('The first 1,000 activities are shown');
    expect(text).to.match(/Page 2 of \d\d/);
  });

  it("are the owner's alone", async () => {
    const staff = await createPerson(trading, { role: 'ops', scopes: ['read', 'admin'] });
    for (const path of ['/v2/statements', `/v2/statements/${daysAgo(2)}`]) {
      expectProblem(await api.call('GET', path, { as: staff }), 403, 40310000);
    }
    const trader = await createPerson(trading, {
      scopes: ['trade'],
      accountId: trading.accounts[0]!.account_id,
    });
    expectProblem(await api.call('GET', '/v2/statements', { as: trader }), 403, 40310000);
    const mine = (await get(`/${daysAgo(2)}`)).body;
    const theirs = (await get(`/${daysAgo(2)}`, {}, 1)).body;
    expect(theirs.account_number).to.not.equal(mine.account_number);
  });

  it('are not there for days that have not ended, did not trade or are none', async () => {
    for (const date of [daysAgo(0), '2020-02-29', daysAgo(-1)]) {
      const answer = await get(`/${date}`);
      expectProblem(answer, 404, 40410000);
      expect(answer.body.detail).to.equal(`statement of ${date} not found`);
    }
    for (const path of ['/2026-02-30', '/today', '?limit=0', '?limit=501', '?page_token=x']) {
      expectProblem(await get(path), 422, 42210000);
    }
    expectProblem(await get(`/${daysAgo(2)}?format=xml`), 422, 42210000);
    expect((await get(`/${daysAgo(2)}`, { Accept: 'image/png' })).body.trades).to.equal(1);
  });
});

/** The text of a PDF that pdfkit has written: its compressed streams, with their hex strings read. */
function textOf(pdf: Buffer): string {
  const texts: string[] = [];
  const source = pdf.toString('latin1');
  for (const match of source.matchAll(/stream\n([\s\S]*?)\nendstream/g)) {
    const content = inflateSync(Buffer.from(match[1]!, 'latin1')).toString('latin1');
    for (const [, shown] of content.matchAll(/\[(.*)\] TJ/g)) {
      const hex = [...shown!.matchAll(/<([\da-f]*)>/g)].map(([, digits]) => digits).join('');
      texts.push(Buffer.from(hex, 'hex').toString('latin1'));
    }
  }
  return texts.join('\n');
}
