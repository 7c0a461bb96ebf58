/** Who says it: the scope and component of every span of this package. */
import { EventRecorder } from '@infrafabric/events';
import type { TracerProvider } from '@opentelemetry/api';

/** `witness.component` of NDI streams, as the guide calls it. */
export const NDI_COMPONENT = 'IF.witness.ndi-publisher';

const SCOPE = { name: '@infrafabric/instrumentation-ndi', version: '0.1.0' } as const;

export function newRecorder(tracerProvider: TracerProvider | undefined): EventRecorder {
  return new EventRecorder({ scope: SCOPE, component: NDI_COMPONENT, tracerProvider });
}
