/**
 * The collector as a whole: ledger, forwarding and doors, opened in this order. Each does its own work; here they are put
 * together, and what happens in them is counted and logged. It touches neither signals nor the process.
 */
import { isRetryable, type Rotated, witnessPaths } from '@infrafabric/ledger';
import { Anchorer } from './anchor/anchorer.js';
import type { CollectorConfig } from './config/collector-config.js';
import { Forwarder } from './forward/forwarder.js';
import { LedgerIntake } from './intake/ledger-intake.js';
import { closeCollector, type OpenParts } from './operate/close-collector.js';
import { Counts } from './operate/counts.js';
import { Health } from './operate/health.js';
import { KeyRotation } from './operate/key-rotation.js';
import { KeySince } from './operate/key-since.js';
import { ledgerFigures } from './operate/ledger-figures.js';
import type { Log } from './operate/log.js';
import { logNotice } from './operate/log-notice.js';
import { logStart } from './operate/log-start.js';
import { metricsRegistry } from './operate/metrics.js';
import { type CollectorAddresses, openDoors } from './operate/open-doors.js';
import { outageLog } from './operate/outage-log.js';
import { operatorPages } from './operate/pages.js';
import { refusalLog } from './operate/refusal-log.js';
import { ledgerStartError } from './operate/start-error.js';
import { VERSION } from './version.js';

/** A collector that runs. */
export interface Collector {
  /** Where it listens, as URLs; the ports are those in use when 0 was asked for. */
  readonly addresses: CollectorAddresses;
  /** The page of metrics. */
  metrics(): Promise<string>;
  /**
   * Stops: it is no longer ready, takes no new connections, answers what is under way, forwards what it can, closes the ledger.
   * What is not done by the deadline is cut, unacknowledged. Never rejects. A second call gets the same promise.
   * @param deadlineMs default: the configuration's `shutdownTimeoutMs`
   */
  stop(deadlineMs?: number): Promise<void>;
}

/** What a collector is started with besides its configuration. */
export interface CollectorOptions {
  readonly log: Log;
}

/**
 * Starts a collector. A ledger that is locked, full or read-only at present is no reason not to: senders are asked to come
 * back until it works.
 * @throws StartError by rejection, when a door cannot be opened or the ledger must be mended; then nothing is left open.
 */
export async function startCollector(config: CollectorConfig, { log }: CollectorOptions): Promise<Collector> {
  const paths = witnessPaths(config);
  const health = new Health();
  const open: OpenParts = { doors: [] };
  const counts = new Counts(() => open.forwarder?.wake());
  const intake = new LedgerIntake({
    ...paths,
    maxInFlightSpans: config.maxInFlightSpans,
    memoryBytes: config.memoryBytes,
    meter: counts,
    onNotice: (notice) => logNotice(log, notice),
    onOutage: outageLog(log, health),
  });
  open.intake = intake;
  try {
    const outage = await intake.open();
    if (outage !== undefined && !isRetryable(outage)) throw ledgerStartError(outage);
    // Before the first span: forwarding begins at the present end of the ledger.
    open.forwarder = new Forwarder({
      ...paths,
      targets: config.forwards,
      onLog: ({ level, event, exporter, message, details }) =>
        log.tell(level, event, message, { exporter, ...details }),
    });
    const forwarder = open.forwarder;
    if (config.anchor !== undefined) open.anchorer = new Anchorer(paths, config.anchor, log);
    const keySince = new KeySince(paths.ledger);
    const registry = metricsRegistry({
      counts,
      inFlightSpans: () => intake.inFlightSpans,
      bodyBytes: () => intake.memory.held,
      limits: { inFlightSpans: config.maxInFlightSpans, bodyBytes: config.memoryBytes },
      isReady: () => health.isReady,
      ledger: () => ledgerFigures(paths.ledger),
      keySinceMs: () => keySince.sinceMs(),
      exporters: () => forwarder.counts(),
      anchors: open.anchorer?.counts,
      version: VERSION,
    });
    const pages = operatorPages(health, registry);
    const addresses = await openDoors(config, { intake, pages, onRefused: refusalLog(log, counts) }, open.doors);
    health.enter('serving');
    logStart(log, config, paths, addresses);
    if (config.rotateKeysAfterMs !== undefined) {
      const rotate = (ifOlderThanMs: number): Promise<Rotated | undefined> => intake.rotateKey(ifOlderThanMs);
      open.rotation = new KeyRotation({ afterMs: config.rotateKeysAfterMs, rotate, log });
    }
    let stopped: Promise<void> | undefined;
    return {
      addresses,
      metrics: () => registry.metrics(),
      stop: (deadlineMs = config.shutdownTimeoutMs) => {
        health.enter('stopping');
        stopped ??= closeCollector(open, deadlineMs, log);
        return stopped;
      },
    };
  } catch (error) {
    await closeCollector(open, 0);
    throw error;
  }
}
