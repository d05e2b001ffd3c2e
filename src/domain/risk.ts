import { formatDecimal, PRICE_SCALE, QTY_SCALE } from './money.js';

/** An account's cash as its locked row has it, in 10^-4 USD. */
export interface CashBalance {
  readonly id: string;
  readonly cash: bigint;
  readonly cashHeld: bigint;
}

/** A position as its locked row has it, in 10^-9 units. */
export interface QtyBalance {
  readonly accountId: string;
  readonly assetId: string;
  readonly qty: bigint;
  readonly held: bigint;
}

/** Why a buy order was refused: decimals as text, in the wire format's names. */
export interface CashRefusal {
  readonly buying_power: string;
  readonly cost_basis: string;
}

/** Why a sell order was refused: decimals as text, in the wire format's names. */
export interface QtyRefusal {
  readonly symbol: string;
  readonly available: string;
  readonly existing_qty: string;
  readonly held_for_orders: string;
}

export interface QtyReservation {
  readonly accountId: string;
  readonly assetId: string;
  readonly qty: bigint;
}

interface Purse {
  readonly owned: bigint;
  readonly heldBefore: bigint;
  reserved: bigint;
}

const EMPTY: Readonly<Purse> = { owned: 0n, heldBefore: 0n, reserved: 0n };
const available = ({ owned, heldBefore, reserved }: Readonly<Purse>): bigint =>
  owned - heldBefore - reserved;
const positionKey = (accountId: string, assetId: string): string => `${accountId} ${assetId}`;

/**
 * What a batch of orders may still hold: starts from the balances under lock and is drawn down order
 * by order, so that two orders of one batch never hold the same cash or shares. A refused order
 * reserves nothing. Nothing can be sold that is not there: no short sales, no margin.
 */
export class Funds {
  readonly #cash = new Map<string, Purse>();
  readonly #positions = new Map<string, Purse & { accountId: string; assetId: string }>();

  constructor(accounts: Iterable<CashBalance>, positions: Iterable<QtyBalance>) {
    for (const { id, cash, cashHeld } of accounts) {
      this.#cash.set(id, { owned: cash, heldBefore: cashHeld, reserved: 0n });
    }
    for (const { accountId, assetId, qty, held } of positions) {
      const purse = { accountId, assetId, owned: qty, heldBefore: held, reserved: 0n };
      this.#positions.set(positionKey(accountId, assetId), purse);
    }
  }

  /**
   * Reserves cash for a buy order.
   * @param amount what the order holds, fees included (`holdFor`), in 10^-4 USD
   * @returns null, or why not: the buying power left and what the order needs
   */
  reserveCash(accountId: string, amount: bigint): CashRefusal | null {
    if (amount === 0n) return null;
    const purse = this.#cash.get(accountId);
    if (!purse || amount > available(purse)) {
      return {
        buying_power: formatDecimal(available(purse ?? EMPTY), PRICE_SCALE),
        cost_basis: formatDecimal(amount, PRICE_SCALE),
      };
    }
    purse.reserved += amount;
    return null;
  }

  /**
   * Reserves shares or coins for a sell order.
   * @param symbol only to name it in a refusal
   * @param qty    in 10^-9 units
   * @returns null, or why not: what is there and what other orders hold of it
   */
  reserveQty(accountId: string, assetId: string, symbol: string, qty: bigint): QtyRefusal | null {
    if (qty === 0n) return null;
    const purse = this.#positions.get(positionKey(accountId, assetId));
    if (!purse || qty > available(purse)) {
      const { owned, heldBefore, reserved } = purse ?? EMPTY;
      return {
        symbol,
        available: formatDecimal(owned - heldBefore - reserved, QTY_SCALE),
        existing_qty: formatDecimal(owned, QTY_SCALE),
        held_for_orders: formatDecimal(heldBefore + reserved, QTY_SCALE),
      };
    }
    purse.reserved += qty;
    return null;
  }

  /** Gives back what was reserved for an order that is refused after all. */
  returnCash(accountId: string, amount: bigint): void {
    const purse = this.#cash.get(accountId);
    if (purse) purse.reserved -= amount;
  }

  /** What could still be sold, in 10^-9 units. */
  availableQty(accountId: string, assetId: string): bigint {
    return available(this.#positions.get(positionKey(accountId, assetId)) ?? EMPTY);
  }

  /** What the batch reserved of an account's cash: to be added to what it holds. */
  cashReserved(accountId: string): bigint {
    return this.#cash.get(accountId)?.reserved ?? 0n;
  }

  /** The positions of which the batch reserved something, in the order they were given. */
  qtyReserved(): QtyReservation[] {
    const drawn = [...this.#positions.values()].filter(({ reserved }) => reserved > 0n);
    return drawn.map(({ accountId, assetId, reserved }) => ({ accountId, assetId, qty: reserved }));
  }
}
