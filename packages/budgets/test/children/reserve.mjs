/** Reserves 0.10 of whatever budget there is, and commits it: `node reserve.mjs HOME commit|keep`. Prints granted or refused. */
import { Budgets, openSpent } from '@infrafabric/budgets';
import { Ledger } from '@infrafabric/ledger';

const [home, then] = process.argv.slice(2);
const ledger = await Ledger.open({ home, timeoutMs: 120_000 });
const spent = openSpent(await ledger.view(), home);
const budgets = await Budgets.over(ledger, spent);
const answer = await budgets.reserve({ amountPico: 100_000_000_000n });
if (answer.granted && then === 'commit') await budgets.commit(answer.id, 100_000_000_000n);
spent.close();
await ledger.close();
process.stdout.write(answer.granted ? 'granted' : 'refused');
