import { expect } from 'chai';

/** A method, such as `OrdersApi.postOrder`. */
type Name = string;

/** Methods that are not ours to answer, by the reason why. */
export type Exclusions = Readonly<Record<string, readonly Name[]>>;

const namesOf = (target: object): string[] => [
  ...Object.keys(target),
  ...Object.getOwnPropertyNames(Object.getPrototypeOf(target)),
];

/** The methods that a class has itself; accessors are none. */
export function methodsOf(prototype: object): string[] {
  return Object.entries(Object.getOwnPropertyDescriptors(prototype))
    .filter(([name, { value }]) => typeof value === 'function' && name !== 'constructor')
    .map(([name]) => name);
}

/** The methods of an object, those of its class included. */
export const methodsOfObject = (target: object): string[] =>
  [...new Set(namesOf(target))].filter(
    (name) =>
      name !== 'constructor' && typeof (target as Record<string, unknown>)[name] === 'function',
  );

/** Notes which methods of an SDK are called; the SDK itself stays as it is. */
export class Calls {
  private readonly called = new Set<Name>();

  /** @returns what behaves as the target, and notes each call as `prefix` and the method's name */
  note<T extends object>(prefix: string, target: T): T {
    return new Proxy(target, {
      get: (_, property) => {
        const value: unknown = Reflect.get(target, property);
        if (typeof value !== 'function' || typeof property !== 'string') return value;
        return (...args: unknown[]): unknown => {
          this.called.add(prefix + property);
          return Reflect.apply(value, target, args);
        };
      },
    });
  }

  /** Fails for a method that was neither called nor excluded, and for an exclusion of no use. */
  expectAll(surface: readonly Name[], exclusions: Exclusions): void {
    const excluded = Object.values(exclusions).flat();
    const missed = surface.filter((name) => !this.called.has(name) && !excluded.includes(name));
    expect(missed, 'never called').to.deep.equal([]);
    expect(surface, 'excluded, but not there').to.include.members(excluded);
    const both = excluded.filter((name) => this.called.has(name));
    expect(both, 'excluded, but called').to.deep.equal([]);
    expect(new Set(excluded), 'excluded twice').to.have.lengthOf(excluded.length);
  }
}
