import { MAKER_ACCOUNT } from '../../../src/ledger/house.js';
import { other, type DayAsset, type DayOrder, type MarketDay, type Side } from './market-day.js';
import { anAddress, type People } from './people.js';

const SIZES = [1, 2, 5, 10, 10, 20, 25, 50, 100];
const MAKER_EVERY_MS = 120_000;

/** Which honest behaviour trades in the asset, so that not everything happens in one place. */
export interface Crowd {
  readonly accounts: readonly string[];
}

/**
 * What people do who mean to trade: they buy and sell around the market, at it or further away, and
 * change their minds now and then.
 */
export function planOrdinaryOrders(day: MarketDay, people: People, count: number): Crowd {
  const accounts = Array.from({ length: 200 }, () => people.stranger());
  for (let n = 0; n < count; n += 1) {
    day.at(day.between(day.open + 1_000, day.close - 1_000), () => {
      const asset = assetByWeight(day);
      // some trade much more than others
      const account = accounts[Math.floor(200 * day.chance() ** 2)]!;
      placeAround(day, account, asset, day.pick(['buy', 'sell'] as const));
    });
  }
  return { accounts };
}

/** The first assets trade more than the last. */
const assetByWeight = (day: MarketDay): DayAsset =>
  day.assets[Math.floor(day.assets.length * day.chance() ** 1.3)]!;

function placeAround(day: MarketDay, account: string, asset: DayAsset, side: Side): void {
  const size = day.pick(SIZES);
  const kind = day.chance();
  if (kind < 0.3) {
    day.place(account, asset, side, size, null);
    return;
  }
  const away = BigInt(day.between(-3, 30)); // in 1/100 of a percent, worse than fair
  const price = side === 'buy' ? 10_000n - away : 10_000n + away;
  const order = day.place(account, asset, side, size, (asset.fair * price) / 10_000n);
  if (day.chance() < 0.25) {
    day.in(-Math.log(1 - day.chance()) * 600_000 + 1_000, () => day.cancel(order));
  }
}

/** The house's quotes: the others always find somebody to trade with. */
export function planHouseMaker(day: MarketDay): void {
  for (const asset of day.assets) {
    const anchor = asset.fair;
    let quotes: DayOrder[] = [];
    const requote = () => {
      for (const quote of quotes) day.cancel(quote);
      quotes = [2n, 5n, 10n].flatMap((bps, depth) =>
        (['buy', 'sell'] as const).map((side) => {
          // half way back to where it began: trades alone would carry it away
          const middle = (asset.fair + anchor) / 2n;
          const price = side === 'buy' ? 10_000n - bps : 10_000n + bps;
          return day.place(
            MAKER_ACCOUNT,
            asset,
            side,
            100 * (depth + 1),
            (middle * price) / 10_000n,
          );
        }),
      );
      day.in(MAKER_EVERY_MS, requote);
    };
    day.at(day.open + day.random(1_000), requote);
  }
}

/** Honest behaviour that has something of what the detectors look for. */
export function planLookAlikes(day: MarketDay, people: People): void {
  for (let n = 0; n < 3; n += 1) quoteBothSides(day, people.stranger(), day.assets[n]!);
  for (let n = 0; n < 6; n += 1) tradeAllDay(day, people.stranger());
  for (let n = 0; n < 4; n += 1) repriceOften(day, people.stranger());
  for (let n = 0; n < 3; n += 1) sendBaskets(day, people.stranger());
  for (let n = 0; n < 3; n += 1) sliceLargeOrders(day, people.stranger());
  for (let n = 0; n < 3; n += 1) cancelAllAtOnce(day, people.stranger());
  for (let n = 0; n < 5; n += 1) withdrawOneAfterFill(day, people.stranger());
  for (let n = 0; n < 4; n += 1) ladderOut(day, people.stranger());
  tradeHeavily(day, people.stranger(), day.assets[1]!);
  meetByChance(day, people);
}

/** A client who makes a market: after a fill the other side is withdrawn and both are quoted anew. */
function quoteBothSides(day: MarketDay, account: string, asset: DayAsset): void {
  let quotes: DayOrder[] = [];
  const requote = () => {
    for (const quote of quotes) day.cancel(quote);
    const spread = asset.fair / 2_500n;
    quotes = [
      day.place(account, asset, 'buy', 50, asset.fair - spread),
      day.place(account, asset, 'sell', 50, asset.fair + spread),
    ];
  };
  day.onFill(account, () => day.in(day.between(200, 2_000), requote));
  const keep = () => {
    requote();
    day.in(20_000, keep);
  };
  day.at(day.open + 5_000, keep);
}

/** In and out all day at the market, flat in between. */
function tradeAllDay(day: MarketDay, account: string): void {
  const asset = day.pick(day.assets.slice(0, 8));
  const trip = () => {
    const side = day.pick(['buy', 'sell'] as const);
    const size = day.pick([50, 100]);
    day.place(account, asset, side, size, null);
    day.in(day.between(10_000, 120_000), () => day.place(account, asset, other(side), size, null));
    day.in(day.between(130_000, 300_000), trip);
  };
  day.at(day.open + day.random(300_000), trip);
}

/** Follows the market with one order, a replacement every second or two for minutes. */
function repriceOften(day: MarketDay, account: string): void {
  for (let times = 0; times < 6; times += 1) {
    day.at(day.between(day.open, day.close - 400_000), () => {
      const asset = day.pick(day.assets);
      let order = day.place(account, asset, 'buy', 20, (asset.fair * 9_990n) / 10_000n);
      let left = 120;
      const step = () => {
        if ((left -= 1) === 0) return day.cancel(order);
        order = day.replace(order, (asset.fair * BigInt(9_985 + day.random(8))) / 10_000n);
        day.in(day.between(1_000, 2_000), step);
      };
      day.in(1_000, step);
    });
  }
}

/** Rebalances: many orders within seconds, a few in each asset. */
function sendBaskets(day: MarketDay, account: string): void {
  for (let times = 0; times < 3; times += 1) {
    day.at(day.between(day.open, day.close - 60_000), () => {
      for (const asset of day.assets) {
        for (let n = 0; n < 10; n += 1) {
          day.in(day.random(5_000), () => day.place(account, asset, 'buy', 1, null));
        }
      }
    });
  }
}

/** An algorithm that cuts a large order into pieces: many messages, and nearly all of them trade. */
function sliceLargeOrders(day: MarketDay, account: string): void {
  const asset = day.pick(day.assets.slice(0, 6));
  for (let times = 0; times < 2; times += 1) {
    day.at(day.between(day.open + 60_000, day.close - 60_000), () => {
      for (let n = 0; n < 130; n += 1) {
        day.in(n * 70, () => day.place(account, asset, 'sell', 1, null));
      }
    });
  }
}

/** Orders of hours, all cancelled in a second. */
function cancelAllAtOnce(day: MarketDay, account: string): void {
  const asset = day.pick(day.assets);
  const orders: DayOrder[] = [];
  for (let n = 0; n < 150; n += 1) {
    day.at(day.open + 60_000 + n * 60_000, () => {
      orders.push(day.place(account, asset, 'buy', 5, (asset.fair * 98n) / 100n));
    });
  }
  day.at(day.open + 60_000 + 155 * 60_000, () => {
    for (const [n, order] of orders.entries()) day.in(n * 5, () => day.cancel(order));
  });
}

/** Has an order on each side, and takes one back when the other executed. */
function withdrawOneAfterFill(day: MarketDay, account: string): void {
  for (let times = 0; times < 8; times += 1) {
    day.at(day.between(day.open, day.close - 600_000), () => {
      const asset = day.pick(day.assets);
      const bid = day.place(account, asset, 'buy', 50, (asset.fair * 995n) / 1_000n);
      day.in(day.between(5_000, 60_000), () => day.place(account, asset, 'sell', 10, null));
      day.in(day.between(62_000, 80_000), () => day.cancel(bid));
    });
  }
}

/** Sells into strength at several prices, buys a little more, and gives up on the rest much later. */
function ladderOut(day: MarketDay, account: string): void {
  for (let times = 0; times < 3; times += 1) {
    day.at(day.between(day.open, day.close - 2_000_000), () => {
      const asset = day.pick(day.assets);
      const rungs = [20n, 40n, 60n, 80n, 100n].map((bps) =>
        day.place(account, asset, 'sell', 20, (asset.fair * (10_000n + bps)) / 10_000n),
      );
      day.in(day.between(10_000, 200_000), () => day.place(account, asset, 'buy', 10, null));
      day.in(day.between(600_000, 1_200_000), () => rungs.forEach((rung) => day.cancel(rung)));
    });
  }
}

/** A large investor: a fifth of the volume, but not a price of its own. */
function tradeHeavily(day: MarketDay, account: string, asset: DayAsset): void {
  for (let n = 0; n < 400; n += 1) {
    day.at(day.between(day.open, day.close), () => day.place(account, asset, 'buy', 25, null));
  }
}

/** Those who meet in the book and have nothing to do with each other, or too little. */
function meetByChance(day: MarketDay, people: People): void {
  const quiet = day.assets.slice(-3);
  // two strangers, in an asset where few others are
  for (let n = 0; n < 3; n += 1)
    meetOften(day, people.stranger(), people.stranger(), quiet[n]!, 60);
  // a family that has moved apart
  const [one, two] = [
    people.add({ lastName: 'Papadopoulos' }),
    people.add({ lastName: 'Papadopoulos' }),
  ];
  meetOften(day, one.accountIds[0]!, two.accountIds[0]!, quiet[0]!, 30);
  // an office whose address fifteen people gave
  const office = anAddress('1 Corporate Plaza');
  const colleagues = Array.from(
    { length: 15 },
    () => people.add({ address: office }).accountIds[0]!,
  );
  for (let n = 0; n < 4; n += 1) {
    meetOften(day, colleagues[n]!, colleagues[n + 5]!, quiet[n % 3]!, 20);
  }
  // people of one household, and one person's two accounts, once each
  for (let n = 0; n < 4; n += 1) {
    const home = anAddress(`${n} Elm Street`);
    const [a, b] = [people.add({ address: home }), people.add({ address: home })];
    meetOften(day, a.accountIds[0]!, b.accountIds[0]!, quiet[n % 3]!, 1);
    const [first, second] = people.add({ accounts: 2 }).accountIds;
    meetOften(day, first!, second!, quiet[n % 3]!, 1);
  }
}

/** One offers, and some while later the other happens to take it: sizes and sides as it comes. */
function meetOften(day: MarketDay, one: string, two: string, asset: DayAsset, times: number): void {
  for (let n = 0; n < times; n += 1) {
    day.at(day.between(day.open, day.close - 200_000), () => {
      const [maker, taker] = day.chance() < 0.5 ? [one, two] : [two, one];
      const side = day.pick(['buy', 'sell'] as const);
      day.place(maker, asset, side, day.pick(SIZES), day.inside(asset, side));
      day.in(day.between(15_000, 90_000), () =>
        day.place(taker, asset, other(side), day.pick(SIZES), null),
      );
    });
  }
}
