/** `node verify.mjs LEDGER VKEYFILE`: prints the report as JSON, its timings left out. FAKE_NOW is what the clock says, in milliseconds. */
import { readFileSync } from 'node:fs';
import { parseVkey } from '@infrafabric/format';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { verifyLedger } from '@infrafabric/verify';

const fakeNow = process.env.FAKE_NOW;
if (fakeNow !== undefined) Date.now = () => Number(fakeNow);

const [, , path, vkeyFile] = process.argv;
const reader = LedgerReader.open(String(path));
const report = verifyLedger(reader, { key: parseVkey(readFileSync(String(vkeyFile), 'utf8')) });
reader.close();
console.log(JSON.stringify({ ...report, timingsMs: undefined }));
