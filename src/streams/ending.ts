/** Why we end a stream, as its client is told. */
export interface Ending {
  /** Of RFC 6455: what a WebSocket is closed with. */
  readonly closeCode: number;
  /** At most 123 bytes, for they go into a close frame. */
  readonly message: string;
  /** Names the kind of ending in the metrics. */
  readonly kind: 'stopping' | 'slow' | 'revoked' | 'expired' | 'refused';
}

/** Codes of RFC 6455: a rule was broken; come back later. */
export const POLICY = 1008;
export const TRY_AGAIN_LATER = 1013;

/** A client that we do not serve, or not any more. */
export const refusal = (message: string, closeCode = POLICY): Ending => ({
  kind: 'refused',
  closeCode,
  message,
});

export const STOPPING: Ending = {
  kind: 'stopping',
  closeCode: 1001, // going away
  message: 'This server stops: connect again, and resume with since_id',
};
export const TOO_SLOW: Ending = {
  kind: 'slow',
  closeCode: TRY_AGAIN_LATER,
  message:
    'Too slow: the events could not be sent in time. Resume with since_id = your last event_id',
};
export const REVOKED: Ending = {
  kind: 'revoked',
  closeCode: POLICY,
  message: 'The credential was revoked, or its client suspended',
};
export const EXPIRED: Ending = {
  kind: 'expired',
  closeCode: POLICY,
  message: 'The access token has expired: connect again with a new one, and resume with since_id',
};

const REASON_MAX_BYTES = 123;

/** As much of a text as a close frame holds: 125 bytes, two of them the code. */
export function closeReason(text: string): string {
  let reason = text;
  while (Buffer.byteLength(reason) > REASON_MAX_BYTES) reason = reason.slice(0, -1);
  return reason;
}
