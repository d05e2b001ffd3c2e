import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** What came back for one kind of GET. */
export interface GetResult {
  answers: number;
  /** Of `X-Cache`, such as HIT; of what is not a 200 its status. */
  readonly kinds: Map<string, number>;
  /** Request to the answer's last byte, in milliseconds, ascending. */
  latenciesMs: number[];
}

export interface GetLoad {
  readonly url: string;
  readonly path: string;
  /** A connection sends the headers of its place, again and again. */
  readonly headers: readonly Readonly<Record<string, string>>[];
  readonly connections: number;
  readonly seconds: number;
}

const HEAD_END = '\r\n\r\n';
const LENGTH = /\r\ncontent-length: (\d+)/i;
const STATUS = /^HTTP\/1\.1 (\d+)/;
const X_CACHE = /\r\nx-cache: (\w+)/i;

/**
 * Sends GETs as fast as they are answered, each connection one at a time. Over plain sockets: an HTTP
 * client would need more of the processor than the server that is measured.
 */
export async function runGetLoad(load: GetLoad): Promise<GetResult> {
  const result: GetResult = { answers: 0, kinds: new Map(), latenciesMs: [] };
  const sockets = await Promise.all(
    Array.from({ length: load.connections }, (_, index) => open(load, index)),
  );
  const until = performance.now() + load.seconds * 1_000;
  await Promise.all(sockets.map(({ socket, request }) => send(socket, request, until, result)));
  for (const { socket } of sockets) socket.destroy();
  result.latenciesMs.sort((a, b) => a - b);
  return result;
}

async function open({ url, path, headers }: GetLoad, index: number) {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.setNoDelay(true);
  await once(socket, 'connect');
  const lines = Object.entries(headers[index % headers.length]!).map(([name, value]) => [
    `${name}: ${value}`,
  ]);
  const request = [`GET ${path} HTTP/1.1`, `Host: ${host}`, ...lines.flat(), '', ''].join('\r\n');
  return { socket, request: Buffer.from(request, 'latin1') };
}

function send(socket: Socket, request: Buffer, until: number, result: GetResult): Promise<void> {
  return new Promise((resolve, reject) => {
    let startedAt = performance.now();
    let answer = '';
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the server has closed a connection')));
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
      const headEnd = answer.indexOf(HEAD_END);
      if (headEnd < 0) return;
      const head = answer.slice(0, headEnd);
      const length = Number(LENGTH.exec(head)?.[1] ?? 0);
      if (answer.length < headEnd + HEAD_END.length + length) return;
      note(result, head, performance.now() - startedAt);
      answer = '';
      startedAt = performance.now();
      if (startedAt < until) socket.write(request);
      else {
        socket.removeAllListeners('close');
        resolve();
      }
    });
    socket.write(request);
  });
}

function note(result: GetResult, head: string, latencyMs: number): void {
  const status = STATUS.exec(head)?.[1] ?? 'no HTTP';
  const kind = status === '200' ? (X_CACHE.exec(head)?.[1] ?? 'none') : status;
  result.answers += 1;
  result.kinds.set(kind, (result.kinds.get(kind) ?? 0) + 1);
  result.latenciesMs.push(latencyMs);
}
