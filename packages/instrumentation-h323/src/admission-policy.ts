/** Who may call, and with how much bandwidth: asked by the class for calls logged by hand and by the small gatekeeper. */

/** What is asked for. */
export interface AdmissionQuestion {
  readonly callId: string;
  readonly endpointId: string;
  readonly bandwidthBps: number;
  /** Of the called side; the calling side was admitted before. */
  readonly isAnswering: boolean;
  /** Bandwidth of the calls that are admitted, bit/s, without this one. */
  readonly usedBandwidthBps: number;
  /** Names that are called, as far as they are known. */
  readonly destination?: readonly string[] | undefined;
}

/** The answer. `reason` as H.225.0 names it (`resourceUnavailable`), where it goes on the wire. */
export type AdmissionDecision =
  | { readonly isAdmitted: true; readonly bandwidthBps?: number | undefined }
  | { readonly isAdmitted: false; readonly reason: string; readonly availableBandwidthBps?: number | undefined };

/** Decides at once. What it throws is a rejection. */
export type AdmissionPolicy = (question: AdmissionQuestion) => AdmissionDecision;

/** Admits everything that is asked for. */
export const admitAll: AdmissionPolicy = () => ({ isAdmitted: true });

/**
 * Admits calls as long as their bandwidths together stay within a limit.
 * @param reason why the others are refused. @throws RangeError for a limit that is no number of 0 or more
 */
export function limitBandwidth(limitBps: number, reason = 'resourceUnavailable'): AdmissionPolicy {
  if (!(limitBps >= 0)) throw new RangeError('limitBps must be a number of 0 or more, in bit/s');
  return ({ bandwidthBps, usedBandwidthBps }) => {
    const availableBandwidthBps = Math.max(0, limitBps - usedBandwidthBps);
    return bandwidthBps <= availableBandwidthBps
      ? { isAdmitted: true }
      : { isAdmitted: false, reason, availableBandwidthBps };
  };
}
