import { formatDecimal, PRICE_SCALE, QTY_SCALE } from './money.js';
import {
  groupBy,
  isMatched,
  isWithin,
  scoreOf,
  sorted,
  spanOf,
  sum,
  type Evidence,
  type Finding,
  type Thresholds,
  type Trade,
  type Window,
} from './surveillance.js';

/** Two accounts that belong to one person, or to people who share something. */
export interface AccountLink {
  readonly accountIds: readonly [string, string];
  /** What they share: `client`, `phone`, `address`, ... */
  readonly shared: readonly string[];
}

/** The same client's own accounts met by chance once: FINRA 5210.02 asks for more than that. */
const OWN_TRADES_MIN = 2;
/** Of people who are linked: once may be chance. */
const MATCHED_MIN = 2;

const pairKey = (one: string, other: string): string =>
  one < other ? `${one} ${other}` : `${other} ${one}`;

/**
 * Wash trades across linked accounts: executions without a change of beneficial ownership (FINRA
 * 5210 and 6140, SEA 9(a)(1), MAR annex I A(c)). Accounts of one client: two trades between them, or
 * one of orders that were entered together. Accounts of people who share a phone, an address or the
 * like: two trades of orders entered together, or `washTrades` that went back and forth.
 * @param trades what the linked accounts traded with each other, some time before the window included
 */
export function findWashTrades(
  trades: readonly Trade[],
  links: readonly AccountLink[],
  window: Window,
  { washTrades }: Pick<Thresholds, 'washTrades'>,
): Finding[] {
  const linkOf = new Map(links.map((link) => [pairKey(...link.accountIds), link]));
  const linked = trades.filter(({ buyer, seller }) => linkOf.has(pairKey(buyer, seller)));
  const groups = groupBy(
    linked,
    ({ buyer, seller, assetId }) => `${pairKey(buyer, seller)} ${assetId}`,
  );
  return [...groups.values()].flatMap((group) => {
    const { shared } = linkOf.get(pairKey(group[0]!.buyer, group[0]!.seller))!;
    if (!group.some(({ recordedAt }) => isWithin(recordedAt, window))) return [];
    const matched = group.filter(isMatched).length;
    const own = shared.includes('client');
    const isWash = own
      ? matched > 0 || group.length >= OWN_TRADES_MIN
      : matched >= MATCHED_MIN || (group.length >= washTrades && goesBackAndForth(group));
    return isWash ? [washFinding(group, matched, shared, window)] : [];
  });
}

const goesBackAndForth = (trades: readonly Trade[]): boolean =>
  new Set(trades.map(({ buyer }) => buyer)).size > 1;

function washFinding(
  trades: readonly Trade[],
  matched: number,
  shared: readonly string[],
  window: Window,
): Finding {
  const own = shared.includes('client');
  const { buyer, seller, assetId } = trades[0]!;
  const what = own ? 'belong to one client' : `share ${shared.join(' and ')}`;
  return {
    kind: 'wash_trade',
    rule: 'linked_accounts',
    accountIds: sorted([buyer, seller]),
    assetId,
    bucket: window.from.toISOString(),
    ...spanOf(trades.map(({ executedAt }) => executedAt)),
    score: scoreOf((own ? 50 : 30) + 10 * matched + 5 * trades.length),
    summary:
      `${trades.length} trades between two accounts that ${what}, ` +
      `${matched} of orders entered together`,
    figures: { ...tradeFigures(trades), matched, shared: shared.join(',') },
    evidence: trades.map(executionEvidence),
  };
}

/** How many, how much. */
export const tradeFigures = (trades: readonly Trade[]) => ({
  trades: trades.length,
  qty: formatDecimal(sum(trades.map(({ qty }) => qty)), QTY_SCALE),
  value: formatDecimal(sum(trades.map(({ value }) => value)), PRICE_SCALE),
});

export const executionEvidence = (trade: Trade): Evidence => ({
  subject: 'execution',
  id: trade.id,
  accountId: null,
  at: trade.executedAt,
  figures: {
    price: formatDecimal(trade.price, PRICE_SCALE),
    qty: formatDecimal(trade.qty, QTY_SCALE),
    value: formatDecimal(trade.value, PRICE_SCALE),
    buyer: trade.buyer,
    seller: trade.seller,
    buy_order_id: trade.buyOrder.id,
    sell_order_id: trade.sellOrder.id,
    entered_apart_ms: Math.abs(
      trade.buyOrder.createdAt.getTime() - trade.sellOrder.createdAt.getTime(),
    ),
  },
});
