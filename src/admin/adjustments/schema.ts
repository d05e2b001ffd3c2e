import Joi from 'joi';
import { waitsForApproval } from '../../approvals/schema.js';
import { PRICE_SCALE, QTY_SCALE } from '../../domain/money.js';
import { decimal } from '../../http/decimal.js';
import { idempotencyHeaders } from '../../http/idempotency.js';
import type { Operation } from '../../http/operation.js';

export interface AdjustmentBody {
  account_id: string;
  asset: string;
  /** In 10^-9 units of whatever the asset is. */
  amount: bigint;
  /** In 10^-4 USD. */
  cost?: bigint;
  reason: string;
}

/** More of it in one adjustment is a slip of the pen: in dollars or shares. */
export const AMOUNT_MAX = 1_000_000_000n;

/** @param least the lowest that it may be, in whole dollars or shares */
const within = (scale: number, least: bigint) =>
  decimal(scale).custom((value: bigint, { message }) => {
    const one = 10n ** BigInt(scale);
    if (value >= least * one && value <= AMOUNT_MAX * one) return value;
    return message({ custom: `{#label} must be from ${least} to ${AMOUNT_MAX}` });
  });

export const adjustmentSchema = Joi.object({
  account_id: Joi.string().guid().required(),
  asset: Joi.string().max(40).required().description('USD, AAPL, BTC/USD, BTCUSD or an asset id'),
  amount: within(QTY_SCALE, -AMOUNT_MAX)
    .required()
    .description('What the account gets, or gives when negative: dollars, shares or coins'),
  cost: within(PRICE_SCALE, 0n).description(
    'What shares or coins that come in have cost, in dollars; only for these, and needed for them',
  ),
  reason: Joi.string()
    .trim()
    .min(1)
    .max(500)
    .required()
    .description('Why; it is recorded, and the client can read it'),
}).label('Adjustment');

export const adjustmentOperations: readonly Operation[] = [
  {
    method: 'post',
    path: '/v2/admin/adjustments',
    tag: 'Adjustments',
    access: 'staff',
    roles: ['ops', 'compliance', 'admin'],
    summary: "Correct a client's cash or holdings",
    description:
      'Waits for the approval of a second person, compliance or admin. It is booked against the ' +
      "house's account for adjustments. Nothing that open orders hold can be taken, at the request " +
      'and at the approval (409).',
    headers: idempotencyHeaders,
    body: adjustmentSchema,
    responses: waitsForApproval,
    problems: [409],
  },
];
