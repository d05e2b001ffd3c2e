import { gather } from '../../src/notifications/gather.js';
import { toldTo } from './told.js';
import type { Trading } from './trading.js';

/** What the guide's client was told so far: something to read, and a mail that was given up. */
export async function prepareNotifications(trading: Trading): Promise<Record<string, string>> {
  const { db, log } = trading.container;
  const announce = () => undefined;
  await gather({ knex: db.knex, log, windowMs: 0, announce, nudgeMails: announce });
  const { account_id: id } = trading.accounts[0]!;
  const { client_id: clientId } = await db
    .knex('accounts')
    .where({ id })
    .first<{ client_id: string }>('client_id');
  const told = await toldTo(trading, clientId);
  const mailed = told.find(({ hasMail }) => hasMail)!;
  await db
    .knex('message_deliveries')
    .where({ message_id: mailed.id })
    .update({ attempts: 24, dead_at: new Date(), last_error: '550 no such mailbox' });
  return { NOTIFICATION_ID: told[0]!.id, DEAD_ID: mailed.id };
}
