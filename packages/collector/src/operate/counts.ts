/**
 * What is counted while spans come in: plain numbers, one addition each. The page of metrics reads them when it is asked for;
 * only the two histograms are the metrics library's own, and they are told once a commit.
 */
import { Histogram } from 'prom-client';
import type { Transport } from '../intake/intake.js';
import type { IntakeMeter, RefusalReason } from '../intake/intake-meter.js';

/** The doors, as a label. */
export const TRANSPORTS: readonly Transport[] = ['http', 'grpc'];

/** Why spans are refused, as a label. */
export const REASONS: readonly RefusalReason[] = ['malformed', 'rejected', 'overload', 'ledger', 'stopping'];

/** A number for each reason. */
export type ByReason = Record<RefusalReason, number>;

/** Everything counted since the start. */
export class Counts implements IntakeMeter {
  readonly acceptedSpans: Record<Transport, number> = { http: 0, grpc: 0 };
  readonly refusedSpans: Record<Transport, ByReason> = { http: none(), grpc: none() };
  readonly refusedRequests: Record<Transport, ByReason> = { http: none(), grpc: none() };
  /** Answers that are not good, by HTTP status from 400 up or gRPC status code. */
  readonly refusals: Record<Transport, Map<number, number>> = { http: new Map(), grpc: new Map() };
  duplicateSpans = 0;
  commits = 0;
  /** Undefined before the first. */
  lastCommitMs: number | undefined;
  readonly commitSeconds: Histogram = new Histogram({
    name: 'if_witness_commit_duration_seconds',
    help: 'How long a commit of spans took, the wait for other writers included.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers: [],
  });
  readonly commitSpans: Histogram = new Histogram({
    name: 'if_witness_commit_spans',
    help: 'How many spans shared a commit.',
    buckets: [1, 8, 32, 128, 512, 1024, 2048, 4096],
    registers: [],
  });

  readonly #onCommit: () => void;

  /** @param onCommit called after each commit was counted */
  constructor(onCommit: () => void = () => undefined) {
    this.#onCommit = onCommit;
  }

  accepted(transport: Transport, spans: number): void {
    this.acceptedSpans[transport] += spans;
  }

  refused(transport: Transport, spans: number, reason: RefusalReason): void {
    this.refusedSpans[transport][reason] += spans;
    this.refusedRequests[transport][reason]++;
  }

  duplicates(spans: number): void {
    this.duplicateSpans += spans;
  }

  committed(spans: number, seconds: number): void {
    this.commits++;
    this.lastCommitMs = Date.now();
    this.commitSeconds.observe(seconds);
    this.commitSpans.observe(spans);
    this.#onCommit();
  }

  /** A door refused a request, whatever the reason. */
  answered(transport: Transport, status: number): void {
    const byStatus = this.refusals[transport];
    byStatus.set(status, (byStatus.get(status) ?? 0) + 1);
  }
}

function none(): ByReason {
  return { malformed: 0, rejected: 0, overload: 0, ledger: 0, stopping: 0 };
}
