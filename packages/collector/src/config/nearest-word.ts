/** Did-you-mean for keys and variables. */

/** The word that is fewest changes away, if that is at most a third of its letters; of equals the first. */
export function nearestWord(text: string, words: Iterable<string>): string | undefined {
  let nearest: string | undefined;
  let least = Math.max(2, Math.ceil(text.length / 3)) + 1;
  for (const word of words) {
    const changes = text.length > 64 ? least : distance(text.toLowerCase(), word.toLowerCase());
    if (changes < least) [nearest, least] = [word, changes];
  }
  return nearest;
}

/** Insertions, deletions and replacements from one text to the other. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      next.push(Math.min(row[j]! + (a[i] === b[j] ? 0 : 1), row[j + 1]! + 1, next[j]! + 1));
    }
    row = next;
  }
  return row.at(-1)!;
}
