import { formatDecimal, PRICE_SCALE, QTY_SCALE } from '../domain/money.js';
import type { AssetRouting } from './asset-routing.js';
import type { ListedRoute } from './route-model.js';

/** A route on the wire. */
export const presentRoute = (route: ListedRoute): Record<string, unknown> => ({
  id: route.id,
  order_id: route.orderId,
  account_id: route.accountId,
  symbol: route.symbol,
  side: route.side,
  qty: formatDecimal(route.qty, QTY_SCALE),
  filled_qty: formatDecimal(route.filledQty, QTY_SCALE),
  limit_price: formatDecimal(route.limitPrice, PRICE_SCALE),
  status: route.status,
  reason: route.reason,
  cancel_requested: route.endsAs !== null,
  close_reason: route.closeReason,
  disputed: route.disputed,
  good_until: route.goodUntil.toISOString(),
  created_at: route.createdAt.toISOString(),
  ended_at: route.endedAt?.toISOString() ?? null,
});

export const presentRouting = ({ assetId, symbol, routing }: AssetRouting) => ({
  asset_id: assetId,
  symbol,
  routing,
});
