import { newYorkTime } from '../domain/clock.js';

/**
 * Where an activity stands in the one order of everything that happened on an account: by the
 * account's events; after each of them its fill, its fee, then the journals posted until the next.
 * As one number, (event id, rank, seq), so that two are compared with `<`.
 */
export type Position = bigint;

export const RANK = { fill: 0n, fee: 1n, journal: 2n } as const;

const RANK_BITS = 2n;
const SEQ_BITS = 28n;
const EVENT_SHIFT = RANK_BITS + SEQ_BITS;

export const positionOf = (eventId: bigint, rank: bigint, seq = 0n): Position =>
  (eventId << EVENT_SHIFT) | (rank << SEQ_BITS) | seq;

export const partsOf = (position: Position): { eventId: bigint; rank: bigint; seq: bigint } => ({
  eventId: position >> EVENT_SHIFT,
  rank: (position >> SEQ_BITS) & ((1n << RANK_BITS) - 1n),
  seq: position & ((1n << SEQ_BITS) - 1n),
});

const ID = /^\d{17}::([\da-f]{8})-([\da-f]{4})-8([\da-f]{3})-([89ab][\da-f]{3})-([\da-f]{12})$/;
const ACCOUNT_DIGITS = 8;

/**
 * An activity's id, which is also the cursor of its page: `20220202135509981::<uuid>`. The digits are
 * the time on New York's clocks, as Alpaca's are; clients read them so. The UUID is one of version 8
 * (RFC 9562, for layouts of one's own): the position, its event id first so that ids of the same
 * millisecond sort as they happened, then the account's last digits.
 */
export function activityId(time: Date, position: Position, accountId: string): string {
  const stamp = newYorkTime(time).toISOString().replace(/\D/g, '');
  const { eventId, rank, seq } = partsOf(position);
  const event = eventId.toString(16).padStart(15, '0');
  // 2 bits of the variant (10), 2 of the rank, 28 of the seq
  const place = ((0b10n << EVENT_SHIFT) | (rank << SEQ_BITS) | seq).toString(16);
  const uuid = [
    event.slice(0, 8),
    event.slice(8, 12),
    `8${event.slice(12)}`,
    place.slice(0, 4),
    place.slice(4) + accountId.slice(-ACCOUNT_DIGITS),
  ].join('-');
  return `${stamp}::${uuid}`;
}

/**
 * Reads an activity's id: the UUID alone, for the digits of an hour come twice when clocks go back.
 * @returns null when it is none of this account's
 */
export function parseActivityId(id: string, accountId: string): Position | null {
  const match = ID.exec(id);
  if (!match) return null;
  const [high, middle, low, place, end] = match.slice(1) as [
    string,
    string,
    string,
    string,
    string,
  ];
  if (!end.endsWith(accountId.slice(-ACCOUNT_DIGITS))) return null;
  const eventId = BigInt(`0x${high}${middle}${low}`);
  const rest = BigInt(`0x${place}${end.slice(0, -ACCOUNT_DIGITS)}`);
  return (eventId << EVENT_SHIFT) | (rest & ((1n << EVENT_SHIFT) - 1n));
}
