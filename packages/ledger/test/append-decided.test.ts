/** Appending what is decided inside the write transaction. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ledger, LedgerError } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { expect, onTestFinished, test } from 'vitest';

async function openLedger(home = tempHome()): Promise<Ledger> {
  const ledger = await Ledger.open({ home });
  onTestFinished(() => ledger.close());
  return ledger;
}

function tempHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'decided-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  return home;
}

const remove = (budget: string) => ({ type: 'budget', body: { action: 'remove', budget } }) as const;

test('what is decided sees every entry before it, those of other connections too', async () => {
  const first = await openLedger();
  const second = await openLedger(first.paths.home);
  const sizes: number[] = [];
  await Promise.all(
    Array.from({ length: 40 }, (_, i) =>
      (i % 2 === 0 ? first : second).appendDecided((view) => {
        sizes.push(view.entryCount());
        return [remove(`n${view.entryCount()}`)];
      }),
    ),
  );
  expect(sizes).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
  const reader = LedgerReader.open(first.paths.ledger);
  onTestFinished(() => reader.close());
  expect([...reader.entriesOfType('budget')].map(({ seq, entry }) => [seq, entry.body.budget])).toEqual(
    Array.from({ length: 40 }, (_, i) => [i + 1, `n${i + 1}`]),
  );
});

test('nothing decided appends nothing, and what throws appends nothing', async () => {
  const ledger = await openLedger();
  expect(await ledger.appendDecided(() => [])).toEqual([]);
  await expect(
    ledger.appendDecided(() => {
      throw new Error('no');
    }),
  ).rejects.toThrow('no');
  expect((await ledger.view()).entryCount()).toBe(1);
  expect(await ledger.appendDecided(() => [remove('a')])).toMatchObject([{ outcome: 'appended', seq: 1 }]);
});

test('a closed ledger decides nothing', async () => {
  const ledger = await Ledger.open({ home: tempHome() });
  await ledger.view();
  await ledger.close();
  await expect(ledger.appendDecided(() => [remove('a')])).rejects.toThrow(LedgerError);
});

test('whether there is an entry of a type is known without reading them', async () => {
  const ledger = await openLedger();
  expect([ledger.has('genesis'), ledger.has('budget')]).toEqual([true, false]);
  await ledger.append([remove('a')]);
  const view = await ledger.view();
  expect([ledger.has('budget'), view.has('budget'), view.has('alert')]).toEqual([true, true, false]);
});

test('the payload of a control entry is canonical JSON beside it, salted like any other', async () => {
  const ledger = await openLedger();
  const draft = { ...remove('a'), payload: { scope: { user: 'ada', session: 's' } } };
  const results = await ledger.append([draft, remove('b'), draft]);
  expect(results.map(({ seq }) => seq)).toEqual([1, 2, 3]);
  const view = await ledger.view();
  expect(Buffer.from(view.payload(1)!.payload).toString()).toBe('{"scope":{"session":"s","user":"ada"}}');
  expect(view.payload(2)).toBeUndefined();
  expect(view.entry(2)!.entry.payload).toBeUndefined();
  expect(view.payload(3)!.salt).not.toEqual(view.payload(1)!.salt);
  expect(view.entry(1)!.entry.payload).toMatch(/^[0-9a-f]{64}$/);
});
