/** What the judge of bundles is told. */
import type { BundleContext, VerifierKey } from '@infrafabric/format';
import type { JudgedEntry } from './bundle-entries.js';
import type { AskedPolicy } from './cosigned-sizes.js';
import type { CardOf } from './judge-charges.js';
import type { KeySource } from './report.js';

/** What the verifier trusts, and what it is asked. */
export interface BundleOptions {
  /** The key held by the verifier, of any epoch; undefined when there is none. Never one that was found in the bundle. */
  readonly key?: VerifierKey | undefined;
  /** Where the key came from, for the report. */
  readonly keySource?: Exclude<KeySource, 'none'>;
  readonly keyFrom?: string;
  /** Checkpoint notes that somebody kept elsewhere. */
  readonly anchors?: readonly { readonly name: string; readonly note: Uint8Array }[];
  readonly requireAnchor?: boolean;
  /** Whose cosignatures are needed. */
  readonly policy?: AskedPolicy | undefined;
  /** Also require canonical JSON of every entry. */
  readonly deep?: boolean;
  /** Rate cards at hand, to compare charges with. */
  readonly cardOf?: CardOf;
  /** Each entry as it is read; whether it is what was signed, only the report says. */
  readonly onEntry?: (entry: JudgedEntry) => void;
  /** Each resource and scope as it is read, with its digest. */
  readonly onContext?: (context: BundleContext, digestHex: string) => void;
}
