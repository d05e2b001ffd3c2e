import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { v7 as uuidv7 } from 'uuid';
import { createApiServer, type ApiServerDeps } from '../../src/api-server.js';
import { notCached } from '../../src/http/cache.js';
import { createIdentity, type Identity } from '../../src/identity/identity.js';
import { Client } from '../../src/identity/model.js';
import { createApiKey, type ApiKeyCredentials } from '../../src/identity/new-api-key.js';
import { hashPassword } from '../../src/identity/passwords.js';
import type { Role, Scope } from '../../src/identity/principal.js';
import { LedgerProver } from '../../src/ledger/proof.js';
import type { Streams } from '../../src/streams/streams.js';
import type { Trading } from './trading.js';

export interface Answer {
  status: number;
  headers: Headers;
  /** The parsed body, or its text when it is not JSON. */
  body: any; // eslint-disable-line @typescript-eslint/no-explicit-any -- a test looks into it freely
}

export interface Call {
  as?: ApiKeyCredentials | undefined;
  headers?: Record<string, string>;
  /** An object is sent as JSON, text and bytes as they are. */
  body?: object | string | Uint8Array;
}

/** The real application on a port of its own. */
export interface Api {
  url: string;
  identity: Identity;
  streams: Streams;
  call(method: string, path: string, options?: Call): Promise<Answer>;
  /** Sends bytes as they are; the answer as text, until the server hangs up. */
  raw(text: string): Promise<string>;
  stop(): Promise<void>;
}

export interface ApiOptions extends Partial<ApiServerDeps> {
  settings?: Partial<ApiServerDeps['config']>;
  /** Off unless it is what the test is about: tests change what only time may make old. */
  cache?: boolean;
}

/** Starts the API on a trading floor's connections. */
export async function startApi(
  { container }: Pick<Trading, 'container'>,
  { settings, cache: isCached = false, ...deps }: ApiOptions = {},
): Promise<Api> {
  const { config, log, db, catalog, redis, intake, nudges, nudgeNotifications, sealer } = container;
  const identity =
    deps.identity ??
    createIdentity({ db, config, sealer, nudgeNotifications, onError: () => undefined });
  await identity.start();
  const { server, streams, cache } = createApiServer({
    config: { ...config, rateLimitPerMin: 0, ...settings },
    log,
    db,
    catalog,
    redis,
    intake,
    identity,
    prover: new LedgerProver(db.knex),
    nudge: (shards) => nudges.shards(shards),
    nudgeNotifications,
    nudgeTransfers: () => nudges.transfers(),
    nudgeWebhooks: (endpointIds) => nudges.webhooks(endpointIds),
    sealer,
    queues: [nudges.notificationQueue],
    now: () => new Date(),
    isStopping: () => false,
    ...(!isCached && { cached: notCached }),
    ...deps,
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    identity,
    streams,
    call: (method, path, options) => call(url, method, path, options),
    raw: (text) => sendRaw(port, text),
    async stop() {
      identity.stop();
      streams.stop();
      cache.close();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function call(
  url: string,
  method: string,
  path: string,
  options: Call = {},
): Promise<Answer> {
  const { as, headers = {}, body } = options;
  const isJson = typeof body === 'object' && !(body instanceof Uint8Array);
  const response = await fetch(url + path, {
    method,
    redirect: 'manual',
    headers: {
      ...(as && { 'APCA-API-KEY-ID': as.key_id, 'APCA-API-SECRET-KEY': as.secret_key }),
      ...(isJson && { 'Content-Type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: isJson ? JSON.stringify(body) : body }),
  });
  const text = await response.text();
  const isParsable = response.headers.get('content-type')?.includes('json') ?? false;
  return {
    status: response.status,
    headers: response.headers,
    body: isParsable && text !== '' ? (JSON.parse(text) as unknown) : text,
  };
}

async function sendRaw(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.setEncoding('utf8');
  let answer = '';
  socket.on('data', (chunk: string) => (answer += chunk));
  socket.on('error', () => undefined); // it may hang up before we have sent everything
  socket.write(text);
  await once(socket, 'close');
  return answer;
}

/** A person who can log in, and an API key of theirs. */
export async function createPerson(
  { container }: Pick<Trading, 'container'>,
  options: {
    role?: Role;
    password?: string;
    scopes?: Scope[];
    status?: string;
    accountId?: string;
  } = {},
): Promise<ApiKeyCredentials & { id: string; email: string }> {
  const { knex } = container.db;
  const id = uuidv7();
  const email = `${id}@test.example`;
  await Client.query(knex).insert({
    id,
    email,
    passwordHash: options.password ? await hashPassword(options.password) : null,
    firstName: 'Test',
    lastName: 'Person',
    role: options.role ?? 'client',
    status: (options.status ?? 'active') as Client['status'],
  });
  const key = await createApiKey(knex, {
    clientId: id,
    accountId: options.accountId ?? null,
    scopes: options.scopes ?? ['read', 'trade'],
    label: 'test',
  });
  return { ...key, id, email };
}

/** Asserts the one shape that every refusal has. */
export function expectProblem(answer: Answer, status: number, code: number): void {
  const {
    type,
    title,
    detail,
    instance,
    message,
    request_id: requestId,
  } = answer.body as Record<string, unknown>;
  const seen = { status: answer.status, code: (answer.body as { code: unknown }).code };
  if (seen.status !== status || seen.code !== code) {
    throw new Error(`expected ${status} ${code}, got ${JSON.stringify({ ...seen, detail })}`);
  }
  const contentType = answer.headers.get('content-type');
  if (contentType !== 'application/problem+json') throw new Error(`content type: ${contentType}`);
  for (const [name, value] of Object.entries({ type, title, detail, instance, requestId })) {
    if (typeof value !== 'string' || value === '') throw new Error(`${name} is ${String(value)}`);
  }
  if (message !== detail) throw new Error('message and detail differ');
  if (requestId !== answer.headers.get('x-request-id')) throw new Error('request ids differ');
}
