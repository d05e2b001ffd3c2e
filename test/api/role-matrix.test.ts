import { expect } from 'chai';
import { startApi, type Answer, type Api } from '../support/api.js';
import { createCallers, type Caller } from '../support/callers.js';
import { CONTENT, RESOURCES, type Floor, type Owned, type Resource } from '../support/resources.js';
import {
  comparable,
  rowsOf,
  seesAll,
  unnamedParameters,
  urlOf,
  verdictOn,
  type MatrixDocument,
  type Row,
} from '../support/role-matrix.js';
import { startTrading, type Trading } from '../support/trading.js';

const REVOCATIONS_ARE_READ_MS = 500;
const STREAM = '/v2/markets/stream';

describe('who may do what', () => {
  let trading: Trading;
  let api: Api;
  let callers: Caller[];
  let rows: Row[];
  let floor: Floor;

  before(async () => {
    trading = await startTrading(2);
    api = await startApi(trading, { cache: true }); // what one may see must not come to another
    const [owner, other] = await Promise.all([ownerOf(0), ownerOf(1)]);
    callers = await createCallers(trading, api, owner, other);
    const named = (name: string) => callers.find((caller) => caller.name === name)!;
    const asOwner = named('the owner by session with a second factor');
    floor = { trading, api, owner: owner, asOwner, asAdmin: named('admin by session') };
    rows = rowsOf((await api.call('GET', '/openapi.json')).body as MatrixDocument);
    await new Promise((resolve) => setTimeout(resolve, REVOCATIONS_ARE_READ_MS));
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const ownerOf = async (index: number): Promise<{ id: string; accountId: string }> => {
    const accountId = trading.accounts[index]!.account_id;
    const { knex } = trading.container.db;
    const account = await knex('accounts')
      .where({ id: accountId })
      .first<{ id: string }>('client_id as id');
    return { ...account, accountId };
  };
  const ask = async (row: Row, caller: Caller, resource: Resource): Promise<Answer> => {
    const takesBody = row.method !== 'GET' && row.method !== 'DELETE';
    const body = CONTENT[row.name]?.body ?? (takesBody ? {} : undefined);
    const headers = await caller.headers();
    return api.call(row.method, urlOf(row, resource), { headers, ...(body && { body }) });
  };

  it('is said of every parameter: whose the thing is that it names', () => {
    const unnamed = rows.flatMap((row) =>
      unnamedParameters(row).map((parameter) => `${row.name}: ${parameter}`),
    );
    expect(unnamed, 'add them to test/support/resources.ts').to.deep.equal([]);
    const paths = rows.map(({ path }) => path);
    expect(paths).to.include.members(Object.keys(RESOURCES));
    expect(rows.map(({ name }) => name)).to.include.members(Object.keys(CONTENT));
  });

  it('is what the OpenAPI document says, for every operation and every kind of caller', async function () {
    this.timeout(120_000);
    const faults: string[] = [];
    let cells = 0;
    for (const row of rows) {
      const kind = RESOURCES[row.path];
      const theirs = (await kind?.make(floor)) ?? {};
      const check = async (caller: Caller): Promise<void> => {
        const isOwners = kind?.whose === 'own' && caller.isOwner;
        const verdict = verdictOn(row.operation, caller);
        const resource = isOwners && verdict === 'through' ? await kind.make(floor) : theirs;
        const fault = await faultOf(row, caller, resource);
        cells += 1;
        if (fault !== null) faults.push(`${row.name}, ${caller.name}: ${fault}`);
      };
      const isStream = row.path === STREAM; // each of its answers takes a second
      if (isStream) await Promise.all(callers.map(check));
      else for (const caller of callers) await check(caller);
    }
    process.stdout.write(
      `      ${rows.length} operations x ${callers.length} callers = ${cells} answers, ` +
        `${faults.length} not as documented\n`,
    );
    expect(faults).to.deep.equal([]);
  });

  /** What is wrong with an answer; null when it is as documented. */
  const faultOf = async (row: Row, caller: Caller, resource: Resource): Promise<string | null> => {
    if (row.operation.security.length === 0) return null; // it asks for no credentials
    const verdict = verdictOn(row.operation, caller);
    const answer = await ask(row, caller, resource);
    if (verdict !== 'through') return faultOfRefusal(answer, verdict);
    const whose = RESOURCES[row.path]?.whose;
    const isShown = caller.isOwner || seesAll(row.operation, caller);
    if (whose !== 'own' || isShown) return faultOfPass(answer, whose !== 'none');
    const missing = await ask(row, caller, (resource as Owned).missing);
    if (answer.status !== 404 || missing.status !== 404) return `LEAK: no 404 but ${tell(answer)}`;
    const [seen, expected] = [answer, missing].map((one) => JSON.stringify(comparable(one)));
    return seen === expected ? null : `LEAK: ${seen} where nothing is: ${expected}`;
  };
});

const tell = ({ status, body }: Answer): string =>
  `${status} ${JSON.stringify(body).slice(0, 200)}`;

const isRefusal = ({ status }: Answer): boolean => status === 401 || status === 403;

function faultOfRefusal(answer: Answer, status: 401 | 403): string | null {
  if (answer.status === status) return null;
  return isRefusal(answer) ? `not ${status} but ${tell(answer)}` : `LEAK: ${tell(answer)}`;
}

function faultOfPass(answer: Answer, isThere: boolean): string | null {
  if (isRefusal(answer) || answer.status >= 500) return `locked out: ${tell(answer)}`;
  return isThere && answer.status === 404 ? `not found: ${tell(answer)}` : null;
}
