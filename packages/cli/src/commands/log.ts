/** `if-witness log`: one event becomes one span and one entry; `--batch` takes many. */
import { randomBytes, randomUUID } from 'node:crypto';
import { witnessPaths } from '@infrafabric/ledger';
import type { SpanRecord } from '@infrafabric/otlp';
import type { Command } from 'commander';
import { act, type Invocation } from '../act.js';
import { usageError } from '../cli-error.js';
import type { ExitCode } from '../exit-code.js';
import { ambientContext } from '../log/ambient-context.js';
import { addEventOptions, type EventFlags, partialEventOfFlags } from '../log/event-flags.js';
import { completeEvent } from '../log/event-values.js';
import { namesBackend } from '../log/names-backend.js';
import { placeSpan } from '../log/place-span.js';
import { addRecordOptions, type RecordFlags, recorderOptions } from '../log/record-flags.js';
import { renderRecorded } from '../log/render-recorded.js';
import { resourceOfEnv } from '../log/resource-of-env.js';
import { spanOfEvent } from '../log/span-of-event.js';
import { SpanRecorder } from '../log/span-recorder.js';
import type { Messages } from '../messages.js';
import { printOutInPassing } from '../output.js';
import { addHelp } from '../program.js';

interface LogFlags extends EventFlags, RecordFlags {
  readonly start?: string;
  readonly end?: string;
  readonly printEnv?: true;
  readonly batch?: true;
  readonly keepGoing?: true;
}

/** How long an event may take to bring in what waits in the spool. */
const DRAIN_MS = 500;
/** A batch of so many entries is summed up at once: the next report would wait for it. */
const SUM_UP_FROM = 1_000;
/** A batch has its budgets judged so often, and at its end. */
const JUDGE_EVERY_MS = 1_000;

export function define(command: Command): void {
  command.optionsGroup('Event:');
  addEventOptions(command);
  command
    .option('--start <time>', 'RFC 3339, or Unix s, ms, µs or ns (default: the end, else now)')
    .option('--end <time>', 'likewise (default: now)')
    .optionsGroup('Recording:');
  addRecordOptions(command);
  command
    .option('--print-env', 'print TRACEPARENT and BAGGAGE for child processes instead of the entry: eval "$(…)"')
    .option('--batch', 'read JSON lines from stdin, one event each; flags stand in for missing members')
    .option('--keep-going', 'with --batch: skip and count lines that cannot be used');
  addHelp(
    command,
    'Writes one event, or many, into the ledger.',
    [
      'if-witness log --event sip_invite_sent --component IF.witness.sip --trace-id call-42 --payload \'{"cseq": 1}\'',
      'if-witness log --event answered --component bot --trace-id call-42 --tokens-in 300 --tokens-out 150 --cost 0.0005 --model claude-haiku-4.5',
      'eval "$(if-witness log --event started --component build --print-env)"; if-witness log --event linked --component build',
      'if-witness log --batch < events.jsonl',
    ],
    [
      'Without --trace-id the event joins the flow in BAGGAGE (witness.trace.id) or the trace in TRACEPARENT; without those\n' +
        'it starts a new flow, whose id is printed. If OTEL_EXPORTER_OTLP_ENDPOINT is set, the span is sent there as well.',
      'While the ledger is locked, read-only or full, the event waits in the spool, `spooled` is printed in place of seq and\n' +
        'hash, and a later log brings it in. A cost, count or payload that makes no sense is refused and nothing is written.',
      'A batch is committed every 512 lines. Members of a line: event, component, trace_id, parent_trace_id, payload (any\n' +
        'JSON), tokens_in, tokens_out, cost (text or number), model, provider, start, end, kind, status, status_message,\n' +
        'attributes. At a bad line it stops with exit code 2; what stands before it is committed.',
    ],
  );
  command.action(
    act<LogFlags>((invocation) => (invocation.flags.batch === true ? logMany(invocation) : logOne(invocation))),
  );
}

async function logOne({ flags, common, messages }: Invocation<LogFlags>): Promise<ExitCode> {
  if (flags.keepGoing === true) throw usageError('--keep-going goes with --batch');
  if (flags.printEnv === true && common.json) throw usageError('--print-env and --json exclude each other');
  const event = completeEvent(partialEventOfFlags(flags), (member) => `--${member}`);
  const recorder = new SpanRecorder(recorderOptions(flags, witnessPaths(common)));
  const { ambient, resource } = circumstances(flags, messages);
  const placement = placeSpan(event, ambient, () => `op-${randomUUID()}`);
  const record = spanOfEvent(event, {
    placement,
    resource,
    spanId: randomBytes(8).toString('hex'),
    nowUnixNano: now(),
  });
  try {
    const recorded = await recorder.record([record]);
    if (recorded.outcome === 'spooled') warnSpooled(messages, recorded.why);
    if (flags.printEnv === true) {
      const { childEnvironment, renderExports } = await import('../log/child-environment.js');
      printOutInPassing(renderExports(childEnvironment(record, placement, ambient)));
    } else printOutInPassing(renderRecorded(recorded, record, placement.businessId, common.json));
    await recorder.judge(messages);
    await forward([record], messages);
    await drain(recorder, messages);
  } finally {
    await recorder.close();
  }
  return 0;
}

async function logMany({ flags, common, messages }: Invocation<LogFlags>): Promise<ExitCode> {
  if (flags.printEnv === true) throw usageError('--print-env goes with a single event');
  if (flags.payload === '-') throw usageError('--batch reads stdin, so --payload cannot');
  const { logBatch } = await import('../log/log-batch.js');
  const { renderBatch } = await import('../log/render-batch.js');
  const defaults = partialEventOfFlags(flags);
  const recorder = new SpanRecorder({ ...recorderOptions(flags, witnessPaths(common)), longLived: true });
  const { ambient, resource } = circumstances(flags, messages);
  // All lines of a batch that name no flow are of one.
  const newFlow = `op-${randomUUID()}`;
  let forwards = true;
  let judgeAtMs = 0;
  try {
    const result = await logBatch({
      input: process.stdin,
      recorder,
      ambient,
      resource,
      defaults,
      newBusinessId: () => newFlow,
      keepGoing: flags.keepGoing === true,
      quiet: common.quiet,
      skipped: (line, why) => messages.warn(`line ${line} is skipped: ${why}`),
      committed: async (records) => {
        forwards = forwards && (await forward(records, messages));
        if (Date.now() < judgeAtMs) return;
        await recorder.judge(messages);
        judgeAtMs = Date.now() + JUDGE_EVERY_MS;
      },
    });
    if (result.spooledWhy !== undefined) warnSpooled(messages, result.spooledWhy);
    printOutInPassing(renderBatch(result, common.json));
    await recorder.judge(messages);
    if (result.stoppedBy !== undefined) throw result.stoppedBy;
    await drain(recorder, messages);
    if (result.appended >= SUM_UP_FROM) await recorder.sumUp();
    return result.skipped > 0 ? 1 : 0;
  } finally {
    process.stdin.destroy();
    await recorder.close();
  }
}

function circumstances(flags: RecordFlags, messages: Messages) {
  const ambient = ambientContext(process.env);
  const { resource, problem } = resourceOfEnv(flags.service, process.env);
  for (const text of [ambient.problem, problem]) if (text !== undefined) messages.warn(text);
  return { ambient, resource };
}

/** Sends spans to the backend of the environment, if it names one; false when that failed, which is only a warning. */
async function forward(records: readonly SpanRecord[], messages: Messages): Promise<boolean> {
  if (!namesBackend(process.env)) return true;
  const { forwardSpans } = await import('../log/forward-spans.js');
  const why = await forwardSpans(records, process.env);
  if (why !== undefined) messages.warn(`recorded, but not sent over OTLP: ${why}`);
  return why === undefined;
}

async function drain(recorder: SpanRecorder, messages: Messages): Promise<void> {
  const drained = await recorder.drain(DRAIN_MS);
  if (drained === 0) return;
  await recorder.judge(messages);
  messages.note(`brought in from the spool: ${drained} ${drained === 1 ? 'event' : 'events'}`);
}

function warnSpooled(messages: Messages, why: Error): void {
  messages.warn(`${why.message}; what was logged waits in the spool, and a later log brings it in`);
}

function now(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}
