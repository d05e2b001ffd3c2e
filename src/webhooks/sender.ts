import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from 'node:https';
import { isIPv6, type LookupFunction } from 'node:net';
import { resolveByDns, type Resolve } from './addresses.js';
import { findTarget, ForbiddenTarget, type Target, type TargetRules } from './target.js';

/** How a post came out, apart from the status that an answer has. */
export type Failure = 'refused' | 'timeout' | 'forbidden_target' | 'connection';

/** One attempt. */
export interface Attempt {
  /** Null when the receiver has taken it: any status from 200 to 299. */
  readonly failure: Failure | null;
  /** Null when there was no answer. */
  readonly status: number | null;
  /** The first kB of the answer, as text; it is shown to the endpoint's owner and not read by us. */
  readonly excerpt: string | null;
  readonly retryAfter: string | undefined;
  /** In words; null when it was taken. */
  readonly error: string | null;
  readonly durationMs: number;
}

export interface SenderDeps {
  readonly rules: TargetRules;
  readonly resolve?: Resolve;
  /** Who signs certificates, in place of those that everybody trusts. */
  readonly ca?: string;
  readonly timeoutMs?: number;
}

/** Looking up, connecting, sending and the answer, all together. */
export const TIMEOUT_MS = 10_000;
const ANSWER_MAX_BYTES = 20_000;
const EXCERPT_MAX = 1_000;
const IDLE_MS = 30_000;
const SOCKETS_A_HOST = 8;
const FREE_SOCKETS_MAX = 256;
const ERROR_MAX = 300;

interface Posted {
  readonly status: number;
  readonly excerpt: string;
  readonly retryAfter: string | undefined;
}

/**
 * Posts messages to addresses that strangers choose. Each time the host is looked up and checked, and
 * the connection goes to the checked addresses and nowhere else; one that is kept open went there, too.
 * No redirect is followed, no proxy used, and of the answer 20 kB are read at most.
 */
export class WebhookSender {
  private readonly agents: { readonly http: HttpAgent; readonly https: HttpsAgent };

  constructor(private readonly deps: SenderDeps) {
    const options = {
      keepAlive: true,
      maxSockets: SOCKETS_A_HOST,
      maxFreeSockets: FREE_SOCKETS_MAX,
      timeout: IDLE_MS,
    };
    const { ca } = deps;
    this.agents = {
      http: new HttpAgent(options),
      https: new HttpsAgent({ ...options, ...(ca !== undefined && { ca }) }),
    };
  }

  /** Never throws: what went wrong is in the answer. */
  async post(
    url: string,
    headers: Readonly<Record<string, string>>,
    body: string,
  ): Promise<Attempt> {
    const started = performance.now();
    const { timeoutMs = TIMEOUT_MS } = this.deps;
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), timeoutMs);
    const took = () => Math.round(performance.now() - started);
    try {
      const target = await untilAborted(this.find(url), over.signal);
      const posted = await this.send(target, headers, body, over.signal);
      return { ...judge(posted), durationMs: took() };
    } catch (error) {
      const late = over.signal.aborted;
      return { ...explain(error, late ? timeoutMs : null), durationMs: took() };
    } finally {
      clearTimeout(timer);
    }
  }

  /** Closes what is kept open. */
  close(): void {
    this.agents.http.destroy();
    this.agents.https.destroy();
  }

  private find(url: string): Promise<Target> {
    const { rules, resolve = resolveByDns } = this.deps;
    return findTarget(url, rules, resolve);
  }

  /** A kept connection may have been closed by the other side at this very moment: once more then. */
  private async send(
    target: Target,
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): Promise<Posted> {
    const first = await this.sendOnce(target, headers, body, signal);
    return first === 'stale' ? await this.sendFresh(target, headers, body, signal) : first;
  }

  private async sendFresh(
    target: Target,
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): Promise<Posted> {
    const again = await this.sendOnce(target, headers, body, signal);
    if (again === 'stale') throw new Error('the connection was closed before there was an answer');
    return again;
  }

  private sendOnce(
    { url, addresses }: Target,
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): Promise<Posted | 'stale'> {
    const isPlain = url.protocol === 'http:';
    const options: RequestOptions = {
      method: 'POST',
      headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
      agent: isPlain ? this.agents.http : this.agents.https,
      lookup: lookupAmong(addresses),
      signal,
    };
    return new Promise((resolve, reject) => {
      const request = (isPlain ? httpRequest : httpsRequest)(url, options, (response) => {
        readAnswer(response).then(resolve, reject);
      });
      request.on('error', (error) => {
        const { code } = error as { code?: string };
        const isStale = request.reusedSocket && (code === 'ECONNRESET' || code === 'EPIPE');
        if (isStale && !signal.aborted) resolve('stale');
        else reject(error);
      });
      request.end(body);
    });
  }
}

/** In place of the system's look-up: nothing but what was checked; node tries one after the other. */
const lookupAmong = (addresses: readonly string[]): LookupFunction => {
  const all = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
  return (_host, options, callback) => {
    // Not at once: node does not expect an answer before its call has come back.
    process.nextTick(() => {
      if (options.all) callback(null, all);
      else callback(null, all[0]!.address, all[0]!.family);
    });
  };
};

/** Reads no more than the limit; what is beyond it is cut off together with the connection. */
async function readAnswer(response: IncomingMessage): Promise<Posted> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > ANSWER_MAX_BYTES) break; // that destroys the response
  }
  const text = Buffer.concat(chunks).toString('utf8');
  return {
    status: response.statusCode ?? 0,
    excerpt: text.replaceAll('\0', '').slice(0, EXCERPT_MAX),
    retryAfter: response.headers['retry-after'],
  };
}

function judge({ status, excerpt, retryAfter }: Posted): Omit<Attempt, 'durationMs'> {
  const isTaken = status >= 200 && status < 300;
  const redirect = status >= 300 && status < 400 ? '; redirects are not followed' : '';
  return {
    failure: isTaken ? null : 'refused',
    status,
    excerpt,
    retryAfter,
    error: isTaken ? null : `answered ${status}${redirect}`,
  };
}

/** @param timeoutMs the limit when it was over, or null */
function explain(error: unknown, timeoutMs: number | null): Omit<Attempt, 'durationMs'> {
  const nothing = { status: null, excerpt: null, retryAfter: undefined };
  if (timeoutMs !== null) {
    return { ...nothing, failure: 'timeout', error: `no whole answer within ${timeoutMs} ms` };
  }
  const message = (error instanceof Error ? error.message : String(error)).slice(0, ERROR_MAX);
  const isForbidden = error instanceof ForbiddenTarget;
  return {
    ...nothing,
    failure: isForbidden ? 'forbidden_target' : 'connection',
    error: isForbidden ? message : `could not be reached: ${codeOf(error) ?? message}`,
  };
}

/** Such as ECONNREFUSED; the message beside it would name the address. */
const codeOf = (error: unknown): string | undefined => (error as { code?: string }).code;

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('too late')), { once: true });
    work.then(resolve, reject);
  });
}
