/** What happens in a witness, for its log. Origins, reasons and paths are foreign text: escape them where they are shown. */
import type { AddCheckpointAnswer } from './witness.js';

/** One event. */
export type WitnessEvent =
  | ({ readonly type: 'answered' } & AddCheckpointAnswer)
  /** A log signed two roots of one size. `file` holds the one that was not cosigned. */
  | { readonly type: 'fork'; readonly origin: string; readonly size: number; readonly file: string | undefined }
  | { readonly type: 'reloaded'; readonly logs: number }
  | { readonly type: 'bad-logs'; readonly message: string }
  /** A request was not answered as it should have been; nothing was cosigned. */
  | { readonly type: 'failed'; readonly message: string };
