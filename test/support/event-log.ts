import type { Knex } from 'knex';
import { EVENTS_CHANNEL, EventBell } from '../../src/streams/event-bell.js';
import type { Trading } from './trading.js';

/** Writes events straight into an account's log, as intake does, and rings the bell. */
export class EventLog {
  private readonly knex: Knex;
  private readonly bell: EventBell;

  constructor(
    { container }: Pick<Trading, 'container'>,
    readonly accountId: string,
    /** Each event is about this order. */
    private readonly orderId: string,
  ) {
    this.knex = container.db.knex;
    this.bell = new EventBell(container.redis, EVENTS_CHANNEL);
  }

  /**
   * Writes so many events in one transaction.
   * @returns the last one's id
   */
  async write(count: number): Promise<number> {
    const lastId = await this.knex.transaction(async (trx) => {
      const [row] = await trx('accounts')
        .where({ id: this.accountId })
        .increment('last_event_id', count)
        .returning<{ last_event_id: bigint }[]>('last_event_id');
      const last = Number(row!.last_event_id);
      await trx.raw(
        `insert into account_events (account_id, event_id, type, order_id, order_status,
           order_version, filled_qty, filled_value, fees, occurred_at)
         select :accountId, id, 'new', :orderId, 'new', 2, 0, 0, 0, clock_timestamp()
         from generate_series(:first::bigint, :last::bigint) id`,
        { accountId: this.accountId, orderId: this.orderId, first: last - count + 1, last },
      );
      return last;
    });
    this.bell.ring([this.accountId]);
    return lastId;
  }
}

/** 1, 2, ... as an account's events are numbered. */
export const idsUpTo = (last: number, first = 1): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);
