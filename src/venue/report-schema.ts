import Joi from 'joi';
import { PRICE_SCALE, QTY_SCALE } from '../domain/money.js';
import { REPORT_TYPES, type ReportType } from '../domain/venue-route.js';
import { decimal } from '../http/decimal.js';

/** A report of the external venue. Prices in 10^-4 USD, quantities in 10^-9 units. */
export interface ReceivedReport {
  readonly id: string;
  readonly route: string;
  readonly sequence: number;
  readonly type: ReportType;
  readonly symbol: string;
  readonly side: string;
  readonly execution_id: string | null;
  readonly price: bigint | null;
  readonly qty: bigint | null;
  readonly total_qty: bigint | null;
  readonly reason: string | null;
}

const onlyOf = (type: ReportType, schema: Joi.Schema): Joi.Schema =>
  Joi.when('type', { is: type, then: schema.required(), otherwise: Joi.valid(null).required() });

/** What another company sends is not trusted to be whole. */
export const reportSchema = Joi.object<ReceivedReport>({
  id: Joi.string().guid().required(),
  route: Joi.string().guid().required(),
  sequence: Joi.number().integer().min(1).max(1_000_000).required(),
  type: Joi.valid(...REPORT_TYPES).required(),
  symbol: Joi.string().max(20).required(),
  side: Joi.valid('buy', 'sell').required(),
  execution_id: onlyOf('fill', Joi.string().guid()),
  price: onlyOf('fill', decimal(PRICE_SCALE)),
  qty: onlyOf('fill', decimal(QTY_SCALE)),
  total_qty: onlyOf('done', decimal(QTY_SCALE)),
  reason: Joi.string().max(200).allow(null).required(),
}).required();
