/** The recordings; see recordings/README.md. */
import { readFileSync } from 'node:fs';

export interface RecordedDatagram {
  /** Seconds. */
  readonly t: number;
  readonly from: string;
  readonly to: string;
  readonly tshark: string;
  readonly octets: Uint8Array;
}

export const RAS_FILES = ['ras-gnugk-call', 'ras-gnugk-bandwidth', 'ras-asterisk-call'] as const;
export const STATUS_FILES = ['status-call', 'status-arj', 'status-brq'] as const;

/** When the calls of the recordings took place, so that times that endpoints told agree. */
export const BEGIN_MS: Readonly<Record<(typeof RAS_FILES)[number], number>> = {
  'ras-gnugk-call': Date.UTC(2026, 10, 22, 11, 13, 22),
  'ras-gnugk-bandwidth': Date.UTC(2026, 10, 22, 11, 20, 15),
  'ras-asterisk-call': Date.UTC(2026, 10, 22, 11, 26, 31),
};

export function rasRecording(name: (typeof RAS_FILES)[number]): readonly RecordedDatagram[] {
  return linesOf(name).map((line) => {
    const { hex, ...rest } = JSON.parse(line) as Omit<RecordedDatagram, 'octets'> & { readonly hex: string };
    return { ...rest, octets: new Uint8Array(Buffer.from(hex, 'hex')) };
  });
}

export const allDatagrams: readonly RecordedDatagram[] = RAS_FILES.flatMap(rasRecording);

export function statusRecording(name: (typeof STATUS_FILES)[number]): readonly string[] {
  return linesOf(name).map((line) => (JSON.parse(line) as { readonly line: string }).line);
}

function linesOf(name: string): readonly string[] {
  return readFileSync(new URL(`./recordings/${name}.jsonl`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');
}
