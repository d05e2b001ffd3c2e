import type { Trading } from './trading.js';

/** A message to a client, and whether a mail tells it, too. */
export interface ToldRow {
  id: string;
  event: string;
  data: Record<string, unknown>;
  hasMail: boolean;
}

/** What somebody was told, the oldest first. */
export const toldTo = (
  { container: { db } }: Pick<Trading, 'container'>,
  clientId: string,
): Promise<ToldRow[]> =>
  db
    .knex('messages as m')
    .leftJoin('message_deliveries as d', 'd.message_id', 'm.id')
    .where({ 'm.client_id': clientId })
    .orderBy('m.id')
    .select<ToldRow[]>(
      'm.id',
      'm.event',
      'm.data',
      db.knex.raw('d.message_id is not null as "hasMail"'),
    );
