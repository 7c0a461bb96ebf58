/** Did-you-mean for names of models and cards. */

/** Names further away than this share of their length are another name. */
const MOST_CHANGES = 0.4;
const MAX_CHARS = 128;

/** The name that is fewest changes away from a text, if it is near at all; of equals the first. */
export function nearestName(text: string, names: Iterable<string>): string | undefined {
  const sought = text.toLowerCase().slice(0, MAX_CHARS);
  let nearest: string | undefined;
  let least = Math.max(1, Math.floor(sought.length * MOST_CHANGES)) + 1;
  for (const name of names) {
    if (Math.abs(name.length - sought.length) >= least) continue;
    const changes = distance(sought, name.toLowerCase(), least);
    if (changes < least) {
      least = changes;
      nearest = name;
    }
  }
  return nearest;
}

/** Insertions, deletions, replacements and swaps of neighbours from one text to another; `most` or more when there are so many. */
function distance(a: string, b: string, most: number): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const isSwap = i > 0 && j > 0 && a[i] === b[j - 1] && a[i - 1] === b[j];
      const changed = Math.min(row[j]! + (a[i] === b[j] ? 0 : 1), row[j + 1]! + 1, next[j]! + 1);
      next.push(isSwap ? Math.min(changed, before[j - 1]! + 1) : changed);
    }
    if (Math.min(...row, ...next) >= most) return most;
    before = row;
    row = next;
  }
  return row.at(-1)!;
}
