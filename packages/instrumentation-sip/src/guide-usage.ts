/**
 * What each event by hand is said to use and cost: constants of the guide, not measurements, and recorded as estimated.
 * Together $0.0019 a call (the guide's summary table says 0.0015).
 */
import type { EventUsage } from '@infrafabric/events';

const usage = (tokensIn: number, tokensOut: number, costUsd: string): EventUsage => ({
  tokensIn,
  tokensOut,
  costUsd,
  model: 'claude-haiku-4.5',
  isEstimated: true,
});

/** By event name. */
export const GUIDE_USAGE: {
  readonly sip_invite_sent: EventUsage;
  readonly sip_100_trying: EventUsage;
  readonly sip_180_ringing: EventUsage;
  readonly sip_200_ok: EventUsage;
  readonly sip_ack_sent: EventUsage;
  readonly sip_dialog_established: EventUsage;
  readonly sip_bye_sent: EventUsage;
} = {
  sip_invite_sent: usage(300, 150, '0.0005'),
  sip_100_trying: usage(100, 50, '0.0002'),
  sip_180_ringing: usage(100, 50, '0.0002'),
  sip_200_ok: usage(200, 100, '0.0003'),
  sip_ack_sent: usage(100, 50, '0.0002'),
  sip_dialog_established: usage(150, 75, '0.0003'),
  sip_bye_sent: usage(100, 50, '0.0002'),
};
