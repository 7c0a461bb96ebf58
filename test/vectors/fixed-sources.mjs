/** A clock and random octets that are the same every time: what makes a ledger a golden vector. */
import { createHash } from 'node:crypto';

/**
 * @param {string} seed whatever tells one vector from another
 * @param {bigint} start first receive time, Unix nanoseconds
 * @returns `sources` for `Ledger.open`, and `setClock` to make the clock jump
 */
export function fixedSources(seed, start) {
  let now = start;
  let blocks = 0;
  const nextBlock = () => createHash('sha256').update(`${seed} ${blocks++}`).digest();
  return {
    sources: {
      /** A batch every 1.5 seconds. */
      nowUnixNano: () => (now += 1_500_000_000n),
      randomBytes: (octets) => {
        const all = [];
        for (let done = 0; done < octets; done += 32) all.push(nextBlock());
        return new Uint8Array(Buffer.concat(all).subarray(0, octets));
      },
    },
    setClock: (unixNano) => {
      now = unixNano;
    },
  };
}
