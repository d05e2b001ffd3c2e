import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { HttpRefusal } from './problem.js';
import { answerRaw } from './server.js';

/**
 * Takes over a connection that asked to become a WebSocket.
 * @throws DomainError or HttpRefusal to answer with instead
 */
export type UpgradeHandler = (
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
) => void | Promise<void>;

const HANG_UP_MS = 1_000;
const OF_UPGRADE = /^(upgrade|connection|http2-settings)$/i;

/**
 * Sends WebSocket handshakes to their handlers, by path. Any other offer to upgrade (Java's client
 * offers HTTP/2 with its first request) is passed over, as RFC 9110 says: it is an ordinary request.
 */
export function routeUpgrades(server: Server, handlers: ReadonlyMap<string, UpgradeHandler>): void {
  server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (req.headers.upgrade?.toLowerCase() !== 'websocket') {
      passOver(server, req, socket, head);
      return;
    }
    const ignore = (): void => undefined;
    socket.on('error', ignore); // until somebody else cares
    void handle(handlers, { req, socket, head }).finally(() => socket.off('error', ignore));
  });
}

interface Upgrade {
  req: IncomingMessage;
  socket: Duplex;
  head: Buffer;
}

async function handle(
  handlers: ReadonlyMap<string, UpgradeHandler>,
  { req, socket, head }: Upgrade,
): Promise<void> {
  const path = (req.url ?? '/').split('?', 1)[0]!;
  try {
    const handler = handlers.get(path.replace(/\/$/, '')); // some clients ask for /stream/
    if (!handler) throw new HttpRefusal(404, 'There is no WebSocket at this path');
    await handler(req, socket, head);
  } catch (error) {
    socket.on('error', () => undefined); // it may be gone already
    answerRaw(socket, error, path);
    setTimeout(() => socket.destroy(), HANG_UP_MS).unref(); // whatever the client does
  }
}

/** Node has parsed the head already: it is put back without the offer, and parsed anew. */
function passOver(server: Server, req: IncomingMessage, socket: Duplex, head: Buffer): void {
  const lines = [`${req.method ?? 'GET'} ${req.url ?? '/'} HTTP/${req.httpVersion}`];
  for (let index = 0; index < req.rawHeaders.length; index += 2) {
    const name = req.rawHeaders[index]!;
    if (!OF_UPGRADE.test(name)) lines.push(`${name}: ${req.rawHeaders[index + 1]!}`);
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit('connection', socket);
}
