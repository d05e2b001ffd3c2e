import Joi from 'joi';
import { pageLimit, pageQuery } from '../http/page.js';
import { CASE_KINDS, CASE_STATUSES, RESOLUTIONS } from './case-model.js';

/** What staff may send. */

const ACCOUNTS_MAX = 50;
const note = Joi.string().trim().min(1).max(5_000).required();

export const openCaseSchema = Joi.object({
  kind: Joi.valid(...CASE_KINDS).default('other'),
  account_ids: Joi.array().items(Joi.string().guid()).min(1).max(ACCOUNTS_MAX).required(),
  symbol: Joi.string().max(40).description('AAPL, BTC/USD, BTCUSD or an asset id'),
  summary: Joi.string().trim().min(1).max(2_000).required().description('What is suspected'),
  score: Joi.number().integer().min(1).max(100).default(50),
  assigned_to: Joi.string().guid().description('Somebody of compliance, or an admin'),
}).label('OpenCase');

export const changeCaseSchema = Joi.object({
  status: Joi.valid(...CASE_STATUSES),
  assigned_to: Joi.string().guid().allow(null),
  resolution: Joi.valid(...RESOLUTIONS).description('Together with the status `closed`'),
  reason: note.description('Why; it is recorded with the change'),
})
  .or('status', 'assigned_to', 'resolution')
  .label('ChangeCase');

export const addNoteSchema = Joi.object({ note }).label('CaseNote');

export const caseIdSchema = Joi.object({ id: Joi.string().guid().required() });

export const listCasesSchema = Joi.object({
  kind: Joi.valid(...CASE_KINDS),
  status: Joi.valid(...CASE_STATUSES),
  account_id: Joi.string().guid(),
  symbol: Joi.string().max(40),
  after: Joi.date().iso().description('Opened after this time'),
  until: Joi.date().iso().description('Opened before this time'),
  ...pageQuery,
});

/** Of evidence or history: their ids are numbers. */
export const casePageSchema = Joi.object({
  limit: pageLimit,
  page_token: Joi.string()
    .pattern(/^\d{1,18}$/)
    .description("The last answer's next_page_token"),
});
