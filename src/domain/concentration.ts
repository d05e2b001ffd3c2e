import { formatDecimal, PRICE_SCALE, QTY_SCALE } from './money.js';
import {
  scoreOf,
  sorted,
  sum,
  type Evidence,
  type Finding,
  type Thresholds,
} from './surveillance.js';

/** What a beneficial owner traded of an asset on one day. Quantities in 10^-9 units. */
export interface OwnerVolume {
  readonly accountIds: readonly string[];
  readonly bought: bigint;
  readonly sold: bigint;
}

/** An asset's day so far. */
export interface AssetVolume {
  readonly assetId: string;
  /** Of all executions, in 10^-9 units. */
  readonly qty: bigint;
  /** In 10^-4 USD. */
  readonly value: bigint;
  readonly trades: number;
  /** Accounts that traded it. */
  readonly accounts: number;
}

/** Below these a share says nothing: the first trade of the day is all of its volume. */
export const TRADES_MIN = 250;
export const VALUE_MIN = 100_000n * 10_000n;
export const ACCOUNTS_MIN = 10;

export const isMeaningful = ({ trades, value, accounts }: AssetVolume): boolean =>
  trades >= TRADES_MIN && value >= VALUE_MIN && accounts >= ACCOUNTS_MIN;

/**
 * Concentration: one beneficial owner buys, or sells, a share of the day's volume with which a price
 * can be set (MAR annex I A(a): the share of the daily volume; FINRA 2020 and 5210 cornering). Buys
 * and sells are not added up: a day trader's round trips are not a position.
 * @param hour  of the end of what was counted: an owner is found once an hour
 */
export function findConcentration(
  asset: AssetVolume,
  owners: readonly OwnerVolume[],
  { concentrationPct }: Pick<Thresholds, 'concentrationPct'>,
  { day, now }: { day: Date; now: Date },
): Finding[] {
  if (!isMeaningful(asset)) return [];
  return owners.flatMap(({ accountIds, bought, sold }) => {
    const side = bought >= sold ? 'bought' : 'sold';
    const qty = bought >= sold ? bought : sold;
    const pct = Number((qty * 10_000n) / asset.qty) / 100;
    if (pct < concentrationPct) return [];
    return [
      {
        kind: 'concentration',
        rule: 'daily_volume',
        accountIds: sorted(accountIds),
        assetId: asset.assetId,
        bucket: now.toISOString().slice(0, 13),
        from: day,
        to: now,
        score: scoreOf(pct),
        summary: `One owner ${side} ${pct} % of the day's volume of ${asset.trades} trades`,
        figures: {
          side,
          qty: formatDecimal(qty, QTY_SCALE),
          volume: formatDecimal(asset.qty, QTY_SCALE),
          value: formatDecimal(asset.value, PRICE_SCALE),
          share_pct: pct.toFixed(2),
          trades: asset.trades,
        },
        evidence: [] as Evidence[],
      },
    ];
  });
}

/** Adds up what the accounts of one owner traded. @param ownerOf an account's owner */
export function addUpOwners(
  rows: readonly { accountId: string; bought: bigint; sold: bigint }[],
  ownerOf: (accountId: string) => string,
): OwnerVolume[] {
  const owners = new Map<string, { accountId: string; bought: bigint; sold: bigint }[]>();
  for (const row of rows) {
    const owner = ownerOf(row.accountId);
    owners.set(owner, [...(owners.get(owner) ?? []), row]);
  }
  return [...owners.values()].map((accounts) => ({
    accountIds: accounts.map(({ accountId }) => accountId),
    bought: sum(accounts.map(({ bought }) => bought)),
    sold: sum(accounts.map(({ sold }) => sold)),
  }));
}
