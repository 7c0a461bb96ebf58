/** OTLP/JSON of any number of spans as one object, written piece by piece. Jaeger's upload takes it. */
import { renderTraceRequestJson, type SpanRecord } from '@infrafabric/otlp';
import { escapeJson } from '../escape.js';

const HEAD = '{"resourceSpans":[';
const TAIL = ']}';
/** Spans of a piece. */
const PIECE = 512;

/** Writes one request. Call `end` once. */
export class OtlpJsonWriter {
  readonly #write: (text: string) => void;
  #waiting: SpanRecord[] = [];
  #isFirst = true;

  constructor(write: (text: string) => void) {
    this.#write = write;
    write(HEAD);
  }

  add(record: SpanRecord): void {
    this.#waiting.push(record);
    if (this.#waiting.length >= PIECE) this.#flush();
  }

  end(): void {
    this.#flush();
    this.#write(`\n${TAIL}\n`);
  }

  #flush(): void {
    if (this.#waiting.length === 0) return;
    const request = renderTraceRequestJson(this.#waiting);
    this.#waiting = [];
    if (!request.startsWith(HEAD) || !request.endsWith(TAIL))
      throw new TypeError('a request of another form than expected');
    this.#write(`${this.#isFirst ? '' : ','}\n${escapeJson(request.slice(HEAD.length, -TAIL.length))}`);
    this.#isFirst = false;
  }
}
