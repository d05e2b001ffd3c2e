import { orderEvidence, type Activity, type WatchedOrder } from './layering.js';
import { isWithin, scoreOf, type Finding, type Thresholds, type Window } from './surveillance.js';

/** What counts as one burst. */
export const BURST_MS = 10_000;
/** Who means to trade gets some of it; an algorithm that slices a large order gets nearly all. */
const TRADED_MAX_PCT = 10;
const WITHDRAWN_MIN_PCT = 50;

interface Message {
  readonly at: number;
  readonly order: WatchedOrder;
}

/**
 * Message bursts, or quote stuffing: orders and cancellations at a rate that serves to load the
 * market and not to trade (MAR annex I B and RTS 2016/522, MiFID II order-to-trade ratio; FINRA
 * 5210.03). Counts placements, replacements and cancellations of orders of that time: cancelling
 * everything at the end of the day is not a burst.
 */
export function findMessageBurst(
  { accountId, assetId, orders }: Activity,
  window: Window,
  { burstMessages }: Pick<Thresholds, 'burstMessages'>,
): Finding[] {
  const burst = busiest(messagesOf(orders), window);
  if (burst.length < burstMessages) return [];
  const sent = [...new Set(burst.map(({ order }) => order))];
  const traded = sent.filter(({ filledQty }) => filledQty > 0n).length;
  const withdrawn = sent.filter(({ isWithdrawn }) => isWithdrawn).length;
  if (traded * 100 > sent.length * TRADED_MAX_PCT) return [];
  if (withdrawn * 100 < sent.length * WITHDRAWN_MIN_PCT) return [];
  const [from, to] = [new Date(burst[0]!.at), new Date(burst.at(-1)!.at)];
  return [
    {
      kind: 'message_burst',
      rule: 'rate',
      accountIds: [accountId],
      assetId,
      bucket: window.from.toISOString(),
      from,
      to,
      score: scoreOf((40 * burst.length) / burstMessages),
      summary:
        `${burst.length} messages within ${BURST_MS / 1_000} s for ${sent.length} orders, ` +
        `of which ${withdrawn} were withdrawn and ${traded} traded`,
      figures: { messages: burst.length, orders: sent.length, withdrawn, traded },
      evidence: sent.map((order) => orderEvidence(accountId, order)),
    },
  ];
}

function messagesOf(orders: readonly WatchedOrder[]): Message[] {
  const messages = orders.flatMap((order): Message[] => {
    const placed = { at: order.createdAt.getTime(), order };
    const { closedAt, isWithdrawn } = order;
    return isWithdrawn && closedAt ? [placed, { at: closedAt.getTime(), order }] : [placed];
  });
  return messages.sort((a, b) => a.at - b.at);
}

/** The most messages within BURST_MS whose last one is in the window. */
function busiest(messages: readonly Message[], window: Window): Message[] {
  let best: [number, number] = [0, 0];
  let start = 0;
  for (const [end, { at }] of messages.entries()) {
    while (messages[start]!.at <= at - BURST_MS) start += 1;
    if (end + 1 - start > best[1] - best[0] && isWithin(new Date(at), window)) {
      best = [start, end + 1];
    }
  }
  return messages.slice(...best);
}
