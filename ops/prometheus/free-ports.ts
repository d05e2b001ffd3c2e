import { claimPort, freePort } from '../../src/embedded/free-port.js';

const HOST = '127.0.0.1';
const TRIES = 20;

/** @returns the first of so many ports in a row that nobody listens on at this moment */
export async function freePorts(count: number): Promise<number> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const first = await freePort(HOST);
    const rest = Array.from({ length: count - 1 }, (_, index) => first + 1 + index);
    if ((await Promise.allSettled(rest.map((port) => claimPort(port, HOST)))).every(isDone)) {
      return first;
    }
  }
  throw new Error(`there are no ${count} free ports in a row on ${HOST}`);
}

const isDone = ({ status }: PromiseSettledResult<unknown>): boolean => status === 'fulfilled';
