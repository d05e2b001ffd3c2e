import { writeFrame, type FrameKind } from './frames.js';

/**
 * Some messages of market data, for everybody who gets just these: written once in each format that
 * somebody asks for.
 */
export class MarketFrame {
  private readonly written = new Map<FrameKind | 'sse', string | Uint8Array>();

  /** @param messages each as JSON */
  constructor(private readonly messages: readonly string[]) {}

  static of(messages: readonly object[]): MarketFrame {
    return new MarketFrame(messages.map((message) => JSON.stringify(message)));
  }

  /** As one message of a WebSocket: an array. */
  forSocket(kind: FrameKind): Uint8Array {
    return this.once(kind, () =>
      writeFrame(Buffer.from(`[${this.messages.join(',')}]`), kind),
    ) as Uint8Array;
  }

  /** As server-sent events, one for each message. */
  forEventSource(): string {
    return this.once('sse', () =>
      this.messages.map((message) => `data: ${message}\n\n`).join(''),
    ) as string;
  }

  private once(format: FrameKind | 'sse', write: () => string | Uint8Array): string | Uint8Array {
    let text = this.written.get(format);
    if (text === undefined) this.written.set(format, (text = write()));
    return text;
  }
}
