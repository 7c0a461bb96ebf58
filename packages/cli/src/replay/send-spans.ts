/** Sends spans out of a ledger in requests, each until it was taken, refused, or the patience for it is over. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FedSpan, SpanFeed } from '@infrafabric/ledger/reader';
import {
  buildTraceBody,
  DEFAULT_BACKOFF,
  retryPauseMs,
  type SendOutcome,
  sendForOutcome,
  type TraceBody,
} from '@infrafabric/otlp/send';
import { CliError } from '../cli-error.js';
import type { ReplayTarget } from './replay-target.js';

const MAX_SPANS = 512;
const MAX_REQUEST_BYTES = 4 * 1024 * 1024;

/** What became of the spans. */
export interface Replayed {
  /** Spans that the backend took. */
  readonly spans: number;
  /** Requests that it took. */
  readonly requests: number;
  /** Spans that it refused: as a part of a request, or because one alone is too large for it. */
  readonly rejected: number;
  /** Spans whose payload is gone or damaged. */
  readonly missing: number;
  /** Of these the entries whose payload is gone, in order. */
  readonly goneSeqs: readonly number[];
}

/** How to send. */
export interface SendSpansOptions {
  readonly target: ReplayTarget;
  /** For one request with all its tries. */
  readonly patienceMs: number;
  /** Make the requests, but send none. */
  readonly isDryRun: boolean;
  /** Told what the backend says besides its answer. It is foreign text. */
  readonly warn: (message: string) => void;
  /** Called with the number of spans that were dealt with. */
  readonly onProgress: (done: number) => void;
}

/** The spans of these entries, in this order. @throws CliError `io` when the backend cannot be reached or refuses, LedgerError */
export async function sendSpans(seqs: readonly number[], feed: SpanFeed, options: SendSpansOptions): Promise<Replayed> {
  const sum = { spans: 0, requests: 0, rejected: 0, missing: 0 };
  const goneSeqs: number[] = [];
  let maxBytes = MAX_REQUEST_BYTES;
  for (let at = 0; at < seqs.length; options.onProgress(at)) {
    const fed = readSome(seqs.slice(at, at + MAX_SPANS), feed, maxBytes);
    const { built, taken, missing, gone } = requestOf(fed, options.target, maxBytes);
    const outcome = await send(built, options, sum.spans, seqs.length);
    if (outcome.kind === 'refused' && built.spans > 1) {
      maxBytes = Math.max(1, Math.floor(Math.min(maxBytes, built.body.length) / 2));
      continue;
    }
    const rejected = outcome.kind === 'accepted' ? 0 : outcome.kind === 'refused' ? 1 : outcome.rejectedSpans;
    if (outcome.message !== '') options.warn(`the backend says: ${outcome.message}`);
    sum.missing += missing;
    goneSeqs.push(...gone);
    sum.rejected += Math.min(rejected, built.spans);
    sum.spans += Math.max(0, built.spans - rejected);
    if (built.spans > 0 && outcome.kind !== 'refused') sum.requests++;
    at += taken;
  }
  return { ...sum, goneSeqs };
}

function readSome(seqs: readonly number[], feed: SpanFeed, maxBytes: number): FedSpan[] {
  const fed: FedSpan[] = [];
  let bytes = 0;
  for (const seq of seqs) {
    const span = feed.span(seq);
    bytes += span.kind === 'span' ? span.span.length : 0;
    if (bytes > maxBytes && fed.length > 0) break;
    fed.push(span);
  }
  return fed;
}

/** A request from the first of these spans, and how many of them it settles. */
function requestOf(
  fed: readonly FedSpan[],
  { contentType }: ReplayTarget,
  maxBytes: number,
): { readonly built: TraceBody; readonly taken: number; readonly missing: number; readonly gone: readonly number[] } {
  const whole = fed.filter((span) => span.kind === 'span');
  const built = buildTraceBody(whole, contentType, maxBytes);
  const next = whole[built.taken];
  const taken = next === undefined ? fed.length : fed.indexOf(next);
  const gone = fed.slice(0, taken).flatMap(({ kind, seq }) => (kind === 'erased' ? [seq] : []));
  return { built, taken, missing: taken - built.spans, gone };
}

/** Of refusals, only that a request is too large is an answer. @throws CliError `io` */
async function send(
  { body, spans }: TraceBody,
  { target, patienceMs, isDryRun }: SendSpansOptions,
  sent: number,
  all: number,
): Promise<Exclude<SendOutcome, { kind: 'retry' }>> {
  if (isDryRun || spans === 0) return { kind: 'accepted', message: '' };
  const { endpoint, headers, contentType, compression, attemptMs } = target;
  const deadline = Date.now() + patienceMs;
  const fail = (message: string, hint: string): CliError => {
    const soFar = `${sent.toLocaleString('en')} of ${all.toLocaleString('en')} spans were sent`;
    return new CliError('io', `${new URL(endpoint).host} did not take the spans: ${message}; ${soFar}`, { hint });
  };
  for (let failures = 1; ; failures++) {
    const timeoutMs = Math.max(1, Math.min(attemptMs, deadline - Date.now()));
    const outcome = await sendForOutcome({ endpoint, headers, contentType, compression, timeoutMs, body });
    if (outcome.kind === 'refused' && outcome.status !== 413) {
      throw fail(outcome.message, 'check the URL and what it asks for; spans are sent again without harm');
    }
    if (outcome.kind !== 'retry') return outcome;
    const pauseMs = retryPauseMs(failures, outcome.afterMs, DEFAULT_BACKOFF);
    if (Date.now() + pauseMs >= deadline) {
      throw fail(outcome.message, 'try again later, or raise --timeout; spans are sent again without harm');
    }
    await sleep(pauseMs);
  }
}
