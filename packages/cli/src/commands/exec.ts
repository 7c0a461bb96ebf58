/** `if-witness exec -- CMD`: runs a command and records it, with its exit code and duration. */
import { randomBytes, randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import { witnessPaths } from '@infrafabric/ledger';
import type { KeyValue } from '@infrafabric/otlp';
import type { Command } from 'commander';
import { act, type Invocation } from '../act.js';
import { ambientContext } from '../log/ambient-context.js';
import { childEnvironment } from '../log/child-environment.js';
import { addEventOptions, type EventFlags, partialEventOfFlags } from '../log/event-flags.js';
import { completeEvent } from '../log/event-values.js';
import { namesBackend } from '../log/names-backend.js';
import { placeSpan } from '../log/place-span.js';
import { addRecordOptions, type RecordFlags, recorderOptions } from '../log/record-flags.js';
import { renderRecorded } from '../log/render-recorded.js';
import { resourceOfEnv } from '../log/resource-of-env.js';
import { type Ended, runCommand } from '../log/run-command.js';
import { spanOfEvent } from '../log/span-of-event.js';
import { SpanRecorder } from '../log/span-recorder.js';
import type { PartialEvent } from '../log/witness-event.js';
import { printErr } from '../output.js';
import { printError } from '../print-error.js';
import { addHelp } from '../program.js';

interface ExecFlags extends EventFlags, RecordFlags {}

const COMPONENT = 'IF.witness.exec';
const DRAIN_MS = 500;

export function define(command: Command): void {
  command.argument('<command...>', 'the command and its arguments').passThroughOptions().optionsGroup('Event:');
  addEventOptions(command);
  command.optionsGroup('Recording:');
  addRecordOptions(command);
  addHelp(
    command,
    'Runs a command and writes what became of it into the ledger.',
    [
      'if-witness exec -- make test',
      'if-witness exec --event nightly_backup --component backup --trace-id night-7 -- ./backup.sh --full',
    ],
    [
      `Without --event the event is called after the command, without --component the component is ${COMPONENT}. Recorded\n` +
        'are start, end, arguments and exit code; do not pass secrets as arguments. The command gets TRACEPARENT and BAGGAGE,\n' +
        'so that what it logs hangs below it.',
      "The exit code is the command's own (128 + n after signal n; 126 or 127 if it could not be started). Where the command\n" +
        'succeeded but could not be recorded it is 2. stdout is all its own: the entry is printed on stderr.',
    ],
  );
  command.action(act<ExecFlags>(exec));
}

async function exec({ flags, args, common, messages }: Invocation<ExecFlags>): Promise<number> {
  const given = partialEventOfFlags(flags);
  const event = completeEvent(withDefaults(given, args[0]!), (member) => `--${member}`);
  const recorder = new SpanRecorder(recorderOptions(flags, witnessPaths(common)));
  const ambient = ambientContext(process.env);
  const { resource, problem } = resourceOfEnv(flags.service, process.env);
  for (const text of [ambient.problem, problem]) if (text !== undefined) messages.warn(text);
  const placement = placeSpan(event, ambient, () => `op-${randomUUID()}`);
  const startUnixNano = BigInt(Date.now()) * 1_000_000n;
  const spanId = randomBytes(8).toString('hex');
  const circumstances = { placement, resource, spanId, nowUnixNano: startUnixNano };
  const env = childEnvironment(spanOfEvent(event, circumstances), placement, ambient);

  const ended = await runCommand(args, env);
  const record = spanOfEvent(
    {
      ...event,
      startUnixNano,
      endUnixNano: startUnixNano + ended.durationNanos,
      status: given.status ?? statusOf(ended),
      attributes: [...(event.attributes ?? []), ...attributesOf(args, ended)],
    },
    circumstances,
  );
  try {
    const recorded = await recorder.record([record]);
    if (recorded.outcome === 'spooled') messages.warn(`${recorded.why.message}; the event waits in the spool`);
    if (!common.quiet) printErr(renderRecorded(recorded, record, placement.businessId, common.json));
    await recorder.judge(messages);
    if (namesBackend(process.env)) {
      const { forwardSpans } = await import('../log/forward-spans.js');
      const why = await forwardSpans([record], process.env);
      if (why !== undefined) messages.warn(`recorded, but not sent over OTLP: ${why}`);
    }
    await recorder.drain(DRAIN_MS);
  } catch (error) {
    const code = printError(error, common.json);
    return ended.exitCode === 0 ? code : ended.exitCode;
  } finally {
    await recorder.close();
  }
  return ended.exitCode;
}

function withDefaults(event: PartialEvent, command: string): PartialEvent {
  return { ...event, event: event.event ?? basename(command), component: event.component ?? COMPONENT };
}

function statusOf({ exitCode, fault }: Ended): { code: number; message: string } {
  if (exitCode === 0) return { code: 0, message: '' };
  return { code: 2, message: fault ?? `exit code ${exitCode}` };
}

/** Names of the OpenTelemetry conventions for processes. */
function attributesOf(args: readonly string[], { exitCode }: Ended): KeyValue[] {
  return [
    ['process.executable.name', basename(args[0]!)],
    ['process.command_args', [...args]],
    ['process.exit.code', BigInt(exitCode)],
  ];
}
