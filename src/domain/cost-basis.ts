/** What an account has of an asset. The quantity in 10^-9 units, the cost in 10^-4 USD. */
export interface Holding {
  qty: bigint;
  costBasis: bigint;
}

/** A purchase (above zero) or a sale. */
export interface HoldingMovement {
  readonly qty: bigint;
  /** What a purchase adds to the cost basis, with its fee. */
  readonly cost: bigint;
}

/**
 * What a trade changes of a holding's cost basis, in 10^-4 USD: a purchase adds what it cost, a sale
 * takes its share (average cost, rounded down).
 * @param holding as it was before; of a sale, its quantity is not zero
 */
export const costChange = ({ qty, costBasis }: Holding, movement: HoldingMovement): bigint =>
  movement.qty > 0n ? movement.cost : (costBasis * movement.qty) / qty;
