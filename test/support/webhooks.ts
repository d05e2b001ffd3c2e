import { systemActor } from '../../src/audit/record.js';
import { deliverToEndpoint } from '../../src/webhooks/deliver.js';
import type { DeliverDeps, DeliveryTerms } from '../../src/webhooks/delivery-deps.js';
import {
  findEndpoint,
  listDeliveries,
  type Delivery,
  type Endpoint,
} from '../../src/webhooks/model.js';
import { WebhookSender } from '../../src/webhooks/sender.js';
import { createEndpoint, type Caller } from '../../src/webhooks/service.js';
import { clientOf } from './funding.js';
import { eventually } from './eventually.js';
import { EventLog } from './event-log.js';
import { createLogger } from '../../src/log.js';
import type { Trading } from './trading.js';

/** Receivers of tests listen on this machine, without a certificate. */
export const LOCAL_WEBHOOKS = { WEBHOOKS_ALLOW_HTTP: 'on', WEBHOOKS_ALLOW_PRIVATE: 'on' } as const;

/** A thousand times as fast as the product. */
export const QUICK_TERMS: DeliveryTerms = {
  firstPauseMs: 5,
  pauseMaxMs: 40,
  retryAfterMaxMs: 3_600,
  giveUpMs: 3_600_000,
  disableMs: 3_600_000,
  leaseMs: 1_000,
  turnMs: 200,
  perSecond: 1_000,
};
const TIMEOUT_MS = 300;

const quiet = createLogger('error', 'test');
quiet.silent = true;

/** An endpoint of a client of the test, and the log that it follows. */
export class TestEndpoint {
  readonly id: string;
  readonly accountId: string;

  private constructor(
    private readonly trading: Trading,
    { id, accountId }: Endpoint,
    readonly secret: string,
    readonly log: EventLog,
    readonly caller: Caller,
  ) {
    this.id = id;
    this.accountId = accountId;
  }

  /** Set up for an account of the test, which has placed an order before. */
  static async create(
    trading: Trading,
    { account = 0, url, events = ['*'] }: { account?: number; url: string; events?: string[] },
  ): Promise<TestEndpoint> {
    const { db, sealer, config } = trading.container;
    const accountId = trading.accounts[account]!.account_id;
    const order = await trading.place({ account, side: 'buy', qty: '1', price: '10' });
    const deps = { knex: db.knex, sealer, rules: config.webhooks };
    const clientId = await clientOf(trading, account);
    const caller = { clientId, accountId, by: systemActor('test') };
    const made = await createEndpoint(deps, caller, { url, events, description: '' });
    const log = new EventLog(trading, accountId, order.id);
    return new TestEndpoint(trading, made.endpoint, made.secret, log, caller);
  }

  async read(): Promise<Endpoint> {
    return (await findEndpoint(this.trading.container.db.knex, this.accountId, this.id))!;
  }

  /** Its delivery log, the oldest first. */
  async deliveries(): Promise<Delivery[]> {
    const { knex } = this.trading.container.db;
    return (await listDeliveries(knex, this.id, { limit: 500 })).reverse();
  }

  /** Takes turns until a check passes. */
  async deliverUntil(deps: DeliverDeps, check: () => Promise<void> | void): Promise<void> {
    await eventually(async () => {
      await deliverToEndpoint(deps, this.id);
      await check();
    });
  }
}

/** One worker, as far as webhooks are concerned. */
export function webhookWorker(
  { container }: Trading,
  { terms, ...more }: Partial<Omit<DeliverDeps, 'terms'>> & { terms?: Partial<DeliveryTerms> } = {},
): DeliverDeps & { sender: WebhookSender } {
  const { db, sealer, config } = container;
  const sender = new WebhookSender({ rules: config.webhooks, timeoutMs: TIMEOUT_MS });
  return {
    db,
    sealer,
    log: quiet,
    nudgeNotifications: () => undefined,
    ...more,
    terms: { ...QUICK_TERMS, ...terms },
    sender,
  };
}
