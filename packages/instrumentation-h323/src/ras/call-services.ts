/** Supplementary services of Q.932 and Q.95x that an endpoint has (H.225.0 QseriesOptions). */
import { boolean, type Of, sequence, type WithAdditions } from '../per/types.js';

export interface QseriesOptions extends WithAdditions {
  readonly q932Full: boolean;
  readonly q951Full: boolean;
  readonly q952Full: boolean;
  readonly q953Full: boolean;
  readonly q955Full: boolean;
  readonly q956Full: boolean;
  readonly q957Full: boolean;
  readonly q954Info: Q954Details;
}

export interface Q954Details extends WithAdditions {
  readonly conferenceCalling: boolean;
  readonly threePartyService: boolean;
}

export const qseriesOptions: Of<QseriesOptions> = sequence<QseriesOptions>({
  q932Full: boolean,
  q951Full: boolean,
  q952Full: boolean,
  q953Full: boolean,
  q955Full: boolean,
  q956Full: boolean,
  q957Full: boolean,
  q954Info: sequence<Q954Details>({ conferenceCalling: boolean, threePartyService: boolean }),
});
