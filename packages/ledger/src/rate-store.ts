/**
 * The rate cards of a witness home: `rates/NAME.NNNN.json`, a new file for each version and none ever changed, and
 * `rates/use.json`, which says which cards are asked for spans of services. A file that cannot be used is named, never thrown:
 * pricing must not stop witnessing.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isCardName, parseRateCard, RateCardError } from '@infrafabric/accounting/parse-rate-card';
import { LoadedCard, type RateCard } from '@infrafabric/accounting/rate-cards';
import { SHIPPED_CARDS } from '@infrafabric/accounting/shipped-cards';
import { makePrivateDirectory, writePrivateFile } from './private-file.js';
import { ratesDirectory } from './witness-home.js';

/** A card of the home. */
export interface StoredCard {
  readonly name: string;
  /** Of all its versions, newest first; empty when the newest cannot be used. */
  readonly versions: readonly LoadedCard[];
  /** Their files, in the same order. */
  readonly files: readonly string[];
}

/** A file that cannot be used. */
export interface StoreProblem {
  readonly file: string;
  readonly problem: string;
}

/** What the home holds. */
export interface StoredRates {
  /** By name. */
  readonly cards: readonly StoredCard[];
  /** Names of cards in the order to ask; undefined when nobody said. */
  readonly use: readonly string[] | undefined;
  readonly problems: readonly StoreProblem[];
}

const VERSION_FILE = /^([a-z0-9][a-z0-9-]{0,63})\.(\d{4,9})\.json$/;
const USE_FILE = 'use.json';
/** Octets of a file that is read. */
const MAX_FILE_OCTETS = 8 * 1024 * 1024;

/** Reads the store. Never throws. */
export function readStore(home: string): StoredRates {
  const directory = ratesDirectory(home);
  const problems: StoreProblem[] = [];
  let names: string[] = [];
  try {
    if (statSync(directory, { throwIfNoEntry: false }) !== undefined) names = readdirSync(directory);
  } catch (error) {
    // A home that is no directory is not this room's to complain about.
    if ((error as NodeJS.ErrnoException).code !== 'ENOTDIR') {
      problems.push({ file: directory, problem: (error as Error).message });
    }
  }
  const byName = new Map<string, { version: number; file: string }[]>();
  for (const file of names) {
    const [, name, version] = VERSION_FILE.exec(file) ?? [];
    if (name === undefined) continue;
    byName.set(name, [...(byName.get(name) ?? []), { version: Number(version), file: join(directory, file) }]);
  }
  const cards: StoredCard[] = [];
  for (const [name, files] of [...byName].sort(([a], [b]) => (a < b ? -1 : 1))) {
    files.sort((a, b) => b.version - a.version);
    const versions: LoadedCard[] = [];
    for (const { file } of files) {
      const loaded = load(file, name, problems);
      // An older price for new spans would be a wrong one: without its newest version a card says nothing.
      if (loaded === undefined && versions.length === 0) break;
      if (loaded !== undefined) versions.push(loaded);
    }
    cards.push({ name, versions, files: files.map(({ file }) => file) });
  }
  return { cards, use: names.includes(USE_FILE) ? readUse(join(directory, USE_FILE), problems) : undefined, problems };
}

/**
 * Adds a version of a card: `build` gets the newest one and gives the next. Of several processes each adds its own version,
 * on top of the one before. @throws RateCardError; what the file system throws; then nothing is stored.
 */
export function storeCard(
  home: string,
  name: string,
  build: (previous: RateCard | undefined) => RateCard,
): { readonly file: string; readonly loaded: LoadedCard } {
  if (!isCardName(name))
    throw new RateCardError(`${JSON.stringify(name)} is no name of a card: 1 to 64 of a–z, 0–9 and -`);
  if ((SHIPPED_CARDS as readonly string[]).includes(name)) {
    throw new RateCardError(`${name} is a card that ships with this program`, 'give your card another name');
  }
  for (;;) {
    const { cards, problems } = readStore(home);
    const stored = cards.find((card) => card.name === name);
    const damaged = problems.find(({ file }) => file === stored?.files[0]);
    if (damaged !== undefined) {
      throw new RateCardError(
        `the newest version cannot be read: ${damaged.file}: ${damaged.problem}`,
        'move that file away',
      );
    }
    const card = build(stored?.versions[0]?.card);
    const text = `${JSON.stringify(card, undefined, 2)}\n`;
    const loaded = new LoadedCard(parseRateCard(text));
    const newest = VERSION_FILE.exec(stored?.files[0]?.split('/').at(-1) ?? '')?.[2] ?? '0';
    const file = join(ratesDirectory(home), `${name}.${String(Number(newest) + 1).padStart(4, '0')}.json`);
    makePrivateDirectory(ratesDirectory(home));
    try {
      writePrivateFile(file, text, { exclusive: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
      throw error;
    }
    return { file, loaded };
  }
}

/** Says which cards are asked, in order. @throws what the file system throws. */
export function storeUse(home: string, use: readonly string[]): void {
  makePrivateDirectory(ratesDirectory(home));
  writePrivateFile(join(ratesDirectory(home), USE_FILE), `${JSON.stringify({ use })}\n`);
}

function load(file: string, name: string, problems: StoreProblem[]): LoadedCard | undefined {
  try {
    const card = parseRateCard(readBounded(file));
    if (card.name !== name) throw new RateCardError(`its name is ${JSON.stringify(card.name)}`);
    return new LoadedCard(card);
  } catch (error) {
    problems.push({ file, problem: (error as Error).message });
    return undefined;
  }
}

function readUse(file: string, problems: StoreProblem[]): readonly string[] | undefined {
  try {
    const { use } = JSON.parse(readBounded(file)) as { readonly use?: unknown };
    if (Array.isArray(use) && use.every((name) => typeof name === 'string' && isCardName(name))) return use as string[];
    throw new RateCardError('expected {"use":["NAME", …]}');
  } catch (error) {
    problems.push({ file, problem: (error as Error).message });
    return undefined;
  }
}

function readBounded(file: string): string {
  const found = statSync(file);
  if (!found.isFile()) throw new RateCardError('not a regular file');
  if (found.size > MAX_FILE_OCTETS) throw new RateCardError(`${found.size} octets, more than ${MAX_FILE_OCTETS}`);
  return readFileSync(file, 'utf8');
}
