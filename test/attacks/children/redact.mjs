// Erases the payloads of entries FROM to TO of a witness home, BATCH at a time: node redact.mjs HOME FROM TO BATCH
import { Ledger } from '@infrafabric/ledger';

const [home, from, to, batch] = [process.argv[2], ...process.argv.slice(3).map(Number)];
const ledger = await Ledger.open({ home });
console.log('open');
const targets = Array.from({ length: to - from + 1 }, (_, i) => from + i);
await ledger.redact(targets, 'a test', { batch, onProgress: (done) => console.log(`0 ${done}`) });
console.log('done');
await ledger.close();
