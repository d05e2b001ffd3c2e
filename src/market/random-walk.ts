/** A source of numbers in [0, 1), such as Math.random. */
export type Random = () => number;

/** A seeded generator of random numbers (mulberry32): the same seed gives the same ones. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const BPS_ONE = 10_000;
const CENT = 100n;
/** How strongly a price is drawn back to where it came from, per step. */
const REVERSION = 0.002;

/** A normally distributed number (Box and Muller's method). */
export function normal(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  return radius * Math.cos(2 * Math.PI * random());
}

/**
 * The next simulated reference price: a random walk in proportion to the price, drawn gently back
 * to its anchor so that a demo that runs for weeks stays believable. This is where the simulation
 * makes prices up: the one place that uses floating point, and no money is computed here.
 * @param price         in 10^-4 USD
 * @param anchor        in 10^-4 USD
 * @param volatilityBps standard deviation of one step, in 1/100 of a percent
 * @returns in 10^-4 USD, at least one cent
 */
export function nextPrice(
  price: bigint,
  anchor: bigint,
  volatilityBps: number,
  random: Random,
): bigint {
  const pull = (REVERSION * (Number(anchor) - Number(price))) / Number(price);
  const step = pull + (normal(random) * volatilityBps) / BPS_ONE;
  const moved = BigInt(Math.round(Number(price) * (1 + step)));
  return moved > CENT ? moved : CENT;
}
