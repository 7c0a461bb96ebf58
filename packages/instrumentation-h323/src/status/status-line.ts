/**
 * Lines of GnuGk's status port (its manual, chapter "Monitoring the gatekeeper"), as GnuGk 5.15 writes them. Fields are
 * separated by `|`; a line whose fields are not as many as they should be is not read: an alias may contain one.
 */

/** What a line says. Names are those of the manual. */
export type StatusLine =
  | { readonly kind: 'GCF'; readonly ip: string; readonly aliases: readonly string[]; readonly endpointType: string }
  | {
      readonly kind: 'GRJ' | 'RRJ';
      readonly ip: string;
      readonly aliases: readonly string[];
      readonly endpointType: string;
      readonly reason: string;
    }
  | {
      readonly kind: 'RCF';
      readonly address: string;
      readonly aliases: readonly string[];
      readonly endpointType: string;
      readonly endpointId: string;
    }
  | {
      readonly kind: 'ACF';
      readonly address: string;
      readonly endpointId: string;
      readonly callReference: number | undefined;
      readonly destination: readonly string[];
      readonly source: readonly string[];
      readonly isAnswering: boolean;
      readonly callId: string;
      readonly mediaRoute: string;
    }
  | {
      readonly kind: 'ARJ';
      readonly address: string;
      readonly destination: readonly string[];
      readonly source: readonly string[];
      readonly isAnswering: boolean;
      readonly reason: string;
      readonly callId: string;
    }
  | { readonly kind: 'BCF'; readonly ip: string; readonly endpointId: string; readonly bandwidth: number }
  | {
      readonly kind: 'BRJ';
      readonly ip: string;
      readonly endpointId: string;
      readonly bandwidth: number;
      readonly reason: string;
    }
  | {
      readonly kind: 'DCF' | 'DRJ';
      readonly ip: string;
      readonly endpointId: string;
      readonly callReference: number | undefined;
      readonly reason: string;
      readonly callId: string;
    }
  | { readonly kind: 'UCF'; readonly ip: string; readonly endpointId: string }
  | { readonly kind: 'URJ'; readonly ip: string; readonly endpointId: string; readonly reason: string }
  | CallDetail
  | { readonly kind: 'other'; readonly verb: string };

/** The gatekeeper's record of a call. */
export interface CallDetail {
  readonly kind: 'CDR';
  readonly callId: string;
  readonly durationS: number;
  /** Milliseconds since 1970; undefined for a call that was never connected. */
  readonly startMs: number | undefined;
  readonly endMs: number | undefined;
  readonly callerAddress: string;
  readonly callerId: string;
  readonly calleeAddress: string;
  readonly calleeId: string;
  readonly destination: readonly string[];
  readonly source: readonly string[];
  readonly gatekeeperId: string;
}

const FIELDS: Readonly<Record<string, number>> = {
  GCF: 3,
  GRJ: 4,
  RCF: 4,
  RRJ: 4,
  ACF: 8,
  ARJ: 6,
  BCF: 3,
  BRJ: 4,
  DCF: 5,
  DRJ: 5,
  UCF: 2,
  URJ: 3,
  CDR: 12,
};

/** Text of the manual that is not followed: requests, reports, lists. */
const OTHERS: ReadonlySet<string> = new Set('IRQ Setup LCF LRJ RIP IACK RAC SCR URQ SetupUnreg'.split(' '));

/** What a line says; undefined for one that is no line of the status port, or not as it should be. Never throws. */
export function parseStatusLine(line: string): StatusLine | undefined {
  const text = line.trimEnd();
  const [verb = '', ...fields] = (text.endsWith(';') ? text.slice(0, -1) : text).split('|');
  if (OTHERS.has(verb) && fields.length > 0) return { kind: 'other', verb };
  if (FIELDS[verb] !== fields.length) return undefined;
  const at = (index: number): string => (fields[index] ?? '').trim();
  switch (verb) {
    case 'GCF':
      return { kind: verb, ip: at(0), aliases: aliasesOf(at(1)), endpointType: at(2) };
    case 'GRJ':
    case 'RRJ':
      return { kind: verb, ip: at(0), aliases: aliasesOf(at(1)), endpointType: at(2), reason: at(3) };
    case 'RCF':
      return { kind: verb, address: at(0), aliases: aliasesOf(at(1)), endpointType: at(2), endpointId: at(3) };
    case 'ACF':
      return checked({
        kind: verb,
        address: at(0),
        endpointId: at(1),
        callReference: numberOf(at(2)),
        destination: aliasesOf(at(3)),
        source: aliasesOf(at(4)),
        isAnswering: at(5) === 'true',
        callId: normalCallId(at(6)),
        mediaRoute: at(7),
      });
    case 'ARJ':
      return checked({
        kind: verb,
        address: at(0),
        destination: aliasesOf(at(1)),
        source: aliasesOf(at(2)),
        isAnswering: at(3) === 'true',
        reason: at(4),
        callId: normalCallId(at(5)),
      });
    case 'BCF':
    case 'BRJ': {
      const bandwidth = numberOf(at(2));
      if (bandwidth === undefined) return undefined;
      const common = { ip: at(0), endpointId: at(1), bandwidth };
      return verb === 'BCF' ? { kind: verb, ...common } : { kind: verb, ...common, reason: at(3) };
    }
    case 'DCF':
    case 'DRJ':
      return checked({
        kind: verb,
        ip: at(0),
        endpointId: at(1),
        callReference: numberOf(at(2)),
        reason: at(3),
        callId: normalCallId(at(4)),
      });
    case 'UCF':
      return { kind: verb, ip: at(0), endpointId: at(1) };
    case 'URJ':
      return { kind: verb, ip: at(0), endpointId: at(1), reason: at(2) };
    case 'CDR':
      return checked({
        kind: verb,
        callId: normalCallId(at(1)),
        durationS: numberOf(at(2)) ?? 0,
        startMs: timeOf(at(3)),
        endMs: timeOf(at(4)),
        callerAddress: at(5),
        callerId: at(6),
        calleeAddress: at(7),
        calleeId: at(8),
        destination: aliasesOf(at(9)),
        source: aliasesOf(at(10)),
        gatekeeperId: at(11),
      });
    default:
      return undefined;
  }
}

function checked<Line extends StatusLine & { readonly callId: string }>(line: Line): Line | undefined {
  return line.callId === '' ? undefined : line;
}

/** 32 hex digits of `56-bf-…` (ACF, ARJ, DCF) and `56 bf …` (CDR); empty for what is none. */
export function normalCallId(text: string): string {
  const hex = text.replace(/[- ]/g, '').toLowerCase();
  return /^[0-9a-f]{32}$/.test(hex) ? hex : '';
}

const MAX_ALIASES = 8;
const ALIAS_KIND = /:(?:dialedDigits|h323_ID|url_ID|transportID|email_ID|partyNumber|mobileUIM)$/;

/** `bob`, `2002` of `bob:h323_ID=2002:dialedDigits`. */
function aliasesOf(text: string): readonly string[] {
  if (text === '') return [];
  return text
    .split('=', MAX_ALIASES)
    .map((alias) => alias.replace(ALIAS_KIND, ''))
    .filter((alias) => alias !== '');
}

function numberOf(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

/** RFC 822, as `Sun, 22 Nov 2026 11:13:22 GMT`; `unconnected` is none. */
function timeOf(text: string): number | undefined {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}
