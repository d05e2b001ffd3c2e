/** A source of numbers in [0, 1). */
export type Random = () => number;

const WARM_UP = 15;

/**
 * A seeded generator of random numbers (sfc32 by Chris Doty-Humphrey, of PractRand): the same seed
 * gives the same ones.
 * @param name tells apart the streams of one seed, which have no influence on each other
 */
export function seededRandom(seed: string | number, name = ''): Random {
  const whole = `${seed}\n${name}`;
  let [a, b, c, counter] = [hashOf(String(seed), 1), hashOf(name, 2), hashOf(whole, 3), 1];
  const next = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let round = 0; round < WARM_UP; round += 1) next();
  return next;
}

/** A normally distributed number (Box and Muller's method). */
export function normal(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  return radius * Math.cos(2 * Math.PI * random());
}

/** FNV-1a over the UTF-16 code units, with the last mixing step of MurmurHash3. */
function hashOf(text: string, salt: number): number {
  let hash = 0x811c9dc5 ^ salt;
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
