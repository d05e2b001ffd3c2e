import type { Trading } from './trading.js';

/** Makes two of the floor's accounts one client's; the database does not let the application do it. */
export async function giveToOneClient(trading: Trading, one: number, other: number): Promise<void> {
  const [first, second] = [trading.accounts[one]!, trading.accounts[other]!];
  await trading.asOwner(
    `update accounts set client_id =
       (select client_id from accounts where id = '${first.account_id}')
     where id = '${second.account_id}'`,
  );
}

/** They sell to each other at a price of their own, by orders entered together. */
export async function tradeWithEachOther(
  trading: Trading,
  seller: number,
  buyer: number,
  qty = '10',
): Promise<void> {
  await trading.place({ account: seller, side: 'sell', qty, price: '150' });
  await trading.place({ account: buyer, side: 'buy', qty, price: '150' });
  await trading.settle();
}
