import type { Knex } from 'knex';
import type { TransferConfig } from '../transfer-settings.js';
import { formatDecimal, parseDecimal, PRICE_SCALE } from '../domain/money.js';
import { DomainError } from '../errors.js';
import type { Direction, LockedAccount } from './transfer-model.js';

/** What an account may transfer; money in 10^-4 USD. */
export interface TransferLimits {
  readonly min: bigint;
  readonly max: bigint;
  /** Of one day, UTC, by direction. */
  readonly dailyMax: Readonly<Record<Direction, bigint>>;
  readonly perHour: number;
  /** So many failed or returned deposits within 24 hours stop further ones. */
  readonly failedDepositsMax: number;
}

export type TransferLimitSettings = Pick<
  TransferConfig,
  | 'transferMin'
  | 'transferMax'
  | 'depositDailyMax'
  | 'withdrawalDailyMax'
  | 'transfersPerHour'
  | 'failedDepositsMax'
>;

export function transferLimits(config: TransferLimitSettings): TransferLimits {
  const units = (text: string) => parseDecimal(text, PRICE_SCALE);
  return {
    min: units(config.transferMin),
    max: units(config.transferMax),
    dailyMax: {
      incoming: units(config.depositDailyMax),
      outgoing: units(config.withdrawalDailyMax),
    },
    perHour: config.transfersPerHour,
    failedDepositsMax: config.failedDepositsMax,
  };
}

/** Each refusal has its own code, in the manner of those of orders. */
export const TRANSFER_CODES = {
  transfers_blocked: 40310020,
  deposit_daily_limit: 40310021,
  withdrawal_daily_limit: 40310022,
  failed_deposits: 40310023,
  insufficient_cash: 40310024,
  transfer_amount: 42210020,
  transfer_rate: 42910020,
} as const;
export type TransferRefusal = keyof typeof TRANSFER_CODES;

const refusal = (
  reason: TransferRefusal,
  message: string,
  details: Record<string, unknown>,
): DomainError => {
  const code = TRANSFER_CODES[reason];
  const kind = code < 40400000 ? 'forbidden' : code < 42900000 ? 'invalid' : 'rate_limited';
  return new DomainError(kind, code, message, { reason, ...details });
};

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const CENT = 100n;

interface Usage {
  /** Of this direction and UTC day; without what failed or was canceled. */
  today: bigint;
  lastHour: number;
  firstInHour: Date | null;
  failedDeposits: number;
  firstFailed: Date | null;
}

/** Runs under the account's lock, or two requests could each use the same rest of a limit. */
const USAGE = `
  select
    coalesce(sum(amount) filter (where direction = :direction
      and status not in ('failed', 'canceled') and created_at >= :midnight), 0)::bigint as today,
    (count(*) filter (where created_at > :hourAgo))::int as "lastHour",
    min(created_at) filter (where created_at > :hourAgo) as "firstInHour",
    (count(*) filter (where direction = 'incoming' and status in ('failed', 'returned')
      and closed_at > :dayAgo))::int as "failedDeposits",
    min(closed_at) filter (where direction = 'incoming' and status in ('failed', 'returned')
      and closed_at > :dayAgo) as "firstFailed"
  from transfers
  where account_id = :accountId and (created_at > :dayAgo or closed_at > :dayAgo)`;

const midnightOf = (time: Date): Date =>
  new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth(), time.getUTCDate()));

async function readUsage(
  trx: Knex.Transaction,
  accountId: string,
  direction: Direction,
  now: Date,
): Promise<Usage> {
  const { rows } = await trx.raw<{ rows: Usage[] }>(USAGE, {
    accountId,
    direction,
    midnight: midnightOf(now),
    hourAgo: new Date(now.getTime() - HOUR_MS),
    dayAgo: new Date(now.getTime() - DAY_MS),
  });
  return rows[0]!;
}

/** @throws DomainError 422 for an amount that no transfer may have */
export function checkAmount(amount: bigint, { min, max }: TransferLimits): void {
  const text = money(amount);
  const details = { amount: text, min: money(min), max: money(max) };
  if (amount % CENT !== 0n) {
    throw refusal('transfer_amount', `amount ${text} must be in whole cents`, details);
  }
  if (amount < min || amount > max) {
    const allowed = `between ${details.min} and ${details.max}`;
    throw refusal('transfer_amount', `amount ${text} must be ${allowed}`, details);
  }
}

/**
 * Checks what an account may transfer today and at this pace, and what it has; under its lock.
 * @throws DomainError 403 or 429, with the limit, what is used of it and what is available
 */
export async function checkTransfer(
  trx: Knex.Transaction,
  limits: TransferLimits,
  account: LockedAccount,
  { direction, amount }: { direction: Direction; amount: bigint },
  now: Date,
): Promise<void> {
  if (account.clientStatus !== 'active' || account.restricted) {
    throw refusal('transfers_blocked', 'this account may not transfer money at present', {});
  }
  const usage = await readUsage(trx, account.id, direction, now);
  checkPace(limits, usage, direction, now);
  checkDay(limits, usage, direction, amount, now);
  const free = account.cash - account.cashHeld;
  if (direction === 'outgoing' && amount > free) {
    throw refusal(
      'insufficient_cash',
      'insufficient cash: only what is settled and not held leaves',
      {
        amount: money(amount),
        cash: money(account.cash),
        held: money(account.cashHeld),
        available: money(free),
      },
    );
  }
}

function checkPace(
  { perHour, failedDepositsMax }: TransferLimits,
  usage: Usage,
  direction: Direction,
  now: Date,
): void {
  if (usage.lastHour >= perHour) {
    throw refusal('transfer_rate', `more than ${perHour} transfers within an hour`, {
      limit: perHour,
      used: usage.lastHour,
      available: 0,
      retry_after: secondsUntil(usage.firstInHour, HOUR_MS, now),
    });
  }
  if (direction === 'incoming' && usage.failedDeposits >= failedDepositsMax) {
    const message = `${usage.failedDeposits} deposits have failed within 24 hours`;
    throw refusal('failed_deposits', message, {
      limit: failedDepositsMax,
      used: usage.failedDeposits,
      available: 0,
      retry_after: secondsUntil(usage.firstFailed, DAY_MS, now),
    });
  }
}

function checkDay(
  { dailyMax }: TransferLimits,
  { today }: Usage,
  direction: Direction,
  amount: bigint,
  now: Date,
): void {
  const limit = dailyMax[direction];
  if (today + amount <= limit) return;
  const [reason, what] =
    direction === 'incoming'
      ? (['deposit_daily_limit', 'deposits'] as const)
      : (['withdrawal_daily_limit', 'withdrawals'] as const);
  throw refusal(reason, `${what} of a day (UTC) may come to ${money(limit)}`, {
    amount: money(amount),
    limit: money(limit),
    used: money(today),
    available: money(today < limit ? limit - today : 0n),
    retry_after: secondsUntil(midnightOf(now), DAY_MS, now),
  });
}

const secondsUntil = (since: Date | null, periodMs: number, now: Date): number =>
  Math.max(1, Math.ceil(((since ?? now).getTime() + periodMs - now.getTime()) / 1_000));

const money = (units: bigint): string => formatDecimal(units, PRICE_SCALE);
