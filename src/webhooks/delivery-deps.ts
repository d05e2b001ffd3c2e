import type { Database } from '../db.js';
import type { RetryTerms } from '../domain/webhook-retries.js';
import type { Sealer } from '../identity/sealer.js';
import type { Logger } from '../log.js';
import type { WebhookConfig } from '../webhook-settings.js';
import { TIMEOUT_MS, type WebhookSender } from './sender.js';

/** How an endpoint is delivered to. Times in milliseconds; tests choose shorter ones. */
export interface DeliveryTerms extends RetryTerms {
  /** Longer than one post can take, or a second worker would post the same while the first still does. */
  readonly leaseMs: number;
  /** After so long the endpoint makes way for the others. */
  readonly turnMs: number;
  /** Messages a second to one endpoint. */
  readonly perSecond: number;
}

export interface DeliverDeps {
  readonly db: Pick<Database, 'knex' | 'run'>;
  readonly sender: Pick<WebhookSender, 'post'>;
  readonly sealer: Sealer;
  readonly log: Logger;
  readonly terms: DeliveryTerms;
  /** There are mails. Called after the commit. */
  readonly nudgeNotifications: () => void;
  readonly now?: () => Date;
}

/** What settings say, and what they do not. */
export const deliveryTerms = ({
  giveUpMs,
  disableMs,
  perSecond,
}: WebhookConfig['webhooks']): DeliveryTerms => ({
  firstPauseMs: 5_000,
  pauseMaxMs: 3_600_000,
  retryAfterMaxMs: 3_600_000,
  giveUpMs,
  disableMs,
  leaseMs: 2 * TIMEOUT_MS,
  turnMs: 5_000,
  perSecond,
});
