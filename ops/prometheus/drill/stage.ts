import type pg from 'pg';
import type { PaymentEvent } from '../../../src/payment-provider/instructions.js';
import type { Instance } from '../../bench/instance.js';
import type { BenchMailServer } from '../../bench/mail-server.js';
import type { SickWorker } from './sick-worker.js';

/** A server that can be taken away and comes back on the same port, with its data. */
export interface Server {
  readonly url: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Its folder is gone, while it runs. */
  loseDisk(): Promise<void>;
}

/** What faults are made of. */
export interface Stage {
  readonly instance: Instance;
  /** As the database's owner; a new connection each time. */
  readonly sql: (text: string) => Promise<pg.QueryResult<Record<string, unknown>>>;
  /** A session that holds what its statements have locked, until it is ended. */
  readonly hold: (statement: string) => Promise<Undo>;
  readonly postgres: Server;
  readonly queues: Server;
  readonly cache: Server;
  readonly mailServer: BenchMailServer;
  readonly sickWorker: SickWorker;
  /** Of a process by its name, such as `worker-1`. */
  readonly pid: (name: string) => number;
  /** With a client's API key. */
  readonly call: (method: string, path: string, body?: object) => Promise<number>;
  readonly sayAsProvider: (event: PaymentEvent) => Promise<number>;
}

export type Undo = () => Promise<void> | void;

/** Something that really goes wrong. */
export interface Fault {
  readonly what: string;
  /** What must fire, and reach a receiver. */
  readonly alerts: readonly string[];
  readonly withinS: number;
  /** Makes it happen. @returns how to put it right */
  cause(stage: Stage): Promise<Undo>;
}

/** Calls something again and again until told to stop; what fails is part of the fault. */
export function again(everyMs: number, work: () => Promise<unknown>): Undo {
  let isOver = false;
  const timer = setInterval(() => {
    if (!isOver) work().catch(() => undefined);
  }, everyMs);
  return () => {
    isOver = true;
    clearInterval(timer);
  };
}

/** Stops processes as if the machine had forgotten them. @returns lets them go on */
export function freeze(...pids: number[]): Undo {
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  return () => {
    for (const pid of pids) process.kill(pid, 'SIGCONT');
  };
}
