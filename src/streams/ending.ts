/** Why we end a stream, as its client is told. */
export interface Ending {
  /** Of RFC 6455: what a WebSocket is closed with. */
  readonly closeCode: number;
  /** At most 123 bytes, for they go into a close frame. */
  readonly message: string;
  /** Names the kind of ending in the metrics. */
  readonly kind: 'stopping' | 'slow' | 'revoked' | 'expired' | 'refused';
}

export const STOPPING: Ending = {
  kind: 'stopping',
  closeCode: 1001, // going away
  message: 'This server stops: connect again, and resume with since_id',
};
export const TOO_SLOW: Ending = {
  kind: 'slow',
  closeCode: 1013, // try again later
  message:
    'Too slow: the events could not be sent in time. Resume with since_id = your last event_id',
};
export const REVOKED: Ending = {
  kind: 'revoked',
  closeCode: 1008, // policy
  message: 'The credential was revoked, or its client suspended',
};
export const EXPIRED: Ending = {
  kind: 'expired',
  closeCode: 1008,
  message: 'The access token has expired: connect again with a new one, and resume with since_id',
};
