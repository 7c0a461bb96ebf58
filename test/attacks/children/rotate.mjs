/** `node rotate.mjs HOME TIMES`: rotates the key of the ledger in HOME, and prints a line after each time. */
import { writeSync } from 'node:fs';
import { Ledger } from '@infrafabric/ledger';

const [home, times] = process.argv.slice(2);
const ledger = await Ledger.open({ home });
for (let i = 0; i < Number(times); i++) {
  await ledger.rotate();
  writeSync(1, `${i}\n`);
}
await ledger.close();
