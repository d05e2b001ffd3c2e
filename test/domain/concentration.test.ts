import { expect } from 'chai';
import {
  addUpOwners,
  findConcentration,
  type AssetVolume,
} from '../../src/domain/concentration.js';
import { second, THRESHOLDS } from './surveillance-cases.js';

const VOLUME: AssetVolume = {
  assetId: 'AAPL',
  qty: 10_000n,
  value: 2_000_000_0000n,
  trades: 300,
  accounts: 20,
};
const times = { day: second(-3_600), now: second(60) };

describe('concentration', () => {
  const find = (bought: bigint, sold: bigint, volume: Partial<AssetVolume> = {}) =>
    findConcentration(
      { ...VOLUME, ...volume },
      [{ accountIds: ['B', 'A'], bought, sold }],
      THRESHOLDS,
      times,
    );

  it("is one owner's share of the day's volume, bought or sold", () => {
    const [finding] = find(4_000n, 0n);
    expect(finding).to.include({ kind: 'concentration', score: 40 });
    expect(finding!.accountIds).to.deep.equal(['A', 'B']);
    expect(finding!.figures).to.include({ side: 'bought', share_pct: '40.00' });
    expect(find(0n, 4_000n)[0]!.figures).to.include({ side: 'sold' });
    expect(find(3_999n, 0n)).to.have.lengthOf(0);
  });

  it('does not add up what a day trader buys and sells', () => {
    expect(find(3_000n, 3_000n)).to.have.lengthOf(0);
  });

  it('says nothing of an asset that has hardly traded', () => {
    expect(find(9_000n, 0n, { trades: 249 })).to.have.lengthOf(0);
    expect(find(9_000n, 0n, { value: 999_999_999n })).to.have.lengthOf(0);
    expect(find(9_000n, 0n, { accounts: 9 })).to.have.lengthOf(0);
  });

  it('is the same finding for an hour, and another one in the next', () => {
    const at = (now: Date) =>
      findConcentration(VOLUME, [{ accountIds: ['A'], bought: 5_000n, sold: 0n }], THRESHOLDS, {
        ...times,
        now,
      })[0]!.bucket;
    expect(at(second(60))).to.equal(at(second(3_000)));
    expect(at(second(60))).not.to.equal(at(second(3_700)));
  });

  it('adds up the accounts of an owner', () => {
    const rows = [
      { accountId: 'A', bought: 1n, sold: 2n },
      { accountId: 'B', bought: 10n, sold: 20n },
      { accountId: 'C', bought: 100n, sold: 200n },
    ];
    const owners = addUpOwners(rows, (id) => (id === 'C' ? 'C' : 'A'));
    expect(owners).to.deep.equal([
      { accountIds: ['A', 'B'], bought: 11n, sold: 22n },
      { accountIds: ['C'], bought: 100n, sold: 200n },
    ]);
  });
});
