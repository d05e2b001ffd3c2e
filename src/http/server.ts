import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type Koa from 'koa';
import { DomainError } from '../errors.js';
import { HttpRefusal, PROBLEM_TYPE, problemBody, toProblem } from './problem.js';

const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** Longer than a load balancer's (60 s as a rule), so that it is the one who hangs up. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
const CHECK_CONNECTIONS_MS = 1_000;
const HEADERS_MAX_BYTES = 16_384;

/**
 * An HTTP server with limits on everything; what its parser refuses is answered as problem+json.
 * Once it listens no more, every answer ends its connection: the client opens its next one
 * elsewhere, and no request gets lost on a connection that we close.
 */
export function createHttpServer(app: Koa): Server {
  const handle = app.callback();
  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_CONNECTIONS_MS,
      maxHeaderSize: HEADERS_MAX_BYTES,
      requireHostHeader: false, // we answer that ourselves, with a body
    },
    (req, res) => {
      if (!server.listening) res.setHeader('Connection', 'close');
      if (req.headers.host === undefined && req.httpVersion === '1.1') {
        answerRaw(req.socket, malformed('The Host header is missing'));
      } else void handle(req, res); // answers its own errors
    },
  );
  server.on('clientError', (error: ParserError, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable || hasAnswered(socket)) socket.destroy();
    else answerRaw(socket, refusalOf(error));
  });
  server.on('connect', (_req: IncomingMessage, socket: Duplex) => {
    answerRaw(socket, new HttpRefusal(501, 'This server is no proxy'));
  });
  server.on('checkExpectation', (req: IncomingMessage) => {
    answerRaw(req.socket, new HttpRefusal(417, 'The only Expect that is known is 100-continue'));
  });
  return server;
}

const malformed = (message: string): DomainError => new DomainError('malformed', 40010000, message);

interface ParserError extends NodeJS.ErrnoException {
  rawPacket?: Buffer;
}

const NOT_HTTP = 'This is not a well-formed HTTP request';
const REQUEST_LINE = /^[A-Z-]+ \S+ HTTP\/1/;

/** The codes are llhttp's and Node's own. */
function refusalOf({ code, rawPacket }: ParserError): Error {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new HttpRefusal(431, `The headers are larger than ${HEADERS_MAX_BYTES} bytes`);
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new HttpRefusal(413, "The body's chunk extensions are too large");
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new HttpRefusal(408, 'The request took too long to arrive');
    case 'HPE_INVALID_METHOD':
      if (REQUEST_LINE.test(rawPacket?.toString('latin1', 0, 200) ?? '')) {
        return new HttpRefusal(501, 'This server does not know that method');
      }
      return malformed(NOT_HTTP);
    default:
      return malformed(NOT_HTTP);
  }
}

/** True when an answer is on its way already: a second one would be read as its body. */
function hasAnswered(socket: Duplex): boolean {
  const { _httpMessage: message } = socket as { _httpMessage?: { headersSent: boolean } };
  return message?.headersSent === true;
}

/**
 * Answers a request that has no response object, and hangs up.
 * @param instance the path of the request, when it is known
 */
export function answerRaw(socket: Duplex, refusal: unknown, instance = '/'): void {
  const problem = toProblem(refusal);
  const requestId = randomUUID();
  const content = problemBody(problem, instance, requestId);
  const body = JSON.stringify(content);
  socket.end(
    [
      `HTTP/1.1 ${problem.status} ${String(content['title'])}`,
      `Content-Type: ${PROBLEM_TYPE}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      `X-Request-ID: ${requestId}`,
      ...Object.entries(problem.headers).map(([name, value]) => `${name}: ${value}`),
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}
