import { expect } from 'chai';
import winston from 'winston';
import { fallBackToMail } from '../../src/notifications/fallback.js';
import { gather } from '../../src/notifications/gather.js';
import { notify } from '../../src/notifications/notify.js';
import { toldTo } from '../support/told.js';
import { startTrading, type Trading } from '../support/trading.js';

describe('falling back to mail', () => {
  let trading: Trading;
  let clientId: string;
  let accountId: string;

  before(async () => {
    trading = await startTrading(2);
    accountId = trading.accounts[0]!.account_id;
    const row = await knex()('accounts').where({ id: accountId }).first<{ client_id: string }>();
    clientId = row.client_id;
    await knex()('notification_preferences').insert(
      ['order.filled', 'order.partially_filled', 'transfer.settled'].map((event) => ({
        client_id: clientId,
        event,
        channel: 'email',
        wanted: false,
        updated_at: new Date(),
      })),
    );
  });
  after(() => trading.stop());

  const knex = () => trading.container.db.knex;
  const fallBack = (eventId: bigint) =>
    knex().transaction((trx) => fallBackToMail(trx, { accountId, eventId }));
  const gatherAll = () =>
    gather({
      knex: knex(),
      log: winston.createLogger({ silent: true }),
      windowMs: 0,
      announce: () => undefined,
      nudgeMails: () => undefined,
    });
  const lineOf = async (type: string): Promise<bigint> => {
    const row = await knex()('account_events')
      .where({ account_id: accountId, type })
      .orderBy('event_id', 'desc')
      .first<{ event_id: bigint }>('event_id');
    return row.event_id;
  };
  const trade = async (): Promise<void> => {
    await trading.place({ account: 0, side: 'sell', qty: '1', price: '150' });
    await trading.place({ account: 1, side: 'buy', qty: '1', price: '150' });
    await trading.settle();
  };
  const lastHasMail = async (): Promise<boolean> =>
    (await toldTo(trading, clientId)).at(-1)!.hasMail;
  const mails = async (): Promise<number> =>
    (await toldTo(trading, clientId)).filter(({ hasMail }) => hasMail).length;

  it('mails what is a message already, once', async () => {
    await trade();
    await gatherAll();
    expect(await lastHasMail()).to.equal(false);
    for (let n = 0; n < 2; n += 1) await fallBack(await lineOf('fill'));
    expect(await lastHasMail()).to.equal(true);
    expect(await mails()).to.equal(1);
  });

  it('mails what is not gathered yet, when it is', async () => {
    const before = await mails();
    await trade();
    await fallBack(await lineOf('fill'));
    expect(await mails()).to.equal(before);
    await gatherAll();
    expect(await lastHasMail()).to.equal(true);
    expect(await mails()).to.equal(before + 1);
  });

  it('mails what is not about an order', async () => {
    const data = {
      transfer_id: accountId,
      direction: 'deposit',
      amount: '1',
      bank_account: 'a bank',
      reason: null,
      owed: null,
    } as const;
    await knex().transaction((trx) =>
      notify(trx, { clientId, accountId, event: 'transfer.settled', data }),
    );
    expect(await lastHasMail()).to.equal(false);
    await fallBack(await lineOf('transfer.settled'));
    expect(await lastHasMail()).to.equal(true);
  });

  it('does nothing for lines of which nobody is told, or that there are not', async () => {
    const before = await mails();
    await fallBack(await lineOf('pending_new'));
    await fallBack(999_999n);
    await gatherAll();
    expect(await mails()).to.equal(before);
  });
});
