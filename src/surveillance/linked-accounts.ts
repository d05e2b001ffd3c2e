/**
 * Which accounts belong together. What they may share is told by the view `account_link_keys`, a row
 * for each account and each thing: the client, and what clients have given or used (phone, address,
 * ...). A new source is a new branch of the view; nothing here has to know it.
 */

/** A value that more accounts share links nobody: an office block, a café's network. */
export const SHARED_MAX = 10;

/**
 * Puts accounts that are linked, directly or through others, into one group.
 * @param keys what each account can be linked by, as text
 * @returns the name of an account's group: the lowest id in it
 */
export function groupLinked(
  accounts: readonly { readonly accountId: string; readonly keys: readonly string[] }[],
): (accountId: string) => string {
  const parents = new Map<string, string>();
  const rootOf = (name: string): string => {
    const parent = parents.get(name) ?? name;
    return parent === name ? name : rootOf(parent);
  };
  const join = (one: string, other: string): void => {
    const [low, high] = [rootOf(one), rootOf(other)].sort();
    parents.set(high!, low!);
  };
  const firstWith = new Map<string, string>();
  for (const { accountId, keys } of accounts) {
    for (const key of keys) {
      const first = firstWith.get(key);
      if (first === undefined) firstWith.set(key, accountId);
      else join(first, accountId);
    }
  }
  return rootOf;
}
