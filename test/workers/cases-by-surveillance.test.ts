import { expect } from 'chai';
import { v7 as uuidv7 } from 'uuid';
import { listEntries } from '../../src/audit/entries.js';
import { MAKER_ACCOUNT } from '../../src/ledger/house.js';
import type { CaseRow } from '../../src/surveillance/case-model.js';
import { surveil } from '../../src/surveillance/surveil.js';
import { createPerson } from '../support/api.js';
import { clientOf } from '../support/funding.js';
import { giveToOneClient, tradeWithEachOther } from '../support/linked-people.js';
import { shares, startTrading, usd, type Trading } from '../support/trading.js';
import { runUpkeep } from '../support/upkeep.js';

const MINUTE_MS = 60_000;

describe('cases that surveillance opens', () => {
  let trading: Trading;
  let minutes: number;

  beforeEach(async () => {
    trading = await startTrading(4);
    minutes = 0;
  });
  afterEach(() => trading.stop());

  const knex = () => trading.container.db.knex;
  const deps = () => ({
    knex: knex(),
    log: trading.container.log,
    thresholds: trading.container.config.surveillance,
  });
  /** As the job does when what has happened so far is settled. */
  const look = () => surveil(deps(), new Date(Date.now() + (minutes += 3) * MINUTE_MS));
  const cases = (): Promise<CaseRow[]> => knex()('surveillance_cases').orderBy('id');
  const findings = () => knex()('surveillance_findings').orderBy('id');
  const progress = async (): Promise<Date> =>
    (await knex()('surveillance_progress').first<{ at: Date }>('looked_at_until as at')).at;
  /** To look at it again, as if it had not been seen. */
  const goBack = () =>
    knex()('surveillance_progress').update({
      looked_at_until: new Date(Math.floor(Date.now() / MINUTE_MS - 10) * MINUTE_MS),
    });

  it('tell what was found, with its evidence, and who opened them', async () => {
    await giveToOneClient(trading, 0, 1);
    await tradeWithEachOther(trading, 0, 1);
    expect(await look()).to.equal(1);
    const [one, ...others] = await cases();
    expect(others).to.deep.equal([]);
    const ids = [trading.accounts[0]!, trading.accounts[1]!].map(({ account_id: id }) => id).sort();
    expect(one).to.deep.include({ kind: 'wash_trade', status: 'open', account_ids: ids });
    expect(one).to.include({ opened_by: null, findings: 1, version: 1 });
    const [execution] = await knex()('executions');
    const [evidence] = await knex()('surveillance_evidence');
    expect(evidence).to.include({ case_id: one!.id, subject_id: execution.id });
    expect(evidence.figures).to.include({ price: '150', qty: '10', value: '1500' });
    const [event] = await knex()('case_events');
    expect(event).to.include({ case_id: one!.id, action: 'opened', actor_id: null });
    const [entry] = await listEntries(knex(), { actions: ['case.opened'], limit: 10 });
    expect(entry!.actor).to.include({ kind: 'system', credential: 'surveillance' });
    expect(entry!.subject).to.include({ case_id: one!.id, symbol: 'AAPL' });
  });

  it('are one, however many workers look and however often', async () => {
    await giveToOneClient(trading, 0, 1);
    await tradeWithEachOther(trading, 0, 1);
    const now = new Date(Date.now() + 3 * MINUTE_MS);
    const found = await Promise.all([1, 2, 3, 4].map(() => surveil(deps(), now)));
    expect(found.reduce((sum, count) => sum + count)).to.equal(1);
    expect(await look()).to.equal(0);
    await goBack();
    expect(await look(), 'the same finding, once more').to.equal(0);
    expect(await cases()).to.have.lengthOf(1);
    expect(await findings()).to.have.lengthOf(1);
  });

  it('grow by what is found later, until they are closed', async () => {
    await giveToOneClient(trading, 0, 1);
    await tradeWithEachOther(trading, 0, 1);
    await look();
    const again = async () => {
      await tradeWithEachOther(trading, 1, 0);
      // the clock of the test does not wait for the next window: the finding is made another one
      await trading.asOwner(
        `alter table surveillance_findings disable trigger append_only;
         update surveillance_findings set dedupe_key = 'earlier ' || id;
         alter table surveillance_findings enable trigger append_only`,
      );
      await goBack();
      expect(await look()).to.be.at.least(1); // two when a minute ends in between
    };
    await again();
    const [one, ...others] = await cases();
    expect(others).to.deep.equal([]);
    const found = (await findings()).length;
    expect(found).to.be.at.least(2);
    expect(one).to.include({ findings: found, version: found, status: 'open' });
    const [first, ...later] = await knex()('case_events').orderBy('id').pluck('action');
    expect(first).to.equal('opened');
    expect(new Set(later)).to.deep.equal(new Set(['finding_added']));
    expect(await knex()('surveillance_evidence').pluck('subject_id')).to.have.members(
      await knex()('executions').pluck('id'),
    );
    await knex()('surveillance_cases').update({
      status: 'closed',
      resolution: 'warning',
      closed_at: new Date(),
    });
    await again();
    expect((await cases()).map(({ status }) => status)).to.deep.equal(['closed', 'open']);
  });

  const details: Record<string, object> = {
    phone: { phone: '+12125550100', status: 'closed' }, // a number is one client's at a time
    address: { address: { street: '1 Elm St.', postal_code: '10001', country: 'US' } },
    device: { ip: '203.0.113.7', user_agent: 'Firefox' },
    bank_account: { fingerprint: Buffer.alloc(32, 7) },
  };
  const give = async (index: number, kind: string): Promise<void> => {
    const client_id = await clientOf(trading, index);
    const id = uuidv7();
    if (kind === 'device') {
      const token_hash = Buffer.from(id.replaceAll('-', ''));
      await knex()('devices').insert({ id, client_id, token_hash, ...details[kind] });
    } else if (kind === 'bank_account') {
      const holder = { kind: 'us', country: 'US', holder_name: 'A', last4: '1234' };
      const number_sealed = Buffer.alloc(1);
      await knex()('bank_accounts').insert({
        id,
        client_id,
        number_sealed,
        ...holder,
        ...details[kind],
      });
    } else await knex()('clients').where({ id: client_id }).update(details[kind]!);
  };

  for (const kind of Object.keys(details)) {
    it(`are opened for trades of people who share the same ${kind.replace('_', ' ')}`, async () => {
      await give(0, kind);
      await give(1, kind);
      for (let times = 0; times < 2; times += 1) await tradeWithEachOther(trading, 0, 1);
      expect(await look()).to.be.at.least(1); // two when a minute ends in between
      const [one, ...others] = await cases();
      expect(others).to.deep.equal([]);
      expect(one).to.deep.include({ kind: 'wash_trade' });
      const [finding] = await findings();
      expect(finding.figures).to.include({ shared: kind });
    });
  }

  it('are not opened for what more than ten accounts share', async () => {
    const people = Array.from({ length: 9 }, () => createPerson(trading));
    for (const { id: client_id } of await Promise.all(people)) {
      const account = { id: uuidv7(), client_id, account_number: uuidv7().slice(-12) };
      await knex()('accounts').insert(account);
      await knex()('clients').where({ id: client_id }).update(details['address']!);
    }
    await give(0, 'address');
    await give(1, 'address');
    for (let times = 0; times < 2; times += 1) await tradeWithEachOther(trading, 0, 1);
    expect(await look()).to.equal(0);
  });

  it('are not opened for trades of strangers', async () => {
    await tradeWithEachOther(trading, 0, 1);
    expect(await look()).to.equal(0);
    expect(await cases()).to.deep.equal([]);
  });

  it('wait until what has happened cannot be added to any more', async () => {
    await giveToOneClient(trading, 0, 1);
    await tradeWithEachOther(trading, 0, 1);
    expect(await surveil(deps(), new Date(Date.now() + MINUTE_MS - 5_000))).to.equal(0);
    expect(await look()).to.equal(1);
  });

  it('leave the house market maker out of it', async () => {
    const { intake } = trading.container;
    const quote = (side: 'buy' | 'sell', qty: string, price: string) =>
      intake.place({
        accountId: MAKER_ACCOUNT,
        symbol: 'AAPL',
        side,
        type: 'limit',
        timeInForce: 'gtc',
        qty: shares(qty),
        limitPrice: usd(price),
        extendedHours: true,
        clientOrderId: null,
        idempotency: null,
      });
    await quote('sell', '10', '150');
    const shown = [];
    for (const price of ['149', '148', '147', '146', '145']) {
      shown.push((await quote('buy', '100', price)).order);
    }
    await trading.settle();
    await trading.place({ account: 0, side: 'buy', qty: '10', price: '150' });
    await trading.settle();
    for (const { id } of shown) await intake.cancel(MAKER_ACCOUNT, id);
    await trading.settle();
    expect(await look()).to.equal(0);
  });

  /** Shows four orders, sells, and takes the four back. */
  const layer = async () => {
    await trading.place({ account: 1, side: 'sell', qty: '10', price: '150' });
    const shown = [];
    for (const price of ['149', '148', '147', '146']) {
      shown.push(await trading.place({ account: 1, side: 'buy', qty: '100', price }));
    }
    await trading.settle();
    await trading.place({ account: 0, side: 'buy', qty: '10', price: '150' });
    await trading.settle();
    const { intake } = trading.container;
    for (const { accountId, id } of shown) await intake.cancel(accountId, id);
    await trading.settle();
  };

  it('are opened for a client who does the same', async () => {
    await layer();
    expect(await look()).to.equal(1);
    const [one] = await cases();
    expect(one).to.deep.include({
      kind: 'layering',
      account_ids: [trading.accounts[1]!.account_id],
    });
    expect(await knex()('surveillance_evidence')).to.have.lengthOf(5);
  });

  it('are opened when orders are withdrawn in a minute without new ones', async () => {
    await layer();
    const next = Math.ceil(Date.now() / MINUTE_MS) * MINUTE_MS;
    const at = (ms: number) => new Date(next + ms).toISOString();
    await trading.asOwner(
      `alter table account_events disable trigger append_only;
       update account_events set occurred_at = '${at(-1_000)}' where type = 'fill';
       alter table account_events enable trigger append_only;
       update orders set closed_at = '${at(1_000)}' where status = 'canceled'`,
    );
    expect(await surveil(deps(), new Date(next + MINUTE_MS))).to.equal(0);
    expect(await surveil(deps(), new Date(next + 3 * MINUTE_MS))).to.equal(1);
  });

  it('come after a pause as well: silence is skipped, history is caught up with', async () => {
    await giveToOneClient(trading, 0, 1);
    await tradeWithEachOther(trading, 0, 1);
    const inSixDays = new Date(Date.now() + 6 * 86_400_000);
    expect(await surveil(deps(), inSixDays)).to.equal(1);
    expect(+inSixDays - +(await progress())).to.be.within(MINUTE_MS, 2 * MINUTE_MS);
  });

  it('are looked for by the scheduled upkeep', async () => {
    await runUpkeep('surveillance', trading);
    expect(Date.now() - +(await progress())).to.be.within(MINUTE_MS, 2 * MINUTE_MS);
  });

  it('cannot lose their evidence or their history', async () => {
    for (const table of ['surveillance_findings', 'surveillance_evidence', 'case_events']) {
      for (const statement of [`delete from ${table}`, `truncate ${table} cascade`]) {
        await trading.asOwner(
          `do $$ begin
             ${statement};
             raise exception 'done: ${statement}';
           exception when insufficient_privilege then null; end $$`,
        );
      }
    }
  });
});
