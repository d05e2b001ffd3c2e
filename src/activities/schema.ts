import Joi from 'joi';
import { among, listParameter } from '../http/list-parameter.js';
import {
  answerSchema,
  decimalText,
  timeText,
  uuidText,
  type Operation,
} from '../http/operation.js';

/** Those that happen here. */
export const TYPES = ['FILL', 'FEE', 'CSD', 'CSW', 'JNLC', 'JNLS'] as const;
export type ActivityType = (typeof TYPES)[number];

/** All of the wire contract and of its clients' lists: who asks for another gets none. */
const KNOWN_TYPES =
  `ACATC ACATS CFEE CGD CIL CSD CSR CSW DIV DIVCGL DIVCGS DIVFEE DIVFT DIVNRA DIVROC
  DIVTW DIVTXEX DIVWH EXTRD FEE FILL FOPT FXTRD INT INTNRA INTPNL INTTW JNL JNLC JNLS MA MEM MISC NC
  OCT OPASN OPCA OPCSH OPEXC OPEXP OPTRD OPXRC PTC PTR REO REORG SC SPIN SPLIT SSO SSP SWP TRANS VOF
  WH`.split(/\s+/);

/** Those that stand for several. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  TRANS: ['CSD', 'CSW'],
  MISC: TYPES.filter((type) => !['FILL', 'CSD', 'CSW'].includes(type)), // nor dividends, had we any
};

const PAGE_MAX = 100;
/** Whoever asks for a day, without paging, means all of it. */
const DAY_PAGE_MAX = 1_000;

export interface ActivitiesQuery {
  activity_types?: string[];
  category?: 'trade_activity' | 'non_trade_activity';
  date?: Date;
  after?: Date;
  until?: Date;
  direction: 'asc' | 'desc';
  page_size: number;
  page_token?: string;
}

/** Becomes an array of types. */
export const typeList = listParameter({
  maxLength: 500,
  each: (type) => type.toUpperCase(),
  fault: among(KNOWN_TYPES),
}).custom((types: string[]) => types.flatMap((type) => GROUPS[type] ?? [type]));

const page = {
  date: Joi.date().iso().description('Only of this day, UTC'),
  after: Joi.date().iso().description('Only what happened after this time'),
  until: Joi.date().iso().description('Only what happened before this time'),
  direction: Joi.string().valid('asc', 'desc').default('desc'),
  page_size: Joi.number()
    .integer()
    .min(1)
    .when('date', {
      is: Joi.exist(),
      then: Joi.number().max(DAY_PAGE_MAX).default(DAY_PAGE_MAX),
      otherwise: Joi.number().max(PAGE_MAX).default(PAGE_MAX),
    })
    .description(`At most ${PAGE_MAX}, with date ${DAY_PAGE_MAX}; as many when absent`),
  page_token: Joi.string().max(100).description('The id of the last activity that you have'),
};

export const activitiesSchema = Joi.object({
  activity_types: typeList.description(
    `Comma-separated or repeated; here are ${TYPES.join(', ')}. TRANS is CSD and CSW, MISC all that ` +
      'is neither FILL nor a dividend nor TRANS',
  ),
  category: Joi.string()
    .valid('trade_activity', 'non_trade_activity')
    .description('Not together with activity_types'),
  ...page,
}).oxor('activity_types', 'category');

export const activitiesOfTypeSchema = Joi.object(page);

export const activityTypeSchema = Joi.object({
  activity_type: typeList.required().description('Such as FILL'),
});

const id = Joi.string()
  .pattern(/^\d{17}::[\da-f-]{36}$/)
  .description('Time in New York and a UUID; the page_token of what comes after it');

export const fillSchema = answerSchema('TradeActivity', {
  id,
  activity_type: Joi.valid('FILL'),
  transaction_time: timeText,
  type: Joi.string().valid('fill', 'partial_fill'),
  price: decimalText,
  qty: decimalText,
  side: Joi.string().valid('buy', 'sell'),
  symbol: Joi.string(),
  leaves_qty: decimalText.description('What is left of the order'),
  cum_qty: decimalText.description('What was filled of the order so far'),
  order_id: uuidText,
  order_status: Joi.string().valid('partially_filled', 'filled'),
});

export const nonTradeSchema = answerSchema('NonTradeActivity', {
  id,
  activity_type: Joi.string().valid('FEE', 'CSD', 'CSW', 'JNLC', 'JNLS'),
  activity_sub_type: Joi.string().valid('COM').allow(null),
  date: Joi.string().pattern(/^\d{4}-\d\d-\d\d$/),
  created_at: timeText,
  net_amount: decimalText.description('Of money; what goes out is negative'),
  symbol: Joi.string().allow(null),
  qty: decimalText.allow(null).description('Of shares; what goes out is negative'),
  price: Joi.valid(null),
  per_share_amount: Joi.valid(null),
  currency: Joi.valid('USD'),
  cusip: Joi.valid(null),
  group_id: uuidText.allow(null).description('The journal: its activities belong together'),
  order_id: uuidText.allow(null).description("A fee's order"),
  description: Joi.string(),
  status: Joi.valid('executed'),
});

const tag = 'Account and positions';
const ACTIVITIES = {
  description: 'A page of activities',
  schema: Joi.array().items(fillSchema, nonTradeSchema),
};
const description =
  'In the order in which things happened on the account. The id of the last activity of a page is ' +
  'the page_token of the next; whoever pages through sees each activity once.';

export const activityOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/v2/account/activities',
    tag,
    access: 'read',
    account: true,
    summary: 'What happened on your account: trades, fees, money and shares in and out',
    description,
    query: activitiesSchema,
    responses: { 200: ACTIVITIES },
  },
  {
    method: 'get',
    path: '/v2/account/activities/:activity_type',
    tag,
    access: 'read',
    account: true,
    summary: "Your account's activities of one type",
    description,
    params: activityTypeSchema,
    query: activitiesOfTypeSchema,
    responses: { 200: ACTIVITIES },
  },
];
