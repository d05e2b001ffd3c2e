import { expect } from 'chai';
import { fillSchema, nonTradeSchema } from '../../src/activities/schema.js';
import { EXTERNAL_ACCOUNT, USD } from '../../src/ledger/house.js';
import { postJournals, type JournalEntry } from '../../src/ledger/post.js';
import type { Answer, Api } from './api.js';
import { expectShape } from './shape.js';
import type { Trading } from './trading.js';

export type Activity = Record<string, string | null>;

/** Makes things happen on accounts, and asks for what happened. */
export class ActivityCalls {
  constructor(
    private readonly trading: Trading,
    private readonly api: Api,
  ) {}

  call(query = '', account = 0): Promise<Answer> {
    const as = this.trading.accounts[account];
    return this.api.call('GET', `/v2/account/activities${query}`, { as });
  }

  /** The activities, all in their documented shape. */
  async list(query = '', account = 0): Promise<Activity[]> {
    const { status, body } = await this.call(query, account);
    expect(status, JSON.stringify(body)).to.equal(200);
    for (const activity of body as Activity[]) {
      const schema = activity['activity_type'] === 'FILL' ? fillSchema : nonTradeSchema;
      expectShape(schema, activity);
    }
    return body as Activity[];
  }

  async types(query: string): Promise<string[]> {
    return (await this.list(query)).map((activity) => activity['activity_type']!);
  }

  /** Pages through to the end, as SDKs do. */
  async pages(query: string, size: number): Promise<Activity[]> {
    const all: Activity[] = [];
    for (let token = ''; ;) {
      const page = await this.list(`?${query}&page_size=${size}${token}`);
      all.push(...page);
      if (page.length < size) return all;
      token = `&page_token=${page.at(-1)!['id']!}`;
    }
  }

  /** Brings money or shares in or out. */
  async post(kind: JournalEntry['kind'], amount: bigint, assetId = USD): Promise<void> {
    const accountId = this.trading.accounts[0]!.account_id;
    const lines = [
      { accountId, assetId, amount },
      { accountId: EXTERNAL_ACCOUNT, assetId, amount: -amount },
    ];
    const { knex } = this.trading.container.db;
    await knex.transaction((trx) => postJournals(trx, [{ kind, lines }]));
  }

  /** Account 0 sells to account 1. */
  async trade(qty: string, price = '100'): Promise<void> {
    await this.trading.place({ account: 0, side: 'sell', qty, price });
    await this.trading.place({ account: 1, side: 'buy', qty, price });
    await this.trading.settle();
  }
}
