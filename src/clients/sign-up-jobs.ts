import type { Knex } from 'knex';
import { systemActor } from '../audit/record.js';
import { dateText } from '../http/calendar-date.js';
import { enqueueMail } from '../notifications/mails.js';
import { closeSignUp } from './close-sign-up.js';
import { type CodeMailDeps, mailCodeQuietly } from './code-mails.js';

export interface SignUpJobDeps extends Omit<CodeMailDeps, 'now'> {
  readonly knex: Knex;
  readonly expiresDays: number;
  /** Told that there are mails to send. Must neither wait nor throw. */
  readonly nudgeNotifications: () => void;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** The first code is good for as long. */
const REMINDED_AFTER_MS = DAY_MS;
const BATCH = 50;

type Condition = 'reminded_at is null' | 'true';

/** Takes some whom nobody else works on: two workers at once share them. */
const take = (condition: Condition): string => `
  select id, email, created_at as "createdAt" from clients
  where status = 'pending' and role = 'client' and email_verified_at is null
    and created_at <= :before and ${condition}
  order by created_at, id limit ${BATCH} for no key update skip locked`;

interface Waiting {
  readonly id: string;
  readonly email: string;
  readonly createdAt: Date;
}

/**
 * Reminds those who signed up a day ago and have not confirmed their address, once, with a new code.
 * @returns how many
 */
export const remindSignUps = (deps: SignUpJobDeps, now: Date): Promise<number> =>
  inBatches(deps, new Date(now.getTime() - REMINDED_AFTER_MS), 'reminded_at is null', (trx, one) =>
    remind(deps, trx, one, now),
  );

/**
 * Closes sign-ups whose address was not confirmed in time, and erases what is not needed of them.
 * @returns how many
 */
export const expireSignUps = (deps: SignUpJobDeps, now: Date): Promise<number> =>
  inBatches(deps, new Date(now.getTime() - deps.expiresDays * DAY_MS), 'true', (trx, one) =>
    expire(deps, trx, one, now),
  );

async function inBatches(
  { knex, nudgeNotifications }: SignUpJobDeps,
  before: Date,
  condition: Condition,
  work: (trx: Knex.Transaction, one: Waiting) => Promise<void>,
): Promise<number> {
  for (let all = 0; ;) {
    const done = await knex.transaction(async (trx) => {
      const { rows } = await trx.raw<{ rows: Waiting[] }>(take(condition), { before });
      for (const one of rows) await work(trx, one);
      return rows.length;
    });
    all += done;
    if (done < BATCH) {
      if (all > 0) nudgeNotifications();
      return all;
    }
  }
}

async function remind(
  deps: SignUpJobDeps,
  trx: Knex.Transaction,
  { id, email, createdAt }: Waiting,
  now: Date,
): Promise<void> {
  await trx('clients').where({ id }).update({ reminded_at: now });
  const expiresOn = dateText(new Date(createdAt.getTime() + deps.expiresDays * DAY_MS));
  // Beyond the limit nothing is sent: four codes within this hour were reminders enough.
  await mailCodeQuietly({ ...deps, now: () => now }, trx, {
    clientId: id,
    purpose: 'verify_email',
    kind: 'sign_up_reminder',
    to: email,
    data: { expires_on: expiresOn },
  });
}

async function expire(
  deps: SignUpJobDeps,
  trx: Knex.Transaction,
  { id, email }: Waiting,
  now: Date,
): Promise<void> {
  const by = systemActor('sign-up-expiry');
  await closeSignUp({ ...deps, now: () => now }, trx, by, id, 'sign-up expired');
  const mail = { kind: 'sign_up_expired', to: email, clientId: id, data: {} } as const;
  await enqueueMail(trx, deps.sealer, mail);
}
