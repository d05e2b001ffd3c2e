import {
  groupBy,
  isAbout,
  isMatched,
  isWithin,
  scoreOf,
  sorted,
  spanOf,
  type Finding,
  type Trade,
  type Window,
} from './surveillance.js';
import { executionEvidence, tradeFigures } from './wash-trades.js';

/** Shares that come back after more hands than this are not looked for. */
const HANDS_MAX = 4;
const SAME_QTY_PCT = 5n;
const SAME_PRICE_PCT = 1n;
/** A market maker and somebody who trades round lots come back to each other once by chance. */
const ROUNDS_MIN = 2;
/** With so many hands once is enough, when the orders of every leg were entered together. */
const RING_HANDS_MIN = 3;
/** Of what each of them traded of the asset: who trades with everybody meets the same ones too. */
const AMONG_THEMSELVES_MIN_PCT = 60;
/** A search for rings may not take the processor from the orders. */
const STEPS_MAX = 200_000;

/** A trade, and how often each of its accounts traded the asset in the same time. */
export interface FlatTrade extends Trade {
  readonly buyerTrades: number;
  readonly sellerTrades: number;
}

/** Shares that went from hand to hand and came back, in the order of the trades. */
type Round = readonly FlatTrade[];

/**
 * Circular trading: the same quantity goes from A to B (to C, to D) and back to A at about the same
 * price, which moves the tape and nobody's position (MAR annex I A(c), FINRA 5210). It takes two
 * rounds, or one through three hands or more by orders that were entered together, of accounts that
 * hardly trade with anybody else: day traders end the day flat as well, but not so.
 * @param trades between accounts that have bought about as much as they sold, in any order
 */
export function findRoundTrips(trades: readonly FlatTrade[], window: Window): Finding[] {
  return [...groupBy(trades, ({ assetId }) => assetId).values()].flatMap((ofAsset) => {
    const rounds = findRounds(ofAsset);
    const byAccounts = groupBy(rounds, (round) =>
      sorted(round.map(({ seller }) => seller)).join(' '),
    );
    return [...byAccounts.values()].flatMap((group) => {
      const legs = [...new Map(group.flat().map((trade) => [trade.id, trade])).values()];
      if (!legs.some(({ recordedAt }) => isWithin(recordedAt, window))) return [];
      const arranged = group.filter((round) => round.every(isMatched)).length;
      const distinct = countDistinct(group);
      const isRing = arranged > 0 && group[0]!.length >= RING_HANDS_MIN;
      return (isRing || distinct >= ROUNDS_MIN) && isAmongThemselves(legs)
        ? [roundFinding(legs, distinct, arranged, window)]
        : [];
    });
  });
}

function findRounds(trades: readonly FlatTrade[]): Round[] {
  const inOrder = trades.toSorted((a, b) => a.executedAt.getTime() - b.executedAt.getTime());
  const bySeller = groupBy(inOrder, ({ seller }) => seller);
  const rounds: Round[] = [];
  let steps = 0;
  const follow = (path: readonly FlatTrade[]): void => {
    const [first, last] = [path[0]!, path.at(-1)!];
    for (const next of bySeller.get(last.buyer) ?? []) {
      if ((steps += 1) > STEPS_MAX) return;
      if (next.executedAt <= last.executedAt || !isSameTrade(first, next)) continue;
      if (next.buyer === first.seller) rounds.push([...path, next]);
      else if (path.length + 1 < HANDS_MAX && !path.some(({ seller }) => seller === next.buyer))
        follow([...path, next]);
    }
  };
  for (const trade of inOrder.toReversed()) follow([trade]); // the newest first, while steps last
  return rounds;
}

const isSameTrade = (one: Trade, other: Trade): boolean =>
  isAbout(one.qty, other.qty, SAME_QTY_PCT) && isAbout(one.price, other.price, SAME_PRICE_PCT);

/** Rounds that share a leg are one: A to B to A to B is a round and a half. */
function countDistinct(rounds: readonly Round[]): number {
  const used = new Set<string>();
  let count = 0;
  for (const round of rounds.toSorted((a, b) => endOf(a) - endOf(b))) {
    if (round.some(({ id }) => used.has(id))) continue;
    for (const { id } of round) used.add(id);
    count += 1;
  }
  return count;
}

function isAmongThemselves(legs: readonly FlatTrade[]): boolean {
  const traded = new Map<string, { all: number; legs: number }>();
  for (const { buyer, seller, buyerTrades, sellerTrades } of legs) {
    for (const [account, all] of [
      [buyer, buyerTrades],
      [seller, sellerTrades],
    ] as const) {
      traded.set(account, { all, legs: (traded.get(account)?.legs ?? 0) + 1 });
    }
  }
  return [...traded.values()].every(
    ({ all, legs: among }) => among * 100 >= all * AMONG_THEMSELVES_MIN_PCT,
  );
}

const endOf = (round: Round): number => round.at(-1)!.executedAt.getTime();

function roundFinding(
  legs: readonly FlatTrade[],
  rounds: number,
  arranged: number,
  window: Window,
): Finding {
  const inOrder = legs.toSorted((a, b) => a.executedAt.getTime() - b.executedAt.getTime());
  const accountIds = sorted(legs.flatMap(({ buyer, seller }) => [buyer, seller]));
  return {
    kind: 'wash_trade',
    rule: 'round_trip',
    accountIds,
    assetId: legs[0]!.assetId,
    bucket: window.from.toISOString(),
    ...spanOf(legs.map(({ executedAt }) => executedAt)),
    score: scoreOf(40 + 20 * arranged + 10 * rounds),
    summary:
      `The same quantity went around ${accountIds.length} accounts and came back, ` +
      `${rounds} times`,
    figures: { ...tradeFigures(legs), rounds, arranged },
    evidence: inOrder.map(executionEvidence),
  };
}
