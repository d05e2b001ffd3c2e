import { EventEmitter, once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import Router from '@koa/router';
import { expect } from 'chai';
import Joi from 'joi';
import knexFactory from 'knex';
import Koa from 'koa';
import { v7 as uuidv7 } from 'uuid';
import { connectDatabase, type Database } from '../../src/db.js';
import { DomainError, forbidden, unavailable } from '../../src/errors.js';
import { answerErrors } from '../../src/http/error-handler.js';
import { replayable, type ReplayableHandler } from '../../src/http/idempotency.js';
import { requestId } from '../../src/http/request-id.js';
import { validateBody } from '../../src/http/validate.js';
import { startTrading, type Trading } from '../support/trading.js';
import { runUpkeep } from '../support/upkeep.js';

const schema = Joi.object({ note: Joi.string().required() });

interface Reply {
  status: number;
  text: string;
  replayed: boolean;
}

describe('a POST with an Idempotency-Key', () => {
  let trading: Trading;
  let otherDb: Database;
  const servers: Server[] = [];
  let handle: ReplayableHandler;
  let client: string;

  before(async () => {
    trading = await startTrading(1);
    await trading.asOwner(`
      create table notes (id bigint generated always as identity, client_id uuid, note text);
      grant select, insert on notes to brokerx_app`);
    otherDb = connectDatabase(trading.container.config.databaseUrl, 'test-other');
    servers.push(await serve(trading.container.db), await serve(otherDb));
  });
  after(async () => {
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    await otherDb.close();
    await trading.stop();
  });
  beforeEach(() => {
    client = uuidv7();
    handle = writeNote;
  });

  /** What stands for a feature: writes one row. */
  const writeNote: ReplayableHandler = async (ctx, trx) => {
    const { note } = ctx.request.validBody as { note: string };
    const [row] = await trx('notes')
      .insert({ client_id: client, note })
      .returning<{ id: bigint }[]>('id');
    ctx.status = 201;
    ctx.set('Location', `/notes/${row!.id.toString()}`);
    ctx.body = { z: note, id: row!.id.toString(), a: null };
  };

  async function serve({ knex }: Database): Promise<Server> {
    const router = new Router();
    const repeat = replayable(knex, (...args) => handle(...args));
    router.post('/notes', validateBody(schema), repeat);
    router.post('/others', validateBody(schema), repeat);
    const app = new Koa();
    app.use(requestId).use(answerErrors);
    app.use((ctx, next) => {
      const clientId = ctx.get('X-Client');
      if (clientId !== '') ctx.state.principal = { clientId } as typeof ctx.state.principal;
      return next();
    });
    app.use(router.routes());
    const handler = app.callback();
    const server = createServer((req, res) => void handler(req, res));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return server;
  }

  async function post(
    key: string | null,
    { note = 'one', path = '/notes', at = 0, by = client } = {},
  ): Promise<Reply> {
    const { port } = servers[at]!.address() as AddressInfo;
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      headers: { 'X-Client': by, ...(key !== null && { 'Idempotency-Key': key }) },
      body: JSON.stringify({ note }),
    });
    const replayed = answer.headers.get('idempotent-replayed') === 'true';
    const location = answer.headers.get('location') ?? '';
    return { status: answer.status, text: location + (await answer.text()), replayed };
  }

  const notes = (): Promise<unknown[]> =>
    trading.container.db.knex('notes').where({ client_id: client });

  it('has one effect and one answer, whatever the number of copies at once', async () => {
    const copies = Array.from({ length: 100 }, (_, copy) => post('same', { at: copy % 2 }));
    const answers = await Promise.all(copies);
    expect(new Set(answers.map(({ text }) => text)).size).to.equal(1);
    expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([201]));
    expect(answers.filter(({ replayed }) => !replayed)).to.have.length(1);
    expect(await notes()).to.have.length(1);
  });

  it('is answered byte for byte as before, with its headers', async () => {
    const first = await post('bytes');
    expect(first).to.include({ status: 201, replayed: false });
    expect(first.text).to.match(/^\/notes\/\d+\{"z":"one","id":"\d+","a":null\}$/);
    expect(await post('bytes')).to.deep.equal({ ...first, replayed: true });
  });

  it('is refused with another body or path, and is another one for another client', async () => {
    await post('mine');
    for (const other of [{ note: 'two' }, { path: '/others' }]) {
      const answer = await post('mine', other);
      expect(answer.status).to.equal(422);
      expect(answer.text).to.include('was used with another request');
    }
    expect(await post('mine', { by: uuidv7() })).to.include({ status: 201, replayed: false });
    expect(await notes()).to.have.length(2);
  });

  it('of somebody without credentials is repeated only with the same body', async () => {
    const first = await post('public', { by: '' });
    expect(await post('public', { by: '' })).to.deep.equal({ ...first, replayed: true });
    const other = await post('public', { by: '', note: 'two' });
    expect(other).to.include({ status: 201, replayed: false });
  });

  it('takes effect every time when there is no key', async () => {
    await post(null);
    expect(await post(null)).to.include({ status: 201, replayed: false });
    expect(await notes()).to.have.length(2);
  });

  for (const key of ['', 'x'.repeat(256)]) {
    it(`of ${key.length} characters is refused`, async () => {
      expect((await post(key)).status).to.equal(422);
      expect(await notes()).to.have.length(0);
    });
  }

  it('has its refusal repeated, and what was written before it is taken back', async () => {
    handle = async (...args) => {
      await writeNote(...args);
      throw forbidden('not today', { day: 'Sunday' });
    };
    const first = await post('refused');
    expect(first.status).to.equal(403);
    handle = writeNote;
    const again = await post('refused');
    expect(again).to.include({ status: 403, replayed: true });
    expect(JSON.parse(again.text)).to.include({ detail: 'not today', day: 'Sunday' });
    expect(await notes()).to.have.length(0);
  });

  it('starts anew after what may come out otherwise next time', async () => {
    for (const error of [
      unavailable('away'),
      new DomainError('rate_limited', 42910000, 'too much'),
      new Error('a bug'),
    ]) {
      handle = async (...args) => {
        await writeNote(...args);
        throw error;
      };
      expect((await post('later')).status).to.be.oneOf([503, 429, 500]);
    }
    handle = writeNote;
    expect(await post('later')).to.include({ status: 201, replayed: false });
    expect(await notes()).to.have.length(1);
  });

  it('is replayed when the process failed between the commit and the reply', async () => {
    let effects = 0;
    handle = async (ctx, trx, afterCommit) => {
      await writeNote(ctx, trx, afterCommit);
      afterCommit(() => {
        effects += 1;
        throw new Error('killed');
      });
    };
    expect((await post('killed')).status).to.equal(500);
    expect(await post('killed')).to.include({ status: 201, replayed: true });
    expect([effects, (await notes()).length]).to.deep.equal([1, 1]);
  });

  it('is done again when Postgres made it give way', async () => {
    let attempts = 0;
    handle = async (...args) => {
      await writeNote(...args);
      attempts += 1;
      if (attempts < 3) throw Object.assign(new Error('victim'), { code: '40P01' });
    };
    expect(await post('victim')).to.include({ status: 201, replayed: false });
    expect([attempts, (await notes()).length]).to.deep.equal([3, 1]);
  });

  it('answers 409 to a copy while the first is under way for too long', async () => {
    const released = new EventEmitter();
    handle = async (ctx, trx, afterCommit) => {
      await writeNote(ctx, trx, afterCommit);
      for (let waited = 0; waited < 6; waited++) {
        await trx.raw('select 1'); // or Postgres would end the idle transaction
        if (await Promise.race([once(released, 'now'), sleep(1_000)])) return;
      }
    };
    const first = post('slow');
    await sleep(100);
    const copies = await Promise.all([post('slow'), post('slow', { at: 1 })]);
    released.emit('now');
    for (const copy of copies) {
      expect(copy.status).to.equal(409);
      expect(copy.text).to.include('still under way');
    }
    expect(await first).to.include({ status: 201 });
    expect(await post('slow', { at: 1 })).to.include({ status: 201, replayed: true });
  });

  it('is forgotten after two days, and not before', async () => {
    await post('kept');
    await post('old');
    const owner = knexFactory({
      client: 'pg',
      connection: trading.container.config.databaseUrl,
    });
    const created_at = new Date(Date.now() - 49 * 3_600_000);
    await owner('request_keys').where({ key: 'old' }).update({ created_at });
    await owner.destroy();
    await runUpkeep('purge', trading);
    expect((await post('kept')).replayed).to.equal(true);
    expect((await post('old')).replayed).to.equal(false);
  });
});
