import type { WebSocket } from 'ws';
import { closeReason, refusal, type Ending } from './ending.js';
import { MessageLimit } from './message-limit.js';
import type { OpenStream } from './open-streams.js';

/** What a protocol adds to the conversation of a WebSocket. */
export interface Speaker {
  /** Answers one message; what it throws is for `answerFault`. */
  answer(data: Buffer, isBinary: boolean): Promise<void>;
  answerFault(error: unknown): void;
  /** Nobody has said in time whose the stream is. */
  refuseUnknown(): void;
  /** Our side ends the stream: tells the client, and closes. */
  sayGoodbye(ending: Ending): void;
  /** Nothing more is to be sent; may be called more than once. */
  stopSending(): void;
}

const MESSAGES_PER_MINUTE = 120;

/**
 * One client's messages on a WebSocket, whatever they say: one after the other, not too many, and soon
 * credentials among them.
 */
export class Conversation {
  private handled: Promise<void> = Promise.resolve();
  private readonly messageLimit = new MessageLimit(MESSAGES_PER_MINUTE);

  /** @param authenticateWithinMs how long the stream may be nobody's */
  constructor(
    private readonly socket: WebSocket,
    private readonly stream: OpenStream,
    private readonly speaker: Speaker,
    authenticateWithinMs: number,
  ) {
    stream.onEnd = (ending) => speaker.sayGoodbye(ending);
    const authenticateBy = setTimeout(() => {
      if (!stream.owner) speaker.refuseUnknown();
    }, authenticateWithinMs);
    authenticateBy.unref();
    socket.on('message', (data: Buffer, isBinary) => this.onMessage(data, isBinary));
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => {
      clearTimeout(authenticateBy);
      speaker.stopSending();
    });
  }

  /** `ws` cuts the connection when the client does not answer in time. */
  close(code: number, reason: string): void {
    this.speaker.stopSending();
    this.socket.resume(); // or the client's answer would not be read
    this.socket.close(code, closeReason(reason));
  }

  private onMessage(data: Buffer, isBinary: boolean): void {
    if (!this.messageLimit.count()) {
      this.stream.end(refusal(`More than ${MESSAGES_PER_MINUTE} messages in a minute`));
      return;
    }
    this.socket.pause(); // what follows waits in the network, not in our memory
    this.handled = this.handled
      .then(() => this.speaker.answer(data, isBinary))
      .catch((error: unknown) => this.speaker.answerFault(error))
      .then(() => this.socket.resume());
  }
}
