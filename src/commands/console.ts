import { start } from 'node:repl';
import { loadDotEnv, readConfig } from '../config.js';
import { createContainer } from '../container.js';
import { readInstance } from './running-instance.js';

/** `npm run console`: a REPL with the container, as `container`, `db`, `knex`, `intake`, ... */
loadDotEnv();
const config = readConfig({ ...(await readInstance(process.env)), LOG_LEVEL: 'warn' });
const container = await createContainer(config, 'console');
process.stdout.write('container, config, db, knex, intake, executor, nudges, catalog are here.\n');
const repl = start({ prompt: 'brokerx> ', useGlobal: true });
Object.assign(repl.context, container, { container, knex: container.db.knex });
repl.on('exit', () => void container.close().then(() => process.exit(0)));
