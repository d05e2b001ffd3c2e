import Router from '@koa/router';
import Joi from 'joi';
import type { Context } from 'koa';
import type { AssetCatalog } from '../assets/catalog.js';
import { invalid } from '../errors.js';
import type { Guards } from '../http/guards.js';
import { among, listParameter } from '../http/list-parameter.js';
import type { Operation } from '../http/operation.js';
import { requireAccount, requireScope } from '../http/require-role.js';
import { validateQuery } from '../http/validate.js';
import { MARKET_DATA_TAG, symbolList } from '../market/market-data-schema.js';
import { MarketEventSource } from './market-event-source.js';
import type { Topic } from './market-hub.js';
import { CHANNEL_NAMES, CHANNELS, type Channel } from './market-messages.js';
import { MarketSubscriber } from './market-subscriber.js';
import { sendBody } from './open-event-stream.js';
import type { Streams } from './streams.js';

export interface MarketStreamRoutesDeps extends Guards {
  readonly streams: Streams;
  readonly catalog: Pick<AssetCatalog, 'find'>;
}

interface StreamQuery {
  symbols: string[];
  channels: Channel[];
  seconds?: number;
}

const DEFAULT_CHANNELS: Channel[] = ['trades', 'quotes'];
const SECONDS_MAX = 86_400;

const streamQuerySchema = Joi.object({
  symbols: symbolList.description('Stocks and pairs, such as AAPL,BTC/USD'),
  channels: listParameter({ maxLength: 200, fault: among(CHANNEL_NAMES) })
    .default(DEFAULT_CHANNELS)
    .description(`Of ${CHANNEL_NAMES.join(', ')}; ${DEFAULT_CHANNELS.join(', ')} when absent`),
  seconds: Joi.number()
    .integer()
    .min(1)
    .max(SECONDS_MAX)
    .description('The stream ends after so long; never when absent'),
});

/** Market data as server-sent events. */
export function marketStreamRouter(deps: MarketStreamRoutesDeps): Router {
  const { authenticated, limitRate } = deps;
  const router = new Router();
  router.get(
    '/v2/markets/stream',
    authenticated,
    limitRate,
    requireScope('read'),
    requireAccount,
    validateQuery(streamQuerySchema),
    (ctx) => openMarketStream(ctx, ctx.state.query as StreamQuery, deps),
  );
  return router;
}

function openMarketStream(
  ctx: Context,
  { symbols, channels, seconds }: StreamQuery,
  { streams, catalog }: MarketStreamRoutesDeps,
): void {
  const { open, market } = streams;
  const { hub, limits } = market;
  const names = symbols.map((symbol) => symbolOf(catalog, symbol));
  const topics = channels.flatMap((channel) =>
    names.map((name): Topic => ({ kind: CHANNELS[channel], name })),
  );
  const stream = open.add('sse');
  ctx.res.once('close', () => open.remove(stream));
  try {
    open.identify(stream, ctx.state.principal);
    const body = new MarketEventSource(stream, ctx.res);
    const subscriber = new MarketSubscriber(hub, body, limits);
    body.belongTo(subscriber);
    if (!subscriber.subscribe(topics)) {
      body.destroy();
      throw invalid(
        `symbols and channels make ${topics.length} subscriptions; at most ${limits.topicsMax} are allowed`,
      );
    }
    sendBody(ctx, body);
    if (ctx.method === 'HEAD') body.complete();
    else if (seconds !== undefined) body.completeAfter(seconds * 1_000);
    subscriber.sendBooks(topics);
  } catch (error) {
    open.remove(stream);
    throw error;
  }
}

/** @throws DomainError 422 */
function symbolOf(catalog: Pick<AssetCatalog, 'find'>, name: string): string {
  const asset = catalog.find(name);
  if (asset) return asset.symbol;
  const message = `has "${name.slice(0, 40)}", which does not trade here`;
  throw invalid(`symbols ${message}`, { errors: [{ field: 'symbols', message }] });
}

const DESCRIPTION = `The messages of the WebSockets \`/v2/iex\` and \`/v1beta3/crypto/us\`, each as one
server-sent event: \`t\` trades, \`q\` quotes, \`b\`, \`u\` and \`d\` bars, \`o\` order books. Of a book the
first message is whole (\`r\`: true), then come differences, in which the size 0 removes a level.
\`seq\` counts the messages of a kind and symbol by 1: after a gap in \`o\` wait for, or connect again
to get, a whole book. A client that is too slow gets the latest quote and whole books about once a
second in place of each change, and is dropped when it takes nothing for 10 s.`;

export const marketStreamOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/v2/markets/stream',
    tag: MARKET_DATA_TAG,
    access: 'read',
    account: true,
    summary: 'Live trades, quotes, bars and order books as server-sent events',
    description: DESCRIPTION,
    query: streamQuerySchema,
    responses: {
      200: {
        description: 'A stream',
        type: 'text/event-stream',
        schema: Joi.string()
          .description('Messages with data: one JSON object with T, S, seq, stale and more')
          .meta({ name: 'MarketStream' }),
      },
    },
  },
];
