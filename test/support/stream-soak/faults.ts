import { Redis } from 'ioredis';
import { eventually } from '../eventually.js';
import type { Product } from '../processes.js';
import type { BookClient } from './book-client.js';
import type { SecondApi } from './second-api.js';
import type { Wire } from './wire.js';

export interface Breakable {
  readonly product: Product;
  readonly second: SecondApi;
  readonly wires: readonly Wire[];
  readonly clients: readonly BookClient[];
  readonly random: () => number;
}

const BACK_WITHIN_MS = 30_000;

/** Ways to part clients from the books, by what is printed of them. */
export const FAULTS: Readonly<Record<string, (on: Breakable) => Promise<void> | void>> = {
  'a client hangs up': ({ clients, random }) => any(clients, random).hangUp(),
  'everybody loses a message': ({ clients }) => clients.forEach((client) => client.loseNext()),
  'connections are reset': ({ wires, random }) => any(wires, random).cut(),
  'Redis cuts its subscribers': ({ product }) => killSubscribers(product.demo.redis_url),
  'the publisher is killed': ({ product }) => killSupervised(product, 'market-data', 'SIGKILL'),
  'an API stops': ({ product }) => killSupervised(product, 'api', 'SIGTERM'),
  'an API is killed': ({ second }) => second.restart('SIGKILL'),
};

const any = <T>(some: readonly T[], random: () => number): T =>
  some[Math.floor(random() * some.length)]!;

/** Returns when the supervisor has started another. */
async function killSupervised(
  product: Product,
  name: string,
  signal: NodeJS.Signals,
): Promise<void> {
  const { [name]: pid } = await product.pids();
  if (pid === undefined) return; // not back yet
  process.kill(pid, signal);
  await eventually(async () => {
    const { [name]: successor } = await product.pids();
    if (successor === undefined || successor === pid) throw new Error(`no other ${name} yet`);
  }, BACK_WITHIN_MS);
}

/** The hubs of the APIs, and the publisher; not those of others who have another database there. */
async function killSubscribers(redisUrl: string): Promise<void> {
  const redis = new Redis(redisUrl);
  const database = new URL(redisUrl).pathname.slice(1);
  await eventually(async () => {
    const list = (await redis.client('LIST', 'TYPE', 'PUBSUB')) as string;
    const ids = list.split('\n').flatMap((line) => {
      const { id, db } = Object.fromEntries(
        line.split(' ').map((field) => field.split('=') as [string, string]),
      );
      return id !== undefined && db === database ? [id] : [];
    });
    if (ids.length === 0) throw new Error('nobody subscribes');
    for (const id of ids) await redis.client('KILL', 'ID', id);
  });
  redis.disconnect();
}
