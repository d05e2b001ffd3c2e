import { expect } from 'chai';
import fc from 'fast-check';
import { encodeArrays } from '../../src/array-parameters.js';
import { connectDatabase, isDataError, type Database } from '../../src/db.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

type Element = string | number | bigint | boolean;

const or = (one: fc.Arbitrary<Element>) => fc.array(fc.option(one), { maxLength: 40 });
const text = fc.string({ unit: 'grapheme' }).filter((one) => !one.includes('\0'));
const nasty = fc.constantFrom('NULL', 'null', '', '{}', '"', '\\', ',', ' a ', "'", '\n', '😀');
const INT8 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };
const INT4 = { min: -(2 ** 31), max: 2 ** 31 - 1 };

/** What each type's arrays may hold. */
const TYPES: Record<string, fc.Arbitrary<readonly (Element | null)[]>> = {
  text: or(fc.oneof(text, nasty)),
  uuid: or(fc.uuid()),
  bigint: or(fc.bigInt(INT8)),
  int: or(fc.integer(INT4)),
  int2: or(fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 })),
  bool: or(fc.boolean()),
  numeric: or(fc.bigInt()),
};

describe('arrays as parameters of the order path', () => {
  let database: TestDatabase;
  let db: Database;

  before(async () => {
    database = await createTestDatabase();
    db = connectDatabase(database.url, 'arrays', 1);
  });
  after(async () => {
    await db.close();
    database.drop();
  });

  for (const [type, arrays] of Object.entries(TYPES)) {
    it(`are read by Postgres as the very same elements: ${type}[]`, async () => {
      const statement = {
        name: `read-${type}`,
        text: `select array(select one::text from unnest($1::${type}[]) with ordinality
          as u (one, place) order by place) as read`,
      };
      await fc.assert(
        fc.asyncProperty(arrays, async (elements) => {
          const [row] = await db.run<{ read: (string | null)[] }>(statement, [elements]);
          expect(row!.read).to.deep.equal(
            elements.map((one) => (one === null ? null : String(one))),
          );
        }),
        { numRuns: 100 },
      );
    });
  }

  it('refuse what the type cannot hold, as Postgres does', async () => {
    const refused: [type: string, element: unknown][] = [
      ['bigint', 2n ** 63n],
      ['bigint', -(2n ** 63n) - 1n],
      ['int', 2 ** 31],
      ['int', 0.5],
      ['uuid', '01a21867-b0c9-7000-8000-01bf7726d75g'],
      ['uuid', '01a21867b0c9-7000-8000-01bf7726d7566'],
      ['uuid', 'no'],
      ['text', 'a\0b'],
      ['int2', 2 ** 15],
    ];
    for (const [type, element] of refused) {
      const statement = { name: `refuse-${type}`, text: `select unnest($1::${type}[])` };
      const error: unknown = await db.run(statement, [[element]]).then(
        () => null,
        (reason: unknown) => reason,
      );
      expect(isDataError(error), `${type} ${String(element)}: ${String(error)}`).to.equal(true);
    }
  });

  it('need a cast that says their type', () => {
    expect(() => encodeArrays('select any($1)', [[1]])).to.throw(/parameter 1 .*without a cast/);
  });
});
