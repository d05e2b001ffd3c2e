import { presentEvent, type EventView } from './events.js';

/** What is known of a line of a log before it is sent. */
export interface LogLine {
  readonly id: bigint;
  readonly type: string;
  readonly occurredAt: Date;
  readonly isAboutOrder: boolean;
  readonly json: string;
}

/** A line of a log on its way to clients: written as JSON once, however many of them listen. */
export class LoggedEvent implements LogLine {
  readonly id: bigint;
  readonly type: string;
  readonly occurredAt: Date;
  /** `trade_updates` tells of orders only; its clients rely on there being one. */
  readonly isAboutOrder: boolean;
  readonly json: string;
  private frame: Buffer | undefined;

  constructor(line: LogLine) {
    this.id = line.id;
    this.type = line.type;
    this.occurredAt = line.occurredAt;
    this.isAboutOrder = line.isAboutOrder;
    this.json = line.json;
  }

  /** Of an account's log. */
  static of(event: EventView): LoggedEvent {
    return new LoggedEvent({
      id: event.eventId,
      type: event.type,
      occurredAt: event.occurredAt,
      isAboutOrder: event.order !== null,
      json: JSON.stringify(presentEvent(event)),
    });
  }

  /** As a message of the WebSocket, in UTF-8. A line belongs to one log, which is one stream's. */
  frameOn(stream: string): Buffer {
    this.frame ??= Buffer.from(`{"stream":"${stream}","data":${this.json}}`);
    return this.frame;
  }
}
