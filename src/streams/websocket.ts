import { type IncomingMessage, ServerResponse } from 'node:http';
import type Koa from 'koa';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import type { Guards } from '../http/guards.js';
import { HttpRefusal } from '../http/problem.js';
import type { UpgradeHandler } from '../http/upgrade.js';
import type { Principal } from '../identity/principal.js';
import type { Logger } from '../log.js';
import type { EventHub } from './event-hub.js';
import { FRAME_MAX_BYTES, kindOfHandshake } from './frames.js';
import type { OpenStreams } from './open-streams.js';
import type { StreamCredentials } from './stream-messages.js';
import { TradeUpdatesConnection } from './trade-updates.js';

export interface TradeUpdatesServerDeps extends Guards {
  readonly app: Koa;
  readonly hub: EventHub;
  readonly streams: OpenStreams;
  readonly log: Logger;
}

const PING_MS = 30_000;
/** How long a client may take to answer our closing, and to read what comes before it. */
const CLOSE_TIMEOUT_MS = 5_000;

const OPTIONS: ServerOptions & { closeTimeout: number } = {
  noServer: true,
  clientTracking: false,
  maxPayload: FRAME_MAX_BYTES,
  perMessageDeflate: false, // costs memory for each connection
  closeTimeout: CLOSE_TIMEOUT_MS, // its types do not know it yet
};

/** The handler of `/stream`. */
export function tradeUpdatesHandler(deps: TradeUpdatesServerDeps): UpgradeHandler {
  const { hub, streams, log } = deps;
  const server = new WebSocketServer(OPTIONS);
  server.on('wsClientError', (error: Error) => {
    throw new HttpRefusal(400, `This is not a WebSocket handshake: ${error.message}`);
  });

  return async (req, socket, head) => {
    const stream = streams.add('websocket');
    socket.once('close', () => streams.remove(stream));
    const verify = verifier(deps, req);
    const credentials = credentialsOf(req);
    if (credentials) streams.identify(stream, await verify(credentials));
    server.handleUpgrade(req, socket, head, (webSocket) => {
      dropWhenSilent(webSocket);
      const kind = kindOfHandshake(req.headers['content-type']);
      new TradeUpdatesConnection(webSocket, socket, stream, { hub, streams, log, verify }, kind);
    });
  };
}

/** Those of the handshake, which a browser cannot send. */
function credentialsOf({ headers }: IncomingMessage): StreamCredentials | null {
  const { authorization, 'apca-api-key-id': keyId, 'apca-api-secret-key': secret } = headers;
  if (typeof keyId === 'string') {
    const secretKey = typeof secret === 'string' ? secret : '';
    return { 'apca-api-key-id': keyId, 'apca-api-secret-key': secretKey };
  }
  return authorization === undefined ? null : { authorization };
}

/** Credentials in a message are treated exactly as if a request had had them in its headers. */
const verifier =
  ({ app, authenticated, limitRate }: TradeUpdatesServerDeps, req: IncomingMessage) =>
  async (credentials: StreamCredentials): Promise<Principal> => {
    const request = Object.create(req) as IncomingMessage;
    request.headers = { ...credentials };
    const ctx = app.createContext(request, new ServerResponse(request));
    const next = (): Promise<void> => Promise.resolve();
    await authenticated(ctx, next);
    await limitRate(ctx, next);
    return ctx.state.principal;
  };

/** A peer that vanished without a word is noticed by its silence. */
function dropWhenSilent(socket: WebSocket): void {
  let isAlive = true;
  const timer = setInterval(() => {
    if (!isAlive) socket.terminate();
    isAlive = false;
    socket.ping();
  }, PING_MS);
  timer.unref();
  socket.on('pong', () => (isAlive = true));
  socket.on('close', () => clearInterval(timer));
}
