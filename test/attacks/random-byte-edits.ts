/** Random edits of a database file's octets: anywhere, in the parts of a page that SQLite steers by, of whole pages. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Random, RandomEdit } from './random-edits.js';

/** A database file, page by page. */
class Pages {
  readonly octets: Buffer;
  readonly size: number;

  constructor(path: string) {
    this.octets = readFileSync(path);
    const stated = this.octets.readUInt16BE(16);
    this.size = stated === 1 ? 65_536 : stated;
    if (this.size < 512 || this.octets.length < this.size) throw new Error('no pages');
  }

  get count(): number {
    return Math.floor(this.octets.length / this.size);
  }

  page(index: number): Buffer {
    return this.octets.subarray(index * this.size, (index + 1) * this.size);
  }

  /** A page of a b-tree with at least two cells: where its head is, where its cell pointers start, how many there are. */
  tree(random: Random): { page: Buffer; head: number; pointers: number; cells: number } {
    for (let tries = 0; tries < 50; tries++) {
      const index = random.below(this.count);
      const page = this.page(index);
      const head = index === 0 ? 100 : 0;
      const kind = page[head]!;
      const cells = page.readUInt16BE(head + 3);
      if ([2, 5, 10, 13].includes(kind) && cells >= 2 && cells < this.size / 4)
        return { page, head, pointers: head + (kind < 8 ? 12 : 8), cells };
    }
    throw new Error('no tree');
  }
}

type PageEdit = (pages: Pages, random: Random) => Buffer | undefined;

function edit(name: string, weight: number, change: PageEdit): RandomEdit {
  return {
    name,
    weight,
    apply: (path, random) => {
      const pages = new Pages(path);
      const changed = change(pages, random) ?? pages.octets;
      if (changed === pages.octets && readFileSync(path).equals(changed)) throw new Error('the edit changes nothing');
      writeFileSync(path, changed);
    },
  };
}

export const BYTE_EDITS: readonly RandomEdit[] = [
  edit('a bit', 6, ({ octets }, random) => {
    octets[random.below(octets.length)]! ^= 1 << random.below(8);
    return undefined;
  }),
  edit('a few octets', 3, ({ octets }, random) => {
    for (let i = 1 + random.below(8); i > 0; i--) octets[random.below(octets.length)] = random.below(256);
    return undefined;
  }),
  edit('a run of octets', 2, ({ octets }, random) => {
    random.octets(1 + random.below(2_000)).copy(octets, random.below(octets.length));
    return undefined;
  }),
  edit('the header', 3, ({ octets }, random) => {
    octets[random.below(100)] = random.oneOf([0, 1, 2, 255, random.below(256)]);
    return undefined;
  }),
  edit('the list of free pages', 1, ({ octets, count }, random) => {
    octets.writeUInt32BE(random.below(count + 2), 32);
    octets.writeUInt32BE(random.below(9), 36);
    return undefined;
  }),
  edit('the head of a page', 3, (pages, random) => {
    const { page, head } = pages.tree(random);
    page[head + random.below(12)] = random.below(256);
    return undefined;
  }),
  edit('a cell gone', 4, (pages, random) => {
    const { page, head, pointers, cells } = pages.tree(random);
    const gone = random.below(cells);
    page.copy(page, pointers + 2 * gone, pointers + 2 * (gone + 1), pointers + 2 * cells);
    page.writeUInt16BE(cells - 1, head + 3);
    return undefined;
  }),
  edit('two cells exchanged', 3, (pages, random) => {
    const { page, pointers, cells } = pages.tree(random);
    const [a, b] = [pointers + 2 * random.below(cells), pointers + 2 * random.below(cells)];
    const [ofA, ofB] = [page.readUInt16BE(a), page.readUInt16BE(b)];
    page.writeUInt16BE(ofB, a);
    page.writeUInt16BE(ofA, b);
    return undefined;
  }),
  edit('a cell in place of another', 3, (pages, random) => {
    const { page, pointers, cells } = pages.tree(random);
    page.copy(page, pointers + 2 * random.below(cells), pointers + 2 * random.below(cells - 1), pointers + 2 * cells);
    return undefined;
  }),
  edit('the start of a cell', 4, (pages, random) => {
    const { page, pointers, cells } = pages.tree(random);
    const cell = page.readUInt16BE(pointers + 2 * random.below(cells));
    page[Math.min(page.length - 1, cell + random.below(24))]! ^= 1 << random.below(8);
    return undefined;
  }),
  edit('cell pointers', 2, (pages, random) => {
    const { page, pointers, cells } = pages.tree(random);
    for (let i = 1 + random.below(20); i > 0; i--)
      page.writeUInt16BE(random.below(page.length + 20), pointers + 2 * random.below(cells));
    return undefined;
  }),
  edit('a child page', 2, (pages, random) => {
    const { page, head } = pages.tree(random);
    if (page[head] !== 2 && page[head] !== 5) throw new Error('a leaf');
    page.writeUInt32BE(random.below(pages.count + 2), head + 8);
    return undefined;
  }),
  edit('a page in place of another', 2, (pages, random) => {
    const [from, to] = [random.below(pages.count), random.below(pages.count)];
    pages.page(from).copy(pages.page(to));
    return undefined;
  }),
  edit('an empty page', 1, (pages, random) => {
    pages.page(random.below(pages.count)).fill(0);
    return undefined;
  }),
  edit('the end cut off', 2, ({ octets, size, count }, random) =>
    octets.subarray(0, random.oneOf([size * random.below(count), random.below(octets.length), octets.length - 1])),
  ),
  edit('more after the end', 1, ({ octets, size }, random) =>
    Buffer.concat([octets, random.octets(random.oneOf([1, size, 3 * size]))]),
  ),
  edit('everything', 1, ({ octets }, random) => Buffer.concat([octets.subarray(0, 100), random.octets(5_000)])),
];
