import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The environment for a command that works on a running instance: DATABASE_URL and REDIS_URL where
 * they are set, else those that DATA_DIR/demo.json names.
 * @throws Error when neither is there
 */
export async function readInstance(env: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> {
  if (env['DATABASE_URL'] && env['REDIS_URL']) return env;
  const file = join(env['DATA_DIR'] ?? '.brokerx', 'demo.json');
  const text = await readFile(file, 'utf8').catch(() => {
    throw new Error(
      `DATABASE_URL and REDIS_URL are not both set, and ${file} names no running instance ` +
        '(npm start writes it)',
    );
  });
  const instance = JSON.parse(text) as { database_url: string; redis_url: string };
  return {
    ...env,
    DATABASE_URL: env['DATABASE_URL'] ?? instance.database_url,
    REDIS_URL: env['REDIS_URL'] ?? instance.redis_url,
  };
}
