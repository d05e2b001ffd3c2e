import { presentEvent, type EventView } from './events.js';

/** An event on its way to clients: written as JSON once, however many of them listen. */
export class LoggedEvent {
  readonly id: bigint;
  readonly type: string;
  readonly occurredAt: Date;
  /** `trade_updates` tells of orders only; its clients rely on there being one. */
  readonly isAboutOrder: boolean;
  readonly json: string;
  private frame: Buffer | undefined;

  constructor(event: EventView) {
    this.id = event.eventId;
    this.type = event.type;
    this.occurredAt = event.occurredAt;
    this.isAboutOrder = event.order !== null;
    this.json = JSON.stringify(presentEvent(event));
  }

  /** As a message of the WebSocket, in UTF-8. */
  get tradeUpdate(): Buffer {
    this.frame ??= Buffer.from(`{"stream":"trade_updates","data":${this.json}}`);
    return this.frame;
  }
}
