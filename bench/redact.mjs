// Erasing: payloads of a ledger of N spans beside writing them; one payload beside the whole process that does nothing; and
// judging a ledger of which half was erased beside one of which nothing was, an entry.
// node bench/redact.mjs [ENTRIES=200000]
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ledger } from '@infrafabric/ledger';
import { makeLedger } from './make-ledger.mjs';
import { inTurns } from './pairs.mjs';

const entries = Number(process.argv[2] ?? 200_000);
const directory = mkdtempSync(join(tmpdir(), 'bench-redact-'));
const [whole, half] = ['whole', 'half'].map((name) => join(directory, name));
const bin = join(import.meta.dirname, '../packages/cli/bin/if-witness.js');
const seconds = async (work) => {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
};

try {
  const written = await seconds(() => makeLedger(whole, entries));
  cpSync(whole, half, { recursive: true });
  const ledger = await Ledger.open({ home: half });
  const targets = Array.from({ length: entries / 2 }, (_, i) => 2 * i + 1);
  const scattered = targets.slice(0, Math.floor(targets.length / 10)).map((seq) => seq * 5 - 4);
  const first = await seconds(() => ledger.redact(scattered, 'bench'));
  const rest = await seconds(() => ledger.redact(targets, 'bench'));
  const size = (await ledger.view()).entryCount();
  await ledger.close();

  let next = 2;
  const ms = inTurns(
    {
      nothing: { args: ['-e', '0'], env: {} },
      one: {
        get args() {
          next += 2;
          return [bin, 'redact', String(next), '--reason', 'bench'];
        },
        env: { IF_WITNESS_HOME: half },
      },
      whole: { args: [bin, 'verify', '-q'], env: { IF_WITNESS_HOME: whole } },
      half: { args: [bin, 'verify', '-q'], env: { IF_WITNESS_HOME: half } },
    },
    5,
  );
  console.log(`${cpus()[0].model}, ${cpus().length} cores, Node ${process.version}`);
  const perSecond = (count, time) => `${Math.round(count / time).toLocaleString('en')} a second`;
  console.log(`written                       ${perSecond(entries, written)}`);
  console.log(`erased, one in ten            ${perSecond(scattered.length, first)}`);
  console.log(`erased, then every second     ${perSecond(targets.length - scattered.length, rest)}`);
  console.log(
    `one payload, whole process    ${ms.one.toFixed(0)} ms   ${(ms.one / ms.nothing).toFixed(1)} x node -e 0`,
  );
  const [before, after] = [ms.whole / (entries + 1), ms.half / size];
  console.log(`verify, nothing erased        ${(1000 * before).toFixed(1)} us an entry`);
  console.log(
    `verify, half of it erased     ${(1000 * after).toFixed(1)} us an entry   ${(after / before).toFixed(2)} x`,
  );
} finally {
  rmSync(directory, { recursive: true });
}
