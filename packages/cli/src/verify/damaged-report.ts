/** The report about a file in which not even SQLite finds a database. */
import type { Report, VerifyOptions } from '@infrafabric/verify';

/** INVALID, with the damage as its one problem. */
export function damagedReport(message: string, options: VerifyOptions): Report {
  return {
    verdict: 'INVALID',
    code: 'invalid',
    exitCode: 1,
    origin: undefined,
    entries: 0,
    newestCheckpoint: undefined,
    checkpoints: { checked: 0, signaturesChecked: 0 },
    payloads: { present: 0, erased: 0, missing: 0 },
    key: {
      source: options.key === undefined ? 'none' : (options.keySource ?? 'flag'),
      from: options.key === undefined ? 'no key is held' : (options.keyFrom ?? '--key'),
      keyIdHex: options.key?.keyIdHex,
      newestKeyIdHex: undefined,
      epochs: 0,
      reachedByRotations: undefined,
    },
    head: options.head === undefined ? 'not-asked' : options.head === null ? 'missing' : 'disagrees',
    anchors: [],
    cosignatures: { stored: 0, checked: 0, unknown: 0 },
    policy: undefined,
    notUnderstood: {},
    imported: { entries: 0, unverified: 0 },
    spansKnownLost: 0,
    problems: [{ code: 'store.corrupt', message }],
    problemCount: 1,
    notVouchedFor: ['anything: nothing could be read'],
    timingsMs: {},
  };
}
