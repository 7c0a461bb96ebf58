import type { Sources } from '@infrafabric/ledger';

export function fixedSources(
  seed: string,
  start: bigint,
): { readonly sources: Sources; readonly setClock: (unixNano: bigint) => void };
