import { request, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import type { ApiKeyCredentials } from '../../src/identity/new-api-key.js';

export interface ServerSentEvent {
  id?: string;
  event?: string;
  data?: string;
}

/** A client of server-sent events that keeps what it gets. */
export class EventStreamClient {
  readonly events: ServerSentEvent[] = [];
  /** Everything else: retry and comments. */
  readonly lines: string[] = [];
  isEnded = false;
  /** It ended as it should: the connection was not cut. */
  isComplete = false;
  /** Told of each event that comes from now on. */
  onEvent: (event: ServerSentEvent) => void = () => undefined;
  private rest = '';

  private constructor(readonly answer: IncomingMessage) {
    answer.setEncoding('utf8');
    answer.on('data', (text: string) => this.read(text));
    answer.on('end', () => (this.isComplete = true));
    answer.on('close', () => (this.isEnded = true));
    answer.on('error', () => undefined);
  }

  /** @param query such as `?since_id=0` */
  static async open(
    url: string,
    key: ApiKeyCredentials,
    query = '',
    headers: Record<string, string> = {},
    path = '/v2/events',
  ): Promise<EventStreamClient> {
    const asked = request(url + path + query, {
      agent: false,
      headers: {
        Accept: 'text/event-stream',
        'APCA-API-KEY-ID': key.key_id,
        'APCA-API-SECRET-KEY': key.secret_key,
        ...headers,
      },
    }).end();
    asked.on('error', () => undefined); // also of a connection that breaks when the answer is there
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    return new EventStreamClient(answer);
  }

  get ids(): number[] {
    return this.events.filter(({ id }) => id !== undefined).map(({ id }) => Number(id));
  }

  close(): void {
    this.answer.destroy();
  }

  private read(text: string): void {
    const blocks = (this.rest + text).split('\n\n');
    this.rest = blocks.pop()!;
    for (const block of blocks) {
      const fields = block.split('\n').map((line) => {
        const [, name, value] = /^(\w*): ?(.*)$/.exec(line)!;
        return [name!, value!] as const;
      });
      if (fields.some(([name]) => name === 'data')) {
        const event: ServerSentEvent = Object.fromEntries(fields);
        this.events.push(event);
        this.onEvent(event);
      } else this.lines.push(block);
    }
  }
}
