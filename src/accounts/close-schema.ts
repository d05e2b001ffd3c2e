import Joi from 'joi';
import { pairParamsSchema } from '../assets/schema.js';
import { QTY_SCALE } from '../domain/money.js';
import { decimal } from '../http/decimal.js';
import { answerSchema, type Operation } from '../http/operation.js';
import { orderSchema } from '../orders/docs.js';
import { PERCENT_SCALE } from './close-positions.js';
import { positionParamsSchema } from './schema.js';

const HUNDRED = 100n * 10n ** BigInt(PERCENT_SCALE);

const above = (limit: bigint | null, rule: string) =>
  ((units: bigint | string, { message }) =>
    typeof units === 'bigint' && (units <= 0n || (limit !== null && units > limit))
      ? message({ custom: `{#label} ${rule}` })
      : units) as Joi.CustomValidator;

export const closePositionSchema = Joi.object({
  qty: decimal(QTY_SCALE)
    .custom(above(null, 'must be above 0'))
    .description('How much to sell; everything when neither this nor percentage is sent'),
  percentage: decimal(PERCENT_SCALE)
    .custom(above(HUNDRED, 'must be above 0 and at most 100'))
    .description(
      'Of the position, up to 9 decimals; rounded down to whole shares or, of a position with ' +
        'fractions, to the increment of the asset',
    ),
})
  .oxor('qty', 'percentage')
  .label('ClosePosition');

export const closeAllSchema = Joi.object({
  cancel_orders: Joi.boolean()
    .default(false)
    .description('Cancel all open orders first, and wait up to 2 s until they are'),
}).label('CloseAllPositions');

export const closedPositionsSchema = Joi.array().items(
  answerSchema('ClosedPosition', {
    symbol: Joi.string(),
    status: Joi.number().integer(),
    body: Joi.object().unknown().description('The order that closes it, or the problem'),
  }),
);

const tag = 'Account and positions';
const description =
  'What is said in the query may be said in a JSON body instead; what is said in both must be equal.';
const ORDER = { description: 'The order that closes the position', schema: orderSchema };

export const closeOperations: readonly Operation[] = [
  {
    method: 'delete',
    path: '/v2/positions',
    tag,
    access: 'trade',
    account: true,
    summary: 'Close all positions with market orders',
    description,
    query: closeAllSchema,
    body: closeAllSchema,
    responses: { 207: { description: 'One outcome a position', schema: closedPositionsSchema } },
  },
  {
    method: 'delete',
    path: '/v2/positions/:symbol_or_asset_id',
    tag,
    access: 'trade',
    account: true,
    summary: 'Close a position, or a part of it, with a market order',
    description,
    params: positionParamsSchema,
    query: closePositionSchema,
    body: closePositionSchema,
    responses: { 200: ORDER },
    problems: [403, 404],
  },
  {
    method: 'delete',
    path: '/v2/positions/:base/:quote',
    tag,
    access: 'trade',
    account: true,
    summary: 'Close a position, its symbol written with a plain slash',
    description,
    params: pairParamsSchema,
    query: closePositionSchema,
    body: closePositionSchema,
    responses: { 200: ORDER },
    problems: [403, 404],
  },
];
