import {
  Alpaca,
  OrdersApi,
  TradingClient,
  streaming,
  trading as sdk,
  type AlpacaClientOptions,
} from 'alpaca-trade-api-4';
import { methodsOf, type Calls, type Exclusions } from '../calls.js';
import type { Product } from '../../support/processes.js';

/** The SDK's classes for the trading API, each with the same credentials. */
export interface Sdk4 {
  readonly accounts: sdk.AccountsApi;
  readonly activities: sdk.AccountActivitiesApi;
  readonly assets: sdk.AssetsApi;
  readonly calendar: sdk.CalendarApi;
  readonly clock: sdk.ClockApi;
  readonly configurations: sdk.AccountConfigurationsApi;
  readonly corporateActions: sdk.CorporateActionsApi;
  readonly history: sdk.PortfolioHistoryApi;
  readonly orders: sdk.OrdersApi;
  readonly positions: sdk.PositionsApi;
  readonly watchlists: sdk.WatchlistsApi;
  /** What is built on top of them; its `orders` build requests. */
  readonly client: TradingClient;
  readonly builders: OrdersApi;
  readonly configuration: sdk.Configuration;
}

const NEVER_MS = 0; // its timer outlives an answer without a body, and keeps the process

/** The unmodified SDK with a demo client's keys. */
export function openSdk4({ demo }: Product, calls: Calls): Sdk4 {
  const { key_id: keyId, secret_key: secret } = demo.clients[0]!;
  const configuration = new sdk.Configuration({
    basePath: demo.url,
    timeoutMs: NEVER_MS,
    apiKey: (name) => (name === 'APCA-API-KEY-ID' ? keyId : secret),
  });
  const note = <T extends object>(Api: new (configuration: sdk.Configuration) => T): T =>
    calls.note(`${Api.name}.`, new Api(configuration));
  const client = openClient4(demo.url, keyId, secret);
  return {
    accounts: note(sdk.AccountsApi),
    activities: note(sdk.AccountActivitiesApi),
    assets: note(sdk.AssetsApi),
    calendar: note(sdk.CalendarApi),
    clock: note(sdk.ClockApi),
    configurations: note(sdk.AccountConfigurationsApi),
    corporateActions: note(sdk.CorporateActionsApi),
    history: note(sdk.PortfolioHistoryApi),
    orders: note(sdk.OrdersApi),
    positions: note(sdk.PositionsApi),
    watchlists: note(sdk.WatchlistsApi),
    client: calls.note('TradingClient.', client),
    builders: calls.note('TradingClient.orders.', client.orders),
    configuration,
  };
}

/** This one knows two hosts, neither of them ours: requests are sent on to us. */
export function openClient4(url: string, keyId: string, secret: string): TradingClient {
  const fetchApi: AlpacaClientOptions['fetchApi'] = (request, options) => {
    const { pathname, search } = new URL(request);
    return fetch(url + pathname + search, options);
  };
  const options = { keyId, secret, fetchApi, timeoutMs: NEVER_MS, rateLimit: false } as const;
  return new Alpaca(options).trading;
}

export const streamUrl = ({ demo }: Product): string => `${demo.url.replace(/^http/, 'ws')}/stream`;

/** The second half of every method of these classes: `getAccount` calls `getAccountRaw`, and so on. */
const isHalf = (name: string): boolean => /(Raw|RequestOpts)$/.test(name);

/** Everything that the SDK can do with the trading API; of the stream, what is more than transport. */
export function surfaceOfSdk4(): string[] {
  const classes = Object.entries(sdk).filter(
    ([name, value]) => name.endsWith('Api') && typeof value === 'function',
  );
  const generated = classes.flatMap(([name, Api]) =>
    methodsOf((Api as unknown as { prototype: object }).prototype)
      .filter((method) => !isHalf(method))
      .map((method) => `${name}.${method}`),
  );
  const ofClient = methodsOf(TradingClient.prototype).map((name) => `TradingClient.${name}`);
  const built = methodsOf(OrdersApi.prototype).map((name) => `TradingClient.orders.${name}`);
  const ofStream = methodsOf(streaming.TradingStream.prototype).map((name) => `Stream.${name}`);
  return [...generated, ...ofClient, ...built, ...ofStream];
}

const namesOf = (api: string, ...methods: string[]): string[] =>
  methods.map((method) => `${api}.${method}`);

export const EXCLUDED_OF_SDK4: Exclusions = {
  'wallets for coins: here coins do not leave the house': namesOf(
    'CryptoFundingApi',
    ...['createCryptoTransferForAccount', 'createWhitelistedAddress', 'deleteWhitelistedAddress'],
    ...['getCryptoFundingTransfer', 'getCryptoTransferEstimate', 'listCryptoFundingTransfers'],
    'listWhitelistedAddress',
  ),
  'options are not traded here': namesOf('PositionsApi', 'optionDoNotExercise'),
  'nothing is lent or sold short here': namesOf(
    'LocatesApi',
    ...['createLocates', 'getLocate', 'listLocateQuotes'],
  ),
  'shares are not turned into tokens here': namesOf(
    'TokenizationApi',
    ...[
      'getTokenizationRequest',
      'getTokenizationRequestByClientRequestID',
      'postTokenizationMint',
    ],
  ),
  'called by the stream itself': namesOf(
    'Stream',
    ...['sendAuth', 'resubscribe', 'handleMessage', 'sendListen'],
  ),
};
