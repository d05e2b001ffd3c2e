import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { register } from 'prom-client';
import type { Logger } from '../log.js';
import { startDefaultMetrics } from '../process-metrics.js';
import { isFromOwnNetwork } from './own-network.js';

export interface MetricsServerOptions {
  readonly host: string;
  readonly port: number;
  readonly log: Logger;
  /** Whether the process does its work already. */
  readonly isReady: () => boolean;
}

const TIMEOUT_MS = 5_000;
const CONNECTIONS_MAX = 20;

/**
 * Serves what this process alone has to tell, to our own network: `/metrics` for Prometheus, and
 * `/health` for whoever starts it again. Listens from the start, and is healthy when the process is ready.
 * @returns stops it
 * @throws Error when it cannot listen there
 */
export async function startMetricsServer(
  options: MetricsServerOptions,
): Promise<() => Promise<void>> {
  startDefaultMetrics();
  const server = createServer(
    { headersTimeout: TIMEOUT_MS, requestTimeout: TIMEOUT_MS },
    (req, res) => void answer(req, res, options.isReady),
  );
  server.maxConnections = CONNECTIONS_MAX;
  server.listen(options.port, options.host);
  await once(server, 'listening');
  options.log.info('serves its metrics', { url: `http://${options.host}:${options.port}/metrics` });
  return async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
}

async function answer(
  req: IncomingMessage,
  res: ServerResponse,
  isReady: () => boolean,
): Promise<void> {
  const say = (status: number, body: object) => {
    res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
  };
  if (!isFromOwnNetwork(req)) return say(403, { message: 'This is for our own network only' });
  if (req.method !== 'GET') return say(405, { message: 'There is only GET' });
  const path = req.url?.split('?', 1)[0];
  if (path === '/health') {
    return isReady() ? say(200, { status: 'ok' }) : say(503, { status: 'starting' });
  }
  if (path !== '/metrics') return say(404, { message: 'There are /metrics and /health' });
  try {
    const text = await register.metrics();
    res.writeHead(200, { 'Content-Type': register.contentType }).end(text);
  } catch (error) {
    say(500, { message: `The metrics cannot be collected: ${String(error)}` });
  }
}
