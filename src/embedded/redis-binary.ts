import { findProgram, unpackProgram, type Program, type Wanted } from './packaged-program.js';

const REDIS: Wanted = {
  names: ['redis-server', 'valkey-server'],
  path: 'usr/bin/redis-server',
  packages: ['redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1'],
  missing:
    'There is no Redis. Install one (apt install redis-server, or brew install redis), ' +
    'or run one (docker compose up -d redis) and set REDIS_URL, such as redis://127.0.0.1:6379',
};

/**
 * Finds a Redis server: on PATH, unpacked earlier, or, where apt exists, from its archive.
 * @param folder where a copy of our own is kept
 * @throws Error that names the ways to get one
 */
export const findRedis = (folder: string, notice: (text: string) => void): Promise<Program> =>
  findProgram(REDIS, folder, notice);

/** Downloads Redis and unpacks it into the folder; what is there is replaced. */
export const unpackRedis = (folder: string): Promise<Program> => unpackProgram(folder, REDIS);
