import type { FindingKind } from '../../../src/domain/surveillance.js';
import { other, type DayAsset, type DayOrder, type MarketDay, type Side } from './market-day.js';
import { anAddress, type People } from './people.js';

/** What was planted, and is to be found. */
export interface Planted {
  kind: FindingKind;
  name: string;
  accountIds: string[];
  assetId: string;
}

const OF_EACH = 4;

/** Plans abuse of every kind, spread over the day and the assets. @returns what was planned */
export function plant(day: MarketDay, people: People): Planted[] {
  const planted: Planted[] = [];
  const some = () => day.pick(day.assets.slice(0, 10));
  const add = (kind: FindingKind, name: string, accountIds: string[], asset: DayAsset) =>
    planted.push({ kind, name, accountIds: [...accountIds].sort(), assetId: asset.id });

  for (let n = 0; n < OF_EACH; n += 1) {
    const own = people.add({ accounts: 2 }).accountIds;
    add(
      'wash_trade',
      'own accounts',
      own,
      tradeWith(day, own, some(), { matched: true, times: 1 }),
    );
    const couple = household(people, `${n} Oak Street`);
    add(
      'wash_trade',
      'couple',
      couple,
      tradeWith(day, couple, some(), { matched: true, times: 3 }),
    );
    const friends = oneDevice(people, n);
    add(
      'wash_trade',
      'one device, slowly',
      friends,
      tradeWith(day, friends, some(), { matched: false, times: 4 }),
    );
    const ring = [people.stranger(), people.stranger(), people.stranger()];
    add('wash_trade', 'ring of three', ring, passAround(day, ring, some(), 1, 3_000));
    const pair = [people.stranger(), people.stranger()];
    add('wash_trade', 'back and forth', pair, passAround(day, pair, some(), 3, 12_000));
    for (const layers of [4, 6, 8]) {
      const account = people.stranger();
      add('layering', `${layers} layers`, [account], layer(day, account, some(), layers));
    }
    const spoofer = people.stranger();
    add('layering', 'one order again and again', [spoofer], spoof(day, spoofer, some()));
    for (const orders of [60, 120]) {
      const account = people.stranger();
      add('message_burst', `${orders} orders`, [account], stuff(day, account, some(), orders));
    }
  }
  const [crowded, quiet, quieter, less, split] = [4, 7, 8, 10, 9].map((n) => day.assets[n]!);
  const corner = (name: string, accounts: string[], asset: DayAsset, side: Side, size: number) =>
    add('concentration', name, accounts, accumulate(day, accounts, asset, side, size));
  corner('corners by buying', [people.stranger()], crowded!, 'buy', 150);
  corner('sells it down', [people.stranger()], quiet!, 'sell', 120);
  corner('buys a quiet one', [people.stranger()], quieter!, 'buy', 60);
  corner('sells a quiet one', [people.stranger()], less!, 'sell', 60);
  corner('over two accounts', people.add({ accounts: 2 }).accountIds, split!, 'buy', 120);
  return planted;
}

const household = (people: People, street: string): string[] => {
  const written = [anAddress(street), anAddress(` ${street.toUpperCase()}.`)];
  return written.map((address) => people.add({ address }).accountIds[0]!);
};

const oneDevice = (people: People, n: number): string[] => {
  const device = { ip: `203.0.113.${n}`, userAgent: 'Chrome' };
  return [people.add({ device }), people.add({ device })].map(({ accountIds }) => accountIds[0]!);
};

const someTime = (day: MarketDay): number => day.between(day.open + 600_000, day.close - 1_200_000);

interface Leg {
  readonly maker: string;
  readonly taker: string;
  readonly asset: DayAsset;
  readonly side: Side;
  readonly size: number;
  /** From the maker's order to the taker's. */
  readonly waitMs: number;
}

/** Trades with each other, this way and that. */
function tradeWith(
  day: MarketDay,
  [one, two]: string[],
  asset: DayAsset,
  { matched, times }: { matched: boolean; times: number },
): DayAsset {
  const legs = Array.from({ length: times }, (_, n): Leg => {
    const [maker, taker] = n % 2 === 0 ? [one!, two!] : [two!, one!];
    const side = matched ? day.pick(['buy', 'sell'] as const) : 'sell';
    const waitMs = matched ? day.between(200, 3_000) : day.between(11_000, 16_000);
    return { maker, taker, asset, side, size: day.between(30, 90), waitMs };
  });
  day.at(someTime(day), () => tradeInTurn(day, legs));
  return asset;
}

/** The same shares from hand to hand, and back to the first. */
function passAround(
  day: MarketDay,
  hands: string[],
  asset: DayAsset,
  rounds: number,
  waitMs: number,
): DayAsset {
  const size = day.between(30, 90);
  const legs = Array.from({ length: rounds * hands.length }, (_, n): Leg => {
    const [maker, taker] = [hands[n % hands.length]!, hands[(n + 1) % hands.length]!];
    return { maker, taker, asset, side: 'sell', size, waitMs };
  });
  day.at(someTime(day), () => tradeInTurn(day, legs));
  return asset;
}

/** One leg after the other: what was taken by a stranger is tried again. */
function tradeInTurn(day: MarketDay, [leg, ...later]: readonly Leg[], tries = 8): void {
  if (!leg || tries === 0) return;
  whenWide(day, leg.asset, () => {
    const { maker, taker, asset, side, size, waitMs } = leg;
    const order = day.place(maker, asset, side, size, day.inside(asset, side));
    day.in(waitMs, () => {
      if (order.filledQty > 0n || day.best(asset, side) !== order.limitPrice) {
        day.cancel(order);
        return day.in(3_000, () => tradeInTurn(day, [leg, ...later], tries - 1));
      }
      day.take(taker, asset, other(side), size, order.limitPrice!);
      day.in(day.between(2_000, 12_000), () => tradeInTurn(day, later));
    });
  });
}

/** When there is room for a better price, so that who offers it is first in the queue. */
function whenWide(day: MarketDay, asset: DayAsset, act: () => void): void {
  const [bid, ask] = [day.best(asset, 'buy'), day.best(asset, 'sell')];
  if (bid !== null && ask !== null && ask - bid > 100n) act();
  else day.in(1_500, () => whenWide(day, asset, act));
}

/** Shows large orders on one side, executes on the other, and takes them back. */
function layer(day: MarketDay, account: string, asset: DayAsset, layers: number): DayAsset {
  const side = day.pick(['buy', 'sell'] as const);
  const size = day.between(20, 50);
  day.at(someTime(day), () =>
    whenWide(day, asset, () => {
      const shown: DayOrder[] = [];
      for (let n = 0; n < layers; n += 1) {
        day.in(n * day.between(300, 900), () => {
          const away = BigInt(4 * n + 12);
          const price = side === 'buy' ? 10_000n - away : 10_000n + away;
          const qty = size * day.between(2, 5);
          shown.push(day.place(account, asset, side, qty, (asset.fair * price) / 10_000n));
        });
      }
      day.in(layers * 1_000, () =>
        execute(day, { account, asset, side: other(side), size }, () => {
          for (const order of shown) day.in(day.between(500, 12_000), () => day.cancel(order));
        }),
      );
    }),
  );
  return asset;
}

/** One large order shortly before each of several small executions on the other side. */
function spoof(day: MarketDay, account: string, asset: DayAsset): DayAsset {
  const episode = (left: number): void => {
    if (left === 0) return;
    const size = day.between(5, 20);
    const large = day.place(account, asset, 'buy', size * 10, (asset.fair * 9_985n) / 10_000n);
    day.in(2_000, () =>
      execute(day, { account, asset, side: 'sell', size }, () => {
        day.in(day.between(1_000, 6_000), () => day.cancel(large));
        day.in(day.between(20_000, 35_000), () => episode(left - 1));
      }),
    );
  };
  day.at(someTime(day), () => episode(5));
  return asset;
}

/** What was wanted all the time: by hitting the best price, or by an offer that somebody takes. */
function execute(
  day: MarketDay,
  { account, asset, side, size }: { account: string; asset: DayAsset; side: Side; size: number },
  done: () => void,
): void {
  if (day.chance() < 0.5) {
    day.place(account, asset, side, size, null);
    return done();
  }
  const order = day.place(account, asset, side, size, day.inside(asset, side));
  const bait = (tries: number): void => {
    if (order.closedAt !== null || tries === 0) return done();
    day.place(anyone(day, account), asset, other(side), size, null);
    day.in(1_000, () => bait(tries - 1));
  };
  day.in(1_000, () => bait(6));
}

/** Orders and cancellations within seconds, far from where they could trade. */
function stuff(day: MarketDay, account: string, asset: DayAsset, orders: number): DayAsset {
  day.at(someTime(day), () => {
    for (let n = 0; n < orders; n += 1) {
      day.in((n * 8_000) / orders, () => {
        const order = day.place(account, asset, 'buy', 10, (asset.fair * 99n) / 100n);
        day.in(day.between(20, 600), () => day.cancel(order));
      });
    }
  });
  return asset;
}

/** Takes as much as everybody else together, all day long. */
function accumulate(
  day: MarketDay,
  accounts: string[],
  asset: DayAsset,
  side: Side,
  size: number,
): DayAsset {
  for (let n = 0; n < 450; n += 1) {
    day.at(day.between(day.open, day.close), () =>
      day.place(day.pick(accounts), asset, side, size, null),
    );
  }
  return asset;
}

/** Somebody who trades at this moment and knows nothing of it. */
const anyone = (day: MarketDay, account: string): string =>
  day.orders.findLast(({ accountId, type }) => accountId !== account && type === 'market')!
    .accountId;
