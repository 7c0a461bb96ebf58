/** A project that has only the packed packages: it records a span, and judges the ledger under the key it holds. */
import { parseVkey } from '@infrafabric/format';
import { draftSpan, Ledger, localKeys } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { parseTraceRequestJson } from '@infrafabric/otlp';
import { type Report, verifyLedger } from '@infrafabric/verify';

const span = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', name: 'consumed', kind: 1 };
const times = { startTimeUnixNano: '1700000000000000000', endTimeUnixNano: '1700000000000000001' };
const request = { resourceSpans: [{ scopeSpans: [{ spans: [{ ...span, ...times }] }] }] };

const ledger = await Ledger.open({ home: process.argv[2] });
await ledger.append(parseTraceRequestJson(JSON.stringify(request)).spans.map(draftSpan));
const { home, ledger: file } = ledger.paths;
const key = localKeys(home, ledger.origin())[0];
await ledger.close();

const reader = LedgerReader.open(file);
const report: Report = verifyLedger(reader, key ? { key: parseVkey(key.vkey), keySource: 'local' } : {});
reader.close();
console.log(report.code);
