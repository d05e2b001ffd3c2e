import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type Koa from 'koa';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import { forwardedFor } from '../http/client-address.js';
import type { Guards } from '../http/guards.js';
import { HttpRefusal } from '../http/problem.js';
import type { UpgradeHandler } from '../http/upgrade.js';
import type { Principal } from '../identity/principal.js';
import { FRAME_MAX_BYTES, kindOfHandshake, type FrameKind } from './frames.js';
import type { OpenStream, OpenStreams } from './open-streams.js';
import type { StreamCredentials } from './stream-messages.js';
import { TradeUpdatesConnection, type TradeUpdatesDeps } from './trade-updates.js';

export interface WebSocketDeps extends Guards {
  readonly app: Koa;
  readonly streams: OpenStreams;
}

/** A WebSocket whose handshake is done. */
export interface Accepted {
  readonly socket: WebSocket;
  /** What it writes to. */
  readonly network: Duplex;
  /** Has its owner already when the handshake had credentials. */
  readonly stream: OpenStream;
  /** Recognises a caller as HTTP does. @throws DomainError 401, 403, 429 */
  readonly verify: (credentials: StreamCredentials) => Promise<Principal>;
  /** What the handshake asked for, or null when the first message decides. */
  readonly kind: FrameKind | null;
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
export const tradeUpdatesHandler = (
  deps: WebSocketDeps & Pick<TradeUpdatesDeps, 'hub' | 'messages' | 'log'>,
): UpgradeHandler =>
  webSocketHandler(deps, ({ socket, network, stream, verify, kind }) => {
    new TradeUpdatesConnection(socket, network, stream, { ...deps, verify }, kind);
  });

/** Lets WebSockets in, within the limits that there are, and hands them on. */
export function webSocketHandler(
  deps: WebSocketDeps,
  connect: (accepted: Accepted) => void,
): UpgradeHandler {
  const { streams } = deps;
  const server = new WebSocketServer(OPTIONS);
  server.on('wsClientError', (error: Error) => {
    throw new HttpRefusal(400, `This is not a WebSocket handshake: ${error.message}`);
  });

  return async (req, network, head) => {
    const stream = streams.add('websocket');
    network.once('close', () => streams.remove(stream));
    const verify = verifier(deps, req);
    const credentials = credentialsOf(req);
    if (credentials) streams.identify(stream, await verify(credentials));
    server.handleUpgrade(req, network, head, (socket) => {
      dropWhenSilent(socket);
      const kind = kindOfHandshake(req.headers['content-type']);
      connect({ socket, network, stream, verify, kind });
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
  ({ app, authenticated, limitRate }: WebSocketDeps, req: IncomingMessage) =>
  async (credentials: StreamCredentials): Promise<Principal> => {
    const request = Object.create(req) as IncomingMessage;
    request.headers = { ...credentials, ...forwardedFor(req) };
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
