export type { StartedSpan } from './baggage.js';
export type { WitnessCounts } from './counts.js';
export type {
  Attributes,
  HrTime,
  InstrumentationScope,
  Link,
  ReadableSpan,
  Resource,
  SpanContext,
  TimedEvent,
} from './readable-span.js';
export { type WitnessBaggageOptions, WitnessBaggageProcessor } from './witness-baggage-processor.js';
export type { WitnessOptions } from './witness-options.js';
export { type ExportResult, WitnessSpanExporter } from './witness-span-exporter.js';
export { WitnessSpanProcessor, type WitnessSpanProcessorOptions } from './witness-span-processor.js';
