/** What the random attacker may do to the files of a ledger, and how often each. */
import { randomOf } from './ledger-files.js';
import { BYTE_EDITS } from './random-byte-edits.js';
import { SQL_EDITS } from './random-sql-edits.js';
import { WAL_EDITS } from './random-wal-edits.js';

/** Choices that repeat with the seed. */
export class Random {
  readonly #next: () => number;

  constructor(seed: string) {
    let hash = 0x811c9dc5;
    for (const char of seed) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193);
    this.#next = randomOf(hash);
    // Neighbouring seeds begin alike.
    for (let i = 0; i < 4; i++) this.#next();
  }

  /** An integer from 0, below `limit`; 0 where there is no room. */
  below(limit: number): number {
    return Math.floor(this.#next() * Math.max(1, Math.floor(limit)));
  }

  oneOf<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  octets(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }
}

/** An edit of the files at a path. Throws where this file has nothing of that kind. */
export interface RandomEdit {
  readonly name: string;
  readonly weight: number;
  readonly apply: (path: string, random: Random) => void;
}

const EDITS: readonly RandomEdit[] = [...SQL_EDITS, ...BYTE_EDITS, ...WAL_EDITS];
const WEIGHT = EDITS.reduce((sum, { weight }) => sum + weight, 0);

/** Applies one edit, in one of six cases two. @returns their names. */
export function editAtRandom(path: string, random: Random): string {
  const names: string[] = [];
  for (let wanted = random.below(6) === 0 ? 2 : 1, tries = 0; names.length < wanted && tries < 20; tries++) {
    const edit = pick(random);
    try {
      edit.apply(path, random);
      names.push(edit.name);
    } catch {
      // Nothing of the kind is there, or SQLite refused, also because the first edit left nothing that it can open.
      if (tries > 12) break;
    }
  }
  return names.join(' + ');
}

function pick(random: Random): RandomEdit {
  let place = random.below(WEIGHT);
  for (const edit of EDITS) {
    if (place < edit.weight) return edit;
    place -= edit.weight;
  }
  return EDITS[0]!;
}
