import fc from 'fast-check';
import type { PlaceRequest } from './model-house.js';
import type { OrderType } from './model-order.js';

/** What a sequence is made of: plain data, so that fast-check can shrink it. Prices are in ticks. */
export type Command =
  | PlaceCommand
  | { kind: 'cancel'; target: number; anyOrder: boolean }
  | ReplaceCommand
  | { kind: 'settle' };

export interface PlaceCommand {
  kind: 'place';
  account: number;
  side: 'buy' | 'sell';
  type: OrderType;
  timeInForce: PlaceRequest['timeInForce'];
  orderClass: PlaceRequest['orderClass'];
  qty: bigint;
  notional: bigint | null;
  /** Of the order, from the middle. */
  price: number;
  /** Of the limit behind a stop, from the stop. */
  slip: number;
  trail: Trail;
  /** Of the legs, from the entry. */
  profit: number;
  loss: number;
  lossType: 'stop' | 'stop_limit' | 'trail';
  /** Of an oto: which leg. */
  hasProfit: boolean;
}

export interface Trail {
  price: number;
  /** In 10^-4 percent; null: by price. */
  percent: bigint | null;
}

export interface ReplaceCommand {
  kind: 'replace';
  target: number;
  anyOrder: boolean;
  limit: number | null;
  stop: number | null;
  qty: bigint | null;
  trail: number | null;
  version: 'any' | 'current' | 'stale';
}

/** Often one of a few, so that orders meet or stand behind each other. */
const price = fc.oneof(fc.integer({ min: -1, max: 1 }), fc.integer({ min: -9, max: 9 }));
const qty = fc.constantFrom(
  ...[1_000_000_000n, 2_000_000_000n, 3_000_000_000n, 500_000_000n, 333_333_333n, 2_000_000_001n],
);
const notional = fc.constantFrom(10_000n, 50_000n, 100_100n, 333_333n);
const trail = fc.record({
  price: fc.integer({ min: 1, max: 6 }),
  percent: fc.option(fc.constantFrom(1_234n, 2_500n, 5_000n)),
});
const timeInForce = fc.constantFrom<PlaceCommand['timeInForce'][]>(
  'day',
  'gtc',
  'gtc',
  'ioc',
  'fok',
);
const usual = {
  kind: fc.constant('place' as const),
  account: fc.constantFrom(0, 0, 1),
  side: fc.constantFrom('buy' as const, 'sell' as const),
  timeInForce: fc.constant('gtc' as const),
  orderClass: fc.constant('' as const),
  type: fc.constant('limit' as const),
  qty,
  notional: fc.constant(null),
  price,
  slip: fc.integer({ min: -2, max: 3 }),
  trail,
  profit: fc.integer({ min: 1, max: 7 }),
  loss: fc.integer({ min: 1, max: 7 }),
  lossType: fc.constantFrom('stop' as const, 'stop_limit' as const, 'trail' as const),
  hasProfit: fc.boolean(),
};
const simple: fc.Arbitrary<PlaceCommand> = fc.record({
  ...usual,
  account: fc.constantFrom(0, 1, 1),
  timeInForce,
  type: fc.constantFrom<OrderType[]>('limit', 'limit', 'limit', 'market'),
});
const byNotional: fc.Arbitrary<PlaceCommand> = fc.record({
  ...usual,
  timeInForce: fc.constantFrom<PlaceCommand['timeInForce'][]>('day', 'ioc'),
  type: fc.constantFrom<OrderType[]>('limit', 'market'),
  notional,
});
const stop: fc.Arbitrary<PlaceCommand> = fc.record({
  ...usual,
  type: fc.constantFrom<OrderType[]>('stop', 'stop_limit', 'trailing_stop'),
});
const group: fc.Arbitrary<PlaceCommand> = fc.record({
  ...usual,
  orderClass: fc.constantFrom('bracket' as const, 'oco' as const, 'oto' as const),
  type: fc.constantFrom<OrderType[]>('limit', 'limit', 'limit', 'market', 'stop', 'stop_limit'),
});
const target = fc.nat({ max: 60 });
const anyOrder = fc.integer({ min: 0, max: 7 }).map((one) => one === 7);
const replace: fc.Arbitrary<ReplaceCommand> = fc.record({
  kind: fc.constant('replace' as const),
  target,
  anyOrder,
  limit: fc.option(price, { freq: 1 }),
  stop: fc.option(price),
  qty: fc.option(qty, { freq: 1 }),
  trail: fc.option(fc.integer({ min: 1, max: 6 })),
  version: fc.constantFrom<ReplaceCommand['version'][]>('any', 'any', 'any', 'current', 'stale'),
});

/** Changes the quantity alone, which decides about the order's turn. */
const resize: fc.Arbitrary<ReplaceCommand> = fc.record({
  kind: fc.constant('replace' as const),
  target,
  anyOrder: fc.constant(false),
  limit: fc.constant(null),
  stop: fc.constant(null),
  qty: fc.constantFrom(100_000_000n, 3_000_000_000n, 4_000_000_000n),
  trail: fc.constant(null),
  version: fc.constant('any' as const),
});

export const commands: fc.Arbitrary<Command[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: simple },
    { weight: 2, arbitrary: byNotional },
    { weight: 4, arbitrary: stop },
    { weight: 4, arbitrary: group },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('cancel' as const), target, anyOrder }) },
    { weight: 4, arbitrary: replace },
    { weight: 3, arbitrary: resize },
    { weight: 8, arbitrary: fc.constant({ kind: 'settle' as const }) },
  ),
  { minLength: 1, maxLength: 30, size: 'max' },
);

const MIDDLE = 1_000;
const TICK = 100n;
const ticks = (count: number): bigint => BigInt(count) * TICK;

/** A price in 10^-4 USD, so many ticks from 10 USD. */
export const at = (offset: number): bigint => ticks(MIDDLE + offset);

const away = (side: 'buy' | 'sell', distance: number): bigint =>
  ticks(side === 'buy' ? distance : -distance);

/** What the command asks for, in the model's terms. @param last what a market entry is expected at */
export function requestOf(command: PlaceCommand, last: bigint): PlaceRequest {
  const { account, side, timeInForce, orderClass, qty, notional } = command;
  const own = ownTerms(command);
  const base = { account, side, timeInForce, orderClass, qty, notional, ...own };
  if (orderClass === '') return { ...base, profit: null, loss: null };
  const isOco = orderClass === 'oco';
  const entry = own.limit ?? own.stop ?? last;
  const outward = isOco && side === 'sell' ? 'buy' : isOco ? 'sell' : side;
  const takes = { profit: true, loss: true };
  if (orderClass === 'oto') takes[command.hasProfit ? 'loss' : 'profit'] = false;
  return {
    ...base,
    limit: isOco ? null : own.limit,
    profit: takes.profit ? entry + away(outward, command.profit) : null,
    loss: takes.loss ? lossOf(command, entry - away(outward, command.loss), outward) : null,
  };
}

function ownTerms(command: PlaceCommand) {
  const { side, price: offset, slip } = command;
  const type = command.orderClass === 'oco' ? 'limit' : command.type;
  const none = { type, limit: null, stop: null, ...NO_TRAIL };
  switch (type) {
    case 'market':
      return none;
    case 'limit':
      return { ...none, limit: at(offset) };
    case 'stop':
      return { ...none, stop: at(offset) };
    case 'stop_limit':
      return { ...none, stop: at(offset), limit: at(offset) + away(side, slip) };
    case 'trailing_stop':
      return { ...none, ...trailOf(command.trail) };
  }
}

const NO_TRAIL = { trailPrice: null, trailPercent: null } as const;

const trailOf = ({ price: distance, percent }: Trail) => ({
  trailPrice: percent === null ? ticks(distance) : null,
  trailPercent: percent,
});

function lossOf(
  { lossType, slip, trail: trails }: PlaceCommand,
  stopPrice: bigint,
  entrySide: 'buy' | 'sell',
): PlaceRequest['loss'] {
  if (lossType === 'trail') return { stop: null, limit: null, ...trailOf(trails) };
  const limit = lossType === 'stop_limit' ? stopPrice - away(entrySide, slip) : null;
  return { stop: stopPrice, limit, ...NO_TRAIL };
}
