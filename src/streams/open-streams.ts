import { DomainError, unavailable } from '../errors.js';
import { requireAccountOf, requireScopeOf } from '../http/require-role.js';
import type { Principal } from '../identity/principal.js';
import { openStreams, streamsEnded } from '../metrics.js';
import { EXPIRED, REVOKED, STOPPING, type Ending } from './ending.js';

export interface StreamLimits {
  readonly perAccount: number;
  /** In this process, of all kinds. */
  readonly total: number;
  /** For a WebSocket that is open but nobody's. */
  readonly authenticateWithinMs: number;
}

export const STREAM_LIMITS: StreamLimits = {
  perAccount: 20,
  total: 5_000,
  authenticateWithinMs: 10_000,
};

export type StreamKind = 'websocket' | 'sse';

/** Whoever listens has an account. */
export type StreamOwner = Principal & { readonly accountId: string };

/** One connection that receives, or will receive, events. */
export class OpenStream {
  owner: StreamOwner | null = null;
  /** Tells the client, and closes the connection; called once. */
  onEnd: (ending: Ending) => void = () => undefined;
  private expiry: NodeJS.Timeout | undefined;
  private isEnding = false;

  constructor(readonly kind: StreamKind) {}

  /** Ends it from our side. */
  end(ending: Ending): void {
    if (this.isEnding) return;
    this.isEnding = true;
    streamsEnded.inc({ kind: this.kind, reason: ending.kind });
    this.onEnd(ending);
  }

  belongTo(owner: StreamOwner): void {
    this.owner = owner;
    if (owner.expiresAt === undefined) return;
    this.expiry = setTimeout(() => this.end(EXPIRED), owner.expiresAt - Date.now());
    this.expiry.unref();
  }

  release(): void {
    clearTimeout(this.expiry);
  }
}

/** Every stream of this process: how many there may be, and when they must end. */
export class OpenStreams {
  private readonly open = new Set<OpenStream>();
  private readonly perAccount = new Map<string, number>();
  private isStopping = false;

  constructor(readonly limits: StreamLimits = STREAM_LIMITS) {}

  /**
   * Lets a connection in; it removes itself when it is closed.
   * @throws DomainError 503 when there are too many, or the process stops
   */
  add(kind: StreamKind): OpenStream {
    if (this.isStopping) throw unavailable(STOPPING.message);
    if (this.open.size >= this.limits.total) {
      throw unavailable(`This server has ${this.limits.total} streams open, which is its limit`);
    }
    const stream = new OpenStream(kind);
    this.open.add(stream);
    openStreams.inc({ kind });
    return stream;
  }

  /**
   * Says whose it is. From now on it ends with the credential.
   * @throws DomainError 403 without the scope `read` or an account, 429 when the account has too
   *   many open
   */
  identify(stream: OpenStream, principal: Principal): void {
    requireScopeOf(principal, 'read');
    const accountId = requireAccountOf(principal);
    const count = this.perAccount.get(accountId) ?? 0;
    if (count >= this.limits.perAccount) {
      throw new DomainError(
        'rate_limited',
        42910000,
        `This account has ${count} streams open, which is the limit: close one first`,
        { limit: this.limits.perAccount },
      );
    }
    this.perAccount.set(accountId, count + 1);
    stream.belongTo({ ...principal, accountId });
  }

  /** Call it when the connection is closed, by whomever; more than once does no harm. */
  remove(stream: OpenStream): void {
    if (!this.open.delete(stream)) return;
    openStreams.dec({ kind: stream.kind });
    stream.release();
    const accountId = stream.owner?.accountId;
    if (accountId === undefined) return;
    const left = (this.perAccount.get(accountId) ?? 1) - 1;
    if (left > 0) this.perAccount.set(accountId, left);
    else this.perAccount.delete(accountId);
  }

  /** Ends the streams of these API keys, sessions and clients. */
  revoke(ids: ReadonlySet<string>): void {
    for (const stream of [...this.open]) {
      const { owner } = stream;
      if (owner && (ids.has(owner.credentialId) || ids.has(owner.clientId))) {
        stream.end(REVOKED);
      }
    }
  }

  /** Ends all, and lets none in any more. */
  stop(): void {
    this.isStopping = true;
    for (const stream of [...this.open]) stream.end(STOPPING);
  }
}
