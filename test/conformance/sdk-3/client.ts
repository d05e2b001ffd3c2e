import { createRequire } from 'node:module';
import { methodsOfObject, type Calls, type Exclusions } from '../calls.js';
import type { Product } from '../../support/processes.js';

/** What the SDK answers with: it is JavaScript, and declares next to nothing. */
export type Json = Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any

/** What an order's update looks like in `onOrderUpdate`. */
export interface Update {
  event: string;
  price: string | null;
  qty: string | null;
  position_qty: string | null;
  order: Json;
}

export interface Stream {
  connect(): void;
  disconnect(): void;
  reconnect(): void;
  subscribe(streams: string[]): void;
  unsubscribe(streams: string[]): void;
  subscriptions(): string[];
  state(): string;
  get(key: string): unknown;
  send(data: string): void;
  onConnect(listener: () => void): void;
  onDisconnect(listener: () => void): void;
  onOrderUpdate(listener: (update: Update) => void): void;
  onAccountUpdate(listener: (update: unknown) => void): void;
  onStateChange(listener: (state: string) => void): void;
  onError(listener: (error: string) => void): void;
}

type Method = (...args: unknown[]) => Promise<Json>;
/** Lists are objects as well, to a language without types. */
export type Sdk3 = Record<string, Method> & { trade_ws: Stream };
type Constructor = new (options: { keyId: string; secretKey: string; baseUrl: string }) => Sdk3;

const Alpaca = createRequire(import.meta.url)('@alpacahq/alpaca-trade-api') as Constructor;

/** The unmodified SDK with a demo client's keys: `baseUrl` is all that changes. */
export function openSdk3({ demo }: Product, calls: Calls, secretKey?: string): Sdk3 {
  const { key_id: keyId, secret_key: secret } = demo.clients[0]!;
  const sdk = new Alpaca({ keyId, secretKey: secretKey ?? secret, baseUrl: demo.url });
  return calls.note('', sdk);
}

/** A stream of its own, so that one test does not hear what another did. */
export const openStream3 = (product: Product, calls: Calls, secretKey?: string): Stream =>
  calls.note('trade_ws.', openSdk3(product, calls, secretKey).trade_ws);

/** Everything that the SDK can do. */
export function surfaceOfSdk3(): string[] {
  const sdk = new Alpaca({ keyId: 'key', secretKey: 'secret', baseUrl: 'http://127.0.0.1' });
  const ofStream = Object.getPrototypeOf(sdk.trade_ws) as object;
  const ofItself = Object.getOwnPropertyNames(ofStream).filter((name) => name !== 'constructor');
  return [...methodsOfObject(sdk), ...ofItself.map((name) => `trade_ws.${name}`)];
}

export const EXCLUDED_OF_SDK3: Exclusions = {
  'market data, from another host': [
    ...['dataHttpRequest', 'newTimeframe', 'getNews', 'getCorporateActions'],
    ...['getTradesV2', 'getMultiTradesV2', 'getMultiTradesAsyncV2'],
    ...['getQuotesV2', 'getMultiQuotesV2', 'getMultiQuotesAsyncV2'],
    ...['getBarsV2', 'getMultiBarsV2', 'getMultiBarsAsyncV2', 'getSnapshot', 'getSnapshots'],
    ...['getLatestTrade', 'getLatestTrades', 'getLatestQuote', 'getLatestQuotes'],
    ...['getLatestBar', 'getLatestBars', 'getCryptoTrades', 'getCryptoQuotes', 'getCryptoBars'],
    ...['getLatestCryptoTrades', 'getLatestCryptoQuotes', 'getLatestCryptoBars'],
    ...['getCryptoSnapshots', 'getCryptoOrderbooks'],
  ],
  'options, which are not traded here': [
    ...['getOptionBars', 'getOptionTrades', 'getOptionLatestTrades', 'getOptionLatestQuotes'],
    ...['getOptionSnapshots', 'getOptionChain'],
  ],
  'of Polygon, which the SDK does not even connect to any more': [
    ...['trade_ws._ensure_polygon', 'trade_ws._unsubscribe_polygon'],
    ...['trade_ws.onPolygonConnect', 'trade_ws.onPolygonDisconnect'],
    ...['trade_ws.onStockTrades', 'trade_ws.onStockQuotes'],
    ...['trade_ws.onStockAggSec', 'trade_ws.onStockAggMin'],
  ],
  'called by connect() itself': [
    ...['trade_ws.authenticate', 'trade_ws.handleMessage', 'trade_ws.authResultHandler'],
    'trade_ws.log',
  ],
};

/** The refusal that a call ended with, as the SDK's axios hands it on. */
export async function refusalOf(call: Promise<unknown>): Promise<{ status: number; data: Json }> {
  try {
    await call;
  } catch (error) {
    const { response } = error as { response?: { status: number; data: Json } };
    if (response) return response;
    throw error;
  }
  throw new Error('it was not refused');
}
