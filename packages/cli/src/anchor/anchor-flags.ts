/** Flags of `anchor`. */

/** As commander has them. */
export interface AnchorFlags {
  readonly output?: string;
  readonly exec?: string;
  readonly key?: string;
  readonly line?: true;
  /** False when `--no-policy` was given. */
  readonly policy?: string | false;
  readonly witness?: readonly string[];
  readonly timeout?: string;
  readonly every?: string;
}
