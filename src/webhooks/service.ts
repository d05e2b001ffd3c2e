import type { Knex } from 'knex';
import { recordAct, type Act, type Actor } from '../audit/record.js';
import { DomainError, invalid, notFound } from '../errors.js';
import type { Sealer } from '../identity/sealer.js';
import { newId } from '../ids.js';
import { enqueueMail } from '../notifications/mails.js';
import { resolveByDns, type Resolve } from './addresses.js';
import {
  deleteEndpoint,
  findEndpoint,
  insertEndpoint,
  lastEventId,
  listEndpoints,
  lockEndpoint,
  lockEndpoints,
  updateEndpoint,
  type Endpoint,
} from './model.js';
import { presentEndpoint } from './presenter.js';
import { sealSecret } from './secrets.js';
import { newSecret } from './signature.js';
import { findTarget, ForbiddenTarget, type TargetRules } from './target.js';

export const ENDPOINTS_MAX = 10;

export interface WebhooksDeps {
  readonly knex: Knex;
  readonly sealer: Sealer;
  readonly rules: TargetRules & { readonly secretOverlapMs: number };
  readonly resolve?: Resolve | undefined;
}

/** Whose endpoint it is, and who acts. */
export interface Caller {
  readonly clientId: string;
  readonly accountId: string;
  readonly by: Actor;
}

export interface WantedEndpoint {
  readonly url: string;
  readonly events: readonly string[];
  readonly description: string;
}

/**
 * Refuses what we would not post to, before anything is written: it asks DNS.
 * @throws DomainError 422
 */
async function checkUrl({ rules, resolve }: WebhooksDeps, url: string): Promise<void> {
  try {
    await findTarget(url, rules, resolve ?? resolveByDns);
  } catch (error) {
    if (!(error instanceof ForbiddenTarget)) throw error;
    throw invalid(error.message, { errors: [{ field: 'url', message: error.message }] });
  }
}

/**
 * Sets an endpoint up; it is told of what happens from now on. Its owner gets a mail.
 * @returns it with its secret, which is shown this once
 * @throws DomainError 422 for a URL that is not allowed, 403 for one too many
 */
export async function createEndpoint(
  deps: WebhooksDeps,
  { clientId, accountId, by }: Caller,
  { url, events, description }: WantedEndpoint,
): Promise<{ endpoint: Endpoint; secret: string }> {
  await checkUrl(deps, url);
  const { knex, sealer } = deps;
  const [id, secret, now] = [newId(), newSecret(), new Date()];
  const endpoint = await knex.transaction(async (trx) => {
    await lockEndpoints(trx, accountId);
    const own = await listEndpoints(trx, accountId);
    if (own.length >= ENDPOINTS_MAX) {
      const message = `you have ${own.length} webhooks; ${ENDPOINTS_MAX} are the most`;
      throw new DomainError('forbidden', 40310000, message, { limit: ENDPOINTS_MAX });
    }
    await insertEndpoint(trx, {
      id,
      account_id: accountId,
      url,
      events,
      description,
      secret: sealSecret(sealer, id, secret),
      cursor: String(await lastEventId(trx, accountId)),
      due_at: now,
      created_at: now,
      updated_at: now,
    });
    const added = (await findEndpoint(trx, accountId, id))!;
    await record(
      trx,
      added,
      { clientId, accountId, by },
      {
        action: 'webhook.created',
        after: presentEndpoint(added),
      },
    );
    const owner = await trx('clients')
      .where({ id: clientId })
      .first<{ email: string; first_name: string }>('email', 'first_name');
    const data = { first_name: owner.first_name, url };
    await enqueueMail(trx, sealer, { kind: 'webhook_created', to: owner.email, clientId, data });
    return added;
  });
  return { endpoint, secret };
}

/** @throws DomainError 404 when there is none, or it is another account's */
export async function readEndpoint(
  knex: Knex,
  { accountId }: Pick<Caller, 'accountId'>,
  id: string,
): Promise<Endpoint> {
  const found = await findEndpoint(knex, accountId, id);
  if (!found) throw notFound('webhook');
  return found;
}

/** The same, locked. */
export async function takeEndpoint(
  trx: Knex.Transaction,
  { accountId }: Pick<Caller, 'accountId'>,
  id: string,
): Promise<Endpoint> {
  const found = await lockEndpoint(trx, accountId, id);
  if (!found) throw notFound('webhook');
  return found;
}

export interface EndpointChanges extends Partial<WantedEndpoint> {
  readonly enabled?: boolean;
}

/**
 * Changes an endpoint. Turned on again it goes on where it stopped, at once.
 * @throws DomainError 404, or 422 for a URL that is not allowed
 */
export async function changeEndpoint(
  deps: WebhooksDeps,
  caller: Caller,
  id: string,
  { enabled, ...terms }: EndpointChanges,
): Promise<Endpoint> {
  await readEndpoint(deps.knex, caller, id);
  if (terms.url !== undefined) await checkUrl(deps, terms.url);
  return await deps.knex.transaction(async (trx) => {
    const before = await takeEndpoint(trx, caller, id);
    const now = new Date();
    const isElsewhere = terms.url !== undefined && terms.url !== before.url;
    const isTurned = enabled !== undefined && enabled !== before.enabled;
    await updateEndpoint(trx, id, {
      ...terms,
      ...(isTurned && turned(enabled, now)),
      ...((isElsewhere || isTurned) && { ...NO_FAILURES, due_at: now }),
      updated_at: now,
    });
    const after = (await findEndpoint(trx, caller.accountId, id))!;
    await record(trx, after, caller, {
      action: 'webhook.changed',
      before: presentEndpoint(before),
      after: presentEndpoint(after),
    });
    return after;
  });
}

/** Whoever turns it on again, or gives it another URL, says that they are over. */
const NO_FAILURES = { attempts: 0, head_failing_since: null, failing_since: null };

const turned = (on: boolean, now: Date) => ({
  enabled: on,
  disabled_reason: on ? null : 'owner',
  disabled_at: on ? null : now,
});

/** Ends an endpoint for good, with its delivery log. @throws DomainError 404 */
export async function removeEndpoint(
  { knex }: WebhooksDeps,
  caller: Caller,
  id: string,
): Promise<void> {
  await knex.transaction(async (trx) => {
    const before = await takeEndpoint(trx, caller, id);
    await deleteEndpoint(trx, id);
    await record(trx, before, caller, {
      action: 'webhook.deleted',
      before: presentEndpoint(before),
    });
  });
}

/**
 * Gives an endpoint a new secret. Until the overlap is over every message is signed with both; of a
 * second rotation within that time the last two are left.
 * @returns it with the new secret, which is shown this once
 * @throws DomainError 404
 */
export async function rotateSecret(
  { knex, sealer, rules }: WebhooksDeps,
  caller: Caller,
  id: string,
): Promise<{ endpoint: Endpoint; secret: string }> {
  const secret = newSecret();
  const endpoint = await knex.transaction(async (trx) => {
    const before = await takeEndpoint(trx, caller, id);
    const now = new Date();
    const until = new Date(now.getTime() + rules.secretOverlapMs);
    await updateEndpoint(trx, id, {
      secret: sealSecret(sealer, id, secret),
      previous_secret: before.secret,
      previous_secret_until: until,
      updated_at: now,
    });
    const after = (await findEndpoint(trx, caller.accountId, id))!;
    await record(trx, after, caller, {
      action: 'webhook.secret_rotated',
      after: { previous_secret_until: until.toISOString() },
    });
    return after;
  });
  return { endpoint, secret };
}

/** Writes into the audit log what was done to an endpoint. */
export const record = async (
  trx: Knex.Transaction,
  { id }: Endpoint,
  { clientId, accountId, by }: Caller,
  act: Omit<Act, 'subject'>,
): Promise<void> => {
  const subject = { client_id: clientId, account_id: accountId, webhook_id: id };
  await recordAct(trx, by, { ...act, subject });
};
