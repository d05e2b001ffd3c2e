import Joi from 'joi';
import { orAbsent } from '../http/absent.js';
import { idempotencyHeaders } from '../http/idempotency.js';
import { assetSchema } from '../assets/schema.js';
import { answerSchema, timeText, uuidText, type Operation } from '../http/operation.js';
import { SYMBOLS_MAX, WATCHLISTS_MAX } from './service.js';

const NAME_MAX = 64;
const name = Joi.string().trim().min(1).max(NAME_MAX);
const symbol = Joi.string().max(40);
/** SDKs may send nulls among the symbols. */
const symbols = Joi.array()
  .items(symbol.allow(null))
  .max(SYMBOLS_MAX)
  .custom((list: (string | null)[]) => list.filter((one) => one !== null))
  .description('In the order they are to be in; each once');

export const createWatchlistSchema = Joi.object({
  name: name.required(),
  symbols: orAbsent(symbols).default([]),
}).label('CreateWatchlist');

export const changeWatchlistSchema = Joi.object({
  id: Joi.string().guid().description("May be repeated here when it is the path's"),
  name: orAbsent(name),
  symbols: orAbsent(symbols),
})
  .or('name', 'symbols')
  .label('ChangeWatchlist');

export const addToWatchlistSchema = Joi.object({ symbol: symbol.required() }).label(
  'AddToWatchlist',
);

export const byNameSchema = Joi.object({ name: Joi.string().trim().max(NAME_MAX).required() });

const id = Joi.string().guid().required();
export const byIdSchema = Joi.object({ id });
export const symbolSchema = symbol.required().description('AAPL, BTC%2FUSD, BTCUSD or an asset id');
const pair = {
  base: Joi.string().max(20).required().description('BTC'),
  quote: Joi.string().max(20).required().description('USD'),
};
export const paramsSchemas = {
  id: byIdSchema,
  idSymbol: Joi.object({ id, symbol: symbolSchema }),
  idPair: Joi.object({ id, ...pair }),
  symbol: Joi.object({ symbol: symbolSchema }),
  pair: Joi.object(pair),
};

const members = {
  id: uuidText,
  account_id: uuidText,
  name: Joi.string(),
  created_at: timeText,
  updated_at: timeText,
};
export const watchlistsSchema = Joi.array().items(answerSchema('WatchlistWithoutAssets', members));
export const watchlistSchema = answerSchema('Watchlist', {
  ...members,
  assets: Joi.array().items(assetSchema).description("In the list's order"),
});

const tag = 'Watchlists';
const WATCHLIST = { description: 'The watchlist', schema: watchlistSchema };
const DELETED = { description: 'It is deleted' };
const BY_NAME = '/v2/watchlists\\:by_name';

type Terms = Pick<Operation, 'method' | 'path' | 'summary'> & Partial<Operation>;

const operation = (terms: Terms): Operation => ({
  tag,
  access: terms.method === 'get' ? 'read' : 'trade',
  account: true,
  responses: { 200: WATCHLIST },
  problems: [404],
  ...(terms.method === 'post' && { headers: idempotencyHeaders }),
  ...terms,
});

/** What can be done with one list, whether its id or its name is said. */
const ofOne = (path: string, which: Partial<Operation>, by: string): Operation[] => [
  operation({ method: 'get', path, summary: `One watchlist${by}`, ...which }),
  operation({
    method: 'put',
    path,
    summary: `Change the name or the symbols of a watchlist${by}`,
    body: changeWatchlistSchema,
    ...which,
  }),
  operation({
    method: 'post',
    path,
    summary: `Add a symbol to the end of a watchlist${by}`,
    body: addToWatchlistSchema,
    ...which,
  }),
  operation({
    method: 'delete',
    path,
    summary: `Delete a watchlist${by}`,
    responses: { 204: DELETED },
    ...which,
  }),
];

const { idSymbol, idPair, symbol: symbolParams, pair: pairParams } = paramsSchemas;
const summary = 'Take a symbol off a watchlist';
const slash = `${summary}, the symbol written with a plain slash`;
const query = byNameSchema;

export const watchlistOperations: readonly Operation[] = [
  operation({
    method: 'get',
    path: '/v2/watchlists',
    summary: 'Your watchlists, without their assets',
    responses: { 200: { description: 'The oldest first', schema: watchlistsSchema } },
    problems: [],
  }),
  operation({
    method: 'post',
    path: '/v2/watchlists',
    summary: `Open a watchlist; an account has ${WATCHLISTS_MAX} at most`,
    body: createWatchlistSchema,
    problems: [],
  }),
  ...ofOne('/v2/watchlists/:id', { params: byIdSchema }, ''),
  ...ofOne(BY_NAME, { query }, ', by its name'),
  operation({ method: 'delete', path: '/v2/watchlists/:id/:symbol', summary, params: idSymbol }),
  operation({
    method: 'delete',
    path: '/v2/watchlists/:id/:base/:quote',
    summary: slash,
    params: idPair,
  }),
  operation({
    method: 'delete',
    path: `${BY_NAME}/:symbol`,
    summary: `${summary}, by its name`,
    params: symbolParams,
    query,
  }),
  operation({
    method: 'delete',
    path: `${BY_NAME}/:base/:quote`,
    summary: `${slash}, by its name`,
    params: pairParams,
    query,
  }),
];
