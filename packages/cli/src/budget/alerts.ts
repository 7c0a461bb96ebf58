/** `budget alerts`: where alerts go, and what became of each. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  addDestination,
  Courier,
  type Destination,
  type DestinationTarget,
  readDestinations,
  removeDestination,
  type Shipment,
} from '@infrafabric/budgets';
import { witnessPaths } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import type { Command } from 'commander';
import { act, type Invocation } from '../act.js';
import { CliError, usageError } from '../cli-error.js';
import { escapeText } from '../escape.js';
import type { ExitCode } from '../exit-code.js';
import { type JsonOut, renderJson } from '../json-text.js';
import { printOut } from '../output.js';
import { addHelp } from '../program.js';
import { renderTable } from '../table.js';
import { terminalWidth } from '../terminal-width.js';

interface AlertsFlags {
  readonly exec?: string;
  readonly webhook?: string;
  readonly secretFile?: string;
  readonly remove?: string;
  readonly deliver?: true;
}

/** How long `--deliver` tries again what was not taken. */
const PATIENCE_MS = 60_000;

/** Adds `alerts` to `budget`. */
export function addAlertsCommand(command: Command): void {
  const alerts = command
    .command('alerts')
    .summary('Say where alerts go, or list what became of them.')
    .option('--exec <command>', 'give every alert to a shell command: JSON on stdin, IF_ALERT_* in its environment')
    .option('--webhook <url>', 'POST every alert to an address, with the headers of Standard Webhooks')
    .option('--secret-file <file>', 'with --webhook: sign with the key in this file (whsec_… or text)')
    .option('--remove <id>', 'remove a destination')
    .option('--deliver', 'deliver now what waits, trying again for a minute');
  addHelp(
    alerts,
    'Says where alerts go besides stderr, or lists the destinations and what became of each alert.',
    [
      'if-optimise budget alerts --exec \'mail -s "$IF_ALERT_TEXT" ops@example.com\'',
      'if-optimise budget alerts --webhook https://hooks.example.com/budget --secret-file ~/.hook-secret',
      'if-optimise budget alerts',
    ],
    [
      'A destination gets the alerts that are given after it was named. Each is offered again, with growing pauses, until it\n' +
        'is taken or 16 attempts have failed. Exits with 1 when one was given up.',
    ],
  );
  alerts.action(act<AlertsFlags>(run));
}

async function run({ flags, common, messages }: Invocation<AlertsFlags>): Promise<ExitCode> {
  const { home, ledger } = witnessPaths(common);
  const asked = [flags.exec, flags.webhook, flags.remove, flags.deliver].filter((flag) => flag !== undefined);
  if (asked.length > 1) throw usageError('one of --exec, --webhook, --remove and --deliver at a time');
  if (flags.secretFile !== undefined && flags.webhook === undefined)
    throw usageError('--secret-file goes with --webhook');
  if (flags.remove !== undefined) {
    if (!removeDestination(home, flags.remove))
      throw new CliError('not-found', `there is no destination ${JSON.stringify(flags.remove)}`, { exitCode: 1 });
    if (common.json) printOut(`${renderJson({ removed: flags.remove })}\n`);
    else messages.note(`removed: ${flags.remove}`);
    return 0;
  }
  const target = targetOf(flags);
  if (target !== undefined) {
    const added = addDestination(home, target, BigInt(Date.now()) * 1_000_000n);
    printOut(common.json ? `${renderJson({ destination: destinationJson(added) })}\n` : `${added.id}\n`);
    return 0;
  }
  const courierOf = (reader: LedgerReader): Courier =>
    new Courier(reader, { home, warn: (text) => messages.warn(text) });
  if (flags.deliver === true && existsSync(ledger)) {
    const reader = LedgerReader.open(ledger);
    try {
      const courier = courierOf(reader);
      await courier.deliverFor(PATIENCE_MS);
      await courier.close(0);
    } finally {
      reader.close();
    }
  }
  const shipments = existsSync(ledger) ? readShipments(ledger, courierOf) : [];
  if (common.json) printOut(`${renderJson(listJson(readDestinations(home), shipments))}\n`);
  else if (!(flags.deliver === true && common.quiet)) printOut(render(readDestinations(home), shipments));
  return shipments.some(({ delivery }) => delivery.state === 'failed') ? 1 : 0;
}

function targetOf({ exec, webhook, secretFile }: AlertsFlags): DestinationTarget | undefined {
  if (exec !== undefined) return { kind: 'exec', command: exec };
  if (webhook === undefined) return undefined;
  return { kind: 'webhook', url: webhook, ...(secretFile === undefined ? {} : { secretFile: resolve(secretFile) }) };
}

function readShipments(ledger: string, courierOf: (reader: LedgerReader) => Courier): Shipment[] {
  const reader = LedgerReader.open(ledger);
  try {
    return courierOf(reader).shipments();
  } finally {
    reader.close();
  }
}

function render(destinations: readonly Destination[], shipments: readonly Shipment[]): string {
  if (destinations.length === 0) return 'alerts go to stderr alone; name a destination with --exec or --webhook\n';
  const where = destinations.map((destination) => [destination.id, destination.kind, targetText(destination)]);
  const lines = renderTable([{ title: 'ID' }, { title: 'KIND' }, { title: 'WHERE', shrinkTo: 20 }], where, {
    width: terminalWidth(),
  });
  if (shipments.length === 0) return `${lines.join('\n')}\n`;
  const columns = [
    { title: 'ALERT', align: 'right' as const },
    { title: 'BUDGET' },
    { title: 'TO' },
    { title: 'STATE' },
    { title: 'ATTEMPTS', align: 'right' as const },
    { title: 'WHY NOT', shrinkTo: 20 },
  ];
  const rows = shipments.map(({ alert, destination, delivery }) => [
    String(alert.seq),
    alert.budget,
    destination.id,
    delivery.state,
    String(delivery.attempts),
    delivery.state === 'delivered' ? '' : escapeText(delivery.error ?? ''),
  ]);
  return `${[...lines, '', ...renderTable(columns, rows, { width: terminalWidth() })].join('\n')}\n`;
}

function targetText(destination: Destination): string {
  return escapeText(destination.kind === 'exec' ? destination.command : destination.url);
}

function destinationJson(destination: Destination): { readonly [key: string]: JsonOut | undefined } {
  const { id, kind } = destination;
  if (destination.kind === 'exec') return { id, kind, command: destination.command };
  return { id, kind, url: destination.url, secret_file: destination.secretFile };
}

function listJson(destinations: readonly Destination[], shipments: readonly Shipment[]): JsonOut {
  return {
    destinations: destinations.map(destinationJson),
    deliveries: shipments.map(({ alert, destination, delivery }) => ({
      alert: alert.id,
      seq: alert.seq,
      budget: alert.budget,
      destination: destination.id,
      state: delivery.state,
      attempts: delivery.attempts,
      error: delivery.state === 'delivered' ? undefined : delivery.error,
    })),
  };
}
