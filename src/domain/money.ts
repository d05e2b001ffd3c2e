/**
 * Money and prices are bigints in 10^-4 USD, quantities bigints in 10^-9. No float ever touches
 * them: text goes in, text comes out, and every division names its rounding.
 */

/** Digits after the point of a price or an amount of money. */
export const PRICE_SCALE = 4;
/** Digits after the point of a quantity (fractional shares, crypto). */
export const QTY_SCALE = 9;
/** The most that a Postgres bigint holds. */
export const MAX_UNITS = 2n ** 63n - 1n;

const QTY_ONE = 10n ** BigInt(QTY_SCALE);
const BPS_ONE = 10_000n;
const AVERAGE_SCALE = 6;
const AVERAGE_FACTOR = 10n ** BigInt(AVERAGE_SCALE + QTY_SCALE - PRICE_SCALE);

/** Longer than any amount that fits, short enough to be cheap to refuse. */
const MAX_TEXT_LENGTH = 64;
const PLAIN_DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/;
const NUMBER_TEXT = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/;
/** A double keeps any decimal of 15 significant digits; with more it may have changed on the way. */
const EXACT_DIGITS = 15;

/**
 * Reads a decimal exactly.
 * Plain decimals only: `150`, `150.25`, `-0.5`, `007`. Refused: an exponent, hex, signs other than
 * one leading minus, spaces, separators, `.5` and `5.` (as JSON refuses them), NaN and Infinity.
 * A JSON number counts as its shortest text (`1e-7` is 0.0000001) and may have 15 significant
 * digits: past that the parser may have rounded it before we saw it.
 * @param input text or a JSON number
 * @param scale digits after the point that one unit has, such as PRICE_SCALE
 * @returns the amount in units of 10^-scale, within +-(2^63-1)
 * @throws RangeError whose message goes on from the field's name: `must be ...`
 */
export function parseDecimal(input: string | number, scale: number): bigint {
  const text = typeof input === 'number' ? numberText(input) : input;
  if (text.length > MAX_TEXT_LENGTH) {
    throw new RangeError(`must be a decimal of at most ${MAX_TEXT_LENGTH} characters`);
  }
  const match = PLAIN_DECIMAL.exec(text);
  if (!match) throw new RangeError('must be a plain decimal such as "150.25"');
  const [, sign = '', whole = '', fraction = ''] = match;
  if (fraction.length > scale) {
    throw new RangeError(
      `must have at most ${scale} digits after the point; it has ${fraction.length}`,
    );
  }
  const units = BigInt(whole + fraction.padEnd(scale, '0'));
  if (units > MAX_UNITS) {
    throw new RangeError(`must be at most ${formatDecimal(MAX_UNITS, scale)}`);
  }
  return sign === '-' ? -units : units;
}

/** The shortest text of a double without its exponent. */
function numberText(input: number): string {
  const text = String(input);
  if (!Number.isFinite(input)) throw new RangeError(`must be a finite number; it is ${text}`);
  const plain = NUMBER_TEXT.test(text) ? expandExponent(text) : text;
  const significant = plain.replace(/[-.]/g, '').replace(/^0+/, '').replace(/0+$/, '');
  if (significant.length > EXACT_DIGITS) {
    throw new RangeError(`must be sent as a string: a number keeps ${EXACT_DIGITS} digits exactly`);
  }
  return plain;
}

function expandExponent(text: string): string {
  const [, sign = '', first = '', rest = '', exponentText = '0'] = NUMBER_TEXT.exec(text) ?? [];
  const digits = first + rest;
  const exponent = Number(exponentText);
  // String() uses an exponent below 1e-6 and from 1e21 only: the point is left or right of all digits.
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  return sign + digits.padEnd(exponent + 1, '0');
}

/**
 * Writes an amount as the wire has it: `150`, `150.25`, `-0.5`; never a trailing zero or `-0`.
 * @param units the amount in units of 10^-scale
 */
export function formatDecimal(units: bigint, scale: number): string {
  const negative = units < 0n;
  const digits = (negative ? -units : units).toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  let end = digits.length;
  while (end > whole.length && digits.charCodeAt(end - 1) === 48) end -= 1;
  const text = end > whole.length ? `${whole}.${digits.slice(whole.length, end)}` : whole;
  return negative ? `-${text}` : text;
}

/** What a trade is worth, in 10^-4 USD, rounded down. Both sides book this same number. */
export const tradeValue = (price: bigint, qty: bigint): bigint => (price * qty) / QTY_ONE;

/**
 * The most that an amount buys at a price, rounded down to the increment, in 10^-9 units.
 * @param amount, price in 10^-4 USD
 * @param increment     in 10^-9 units
 */
export const affordableQty = (amount: bigint, price: bigint, increment: bigint): bigint =>
  ((amount * QTY_ONE) / price / increment) * increment;

/** What an order by notional holds when buying: the amount and its fee, in 10^-4 USD, rounded up. */
export const holdForNotional = (notional: bigint, feeBps: number): bigint =>
  (notional * (BPS_ONE + BigInt(feeBps)) + BPS_ONE - 1n) / BPS_ONE;

/** The fee on a trade's value, in 10^-4 USD, rounded down: for the client. */
export const feeOn = (value: bigint, feeBps: number): bigint => (value * BigInt(feeBps)) / BPS_ONE;

/**
 * The cash that a buy order holds for its unfilled quantity, in 10^-4 USD, rounded up.
 * Always computed afresh for the whole rest, never by subtracting parts: so a fill of q at or below
 * the price releases `holdFor(r) - holdFor(r - q)`, which is at least its value and fee (both are
 * rounded down), and the last fill or cancellation releases the hold to the last unit.
 */
export function holdFor(price: bigint, qty: bigint, feeBps: number): bigint {
  const divisor = QTY_ONE * BPS_ONE;
  return (price * qty * (BPS_ONE + BigInt(feeBps)) + divisor - 1n) / divisor;
}

/**
 * The average price of what was filled, as decimal text with up to six places, rounded half up.
 * @param value the sum of the trades' values, in 10^-4 USD
 * @param qty   the filled quantity in 10^-9, above zero
 */
export const averagePrice = (value: bigint, qty: bigint): string =>
  formatDecimal((2n * value * AVERAGE_FACTOR + qty) / (2n * qty), AVERAGE_SCALE);
