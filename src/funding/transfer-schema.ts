import Joi from 'joi';
import { pageLimit, pageQuery } from '../http/page.js';
import { PRICE_SCALE } from '../domain/money.js';
import { PROVIDER_EVENTS, TRANSFER_STATUSES } from '../domain/transfer-state.js';
import { orAbsent } from '../http/absent.js';
import { decimal } from '../http/decimal.js';
import { among, listParameter } from '../http/list-parameter.js';
import { type DIRECTION_ON_WIRE, STATUS_ON_WIRE } from './presenter.js';
import type { Direction, TransferType } from './transfer-model.js';

/** What may be sent about transfers. */

export interface RequestTransferBody {
  direction: keyof typeof DIRECTIONS;
  bank_account_id: string;
  amount: bigint;
  transfer_type?: TransferType;
}

/** The wire's words for ours. */
export const DIRECTIONS = { INCOMING: 'incoming', OUTGOING: 'outgoing' } as const satisfies Record<
  (typeof DIRECTION_ON_WIRE)[Direction],
  Direction
>;
const STATUSES = Object.fromEntries(
  TRANSFER_STATUSES.map((status) => [STATUS_ON_WIRE[status], status]),
);

const direction = Joi.valid(...Object.keys(DIRECTIONS));

export const requestTransferSchema = Joi.object({
  direction: direction.required().description('INCOMING: a deposit; OUTGOING: a withdrawal'),
  bank_account_id: Joi.string().guid().required(),
  amount: decimal(PRICE_SCALE).required().description('In dollars and whole cents'),
  transfer_type: orAbsent(Joi.valid('ach', 'wire')).description(
    'ach unless said otherwise; of an IBAN always wire',
  ),
}).label('RequestTransfer');

export const transferIdSchema = Joi.object({ id: Joi.string().guid().required() });

const filters = {
  direction,
  status: listParameter({
    maxLength: 200,
    each: (name) => name.toUpperCase(),
    fault: among(Object.keys(STATUSES)),
  })
    .custom((names: string[]) => names.map((name) => STATUSES[name]))
    .description(`Comma-separated or repeated: ${Object.keys(STATUSES).join(', ')}`),
  after: Joi.date().iso().description('Only those requested after this time'),
  until: Joi.date().iso().description('Only those requested before this time'),
  limit: pageLimit,
};

export interface ListTransfersQuery {
  direction?: keyof typeof DIRECTIONS;
  status?: (typeof TRANSFER_STATUSES)[number][];
  after?: Date;
  until?: Date;
  limit: number;
  page_token?: string;
  account_id?: string;
  disputed?: boolean;
}

export const listTransfersSchema = Joi.object({
  ...filters,
  page_token: Joi.string().guid().description('The id of the last transfer that you have'),
});

export const listStaffTransfersSchema = Joi.object({
  ...filters,
  account_id: Joi.string().guid(),
  disputed: Joi.boolean().description('The payment provider has contradicted itself'),
  page_token: pageQuery.page_token,
});

/** What the payment provider sends; its signature is checked before. */
export const paymentEventSchema = Joi.object({
  id: Joi.string().guid().required(),
  type: Joi.valid(...PROVIDER_EVENTS.map((type) => `payment.${type}`)).required(),
  sequence: Joi.number().integer().min(1).max(1_000_000).required(),
  created_at: Joi.string().isoDate().required(),
  payment: Joi.object({
    id: Joi.string().max(100).required(),
    reference: Joi.string().guid().required().description('The transfer'),
    direction: Joi.valid('incoming', 'outgoing').required(),
    amount: decimal(PRICE_SCALE).required(),
    currency: Joi.valid('USD').required(),
  }).required(),
  reason: Joi.string().max(200).allow(null).required(),
}).label('PaymentEvent');
