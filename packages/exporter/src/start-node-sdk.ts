/** Sets OpenTelemetry up for an application that does not do so itself: NodeSDK, our processor, and what `OTEL_*` asks for. */
import { register } from 'node:module';
import { pathToFileURL } from 'node:url';
import { findModule, loadModule } from './application-modules.js';
import type { WitnessSpanProcessor } from './witness-span-processor.js';

/** What we need of a span processor, ours or the SDK's. */
export interface Flushable {
  forceFlush(): Promise<void>;
}

interface NodeSdkModule {
  readonly NodeSDK: new (configuration: object) => { start(): void };
}

type BatchSpanProcessor = new (options: object) => Flushable;

type InstrumentationModule = Readonly<Record<string, new () => object>>;

/** Starts the SDK; returns its span processors. Says what is missing and starts without it; undefined without the SDK. */
export function startNodeSdk(
  makeWitness: () => WitnessSpanProcessor,
  say: (message: string) => void,
): Flushable[] | undefined {
  const sdkPath = findModule('@opentelemetry/sdk-node');
  const sdk = loadModule<NodeSdkModule>('@opentelemetry/sdk-node');
  if (sdk === undefined) {
    say(
      'nothing is witnessed: @opentelemetry/sdk-node is not installed; ' +
        'npm install @opentelemetry/api@1.9 @opentelemetry/sdk-node@0.223 @opentelemetry/auto-instrumentations-node@0.81',
    );
    return undefined;
  }
  const otlp =
    hasOtlpEndpoint('TRACES') && env('OTEL_TRACES_EXPORTER') !== 'none' ? otlpProcessor(sdkPath, say) : undefined;
  const witness = makeWitness();
  const spanProcessors: Flushable[] = otlp === undefined ? [witness] : [witness, otlp];
  const instrumentations = findInstrumentations(sdkPath);
  new sdk.NodeSDK({
    spanProcessors,
    instrumentations,
    // NodeSDK would send both to localhost when nobody named an endpoint.
    ...(hasOtlpEndpoint('METRICS') || env('OTEL_METRICS_EXPORTER') !== undefined ? {} : { metricReaders: [] }),
    ...(hasOtlpEndpoint('LOGS') || env('OTEL_LOGS_EXPORTER') !== undefined ? {} : { logRecordProcessors: [] }),
  }).start();
  return spanProcessors;
}

function hasOtlpEndpoint(signal: 'TRACES' | 'METRICS' | 'LOGS'): boolean {
  return (env(`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`) ?? env('OTEL_EXPORTER_OTLP_ENDPOINT')) !== undefined;
}

/** Spans go on to the backend that they went to before. */
function otlpProcessor(sdkPath: string | undefined, say: (message: string) => void): Flushable | undefined {
  const protocol = env('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') ?? env('OTEL_EXPORTER_OTLP_PROTOCOL');
  const kind = protocol === 'grpc' ? 'grpc' : protocol === 'http/json' ? 'http' : 'proto';
  const name = `@opentelemetry/exporter-trace-otlp-${kind}`;
  const exporters = loadModule<{ readonly OTLPTraceExporter: new () => object }>(name, [sdkPath]);
  if (exporters === undefined) {
    say(`spans are witnessed but not sent by OTLP: ${name} is not installed; npm install ${name}`);
    return undefined;
  }
  const exporter = new exporters.OTLPTraceExporter();
  const tracing = loadModule<{ readonly BatchSpanProcessor: BatchSpanProcessor }>('@opentelemetry/sdk-trace', [
    sdkPath,
  ]);
  if (tracing !== undefined) return new tracing.BatchSpanProcessor({ exporter });
  // SDK 2.x before it had one package for traces.
  const older = loadModule<{ readonly BatchSpanProcessor: BatchSpanProcessor }>('@opentelemetry/sdk-trace-base', [
    sdkPath,
  ]);
  return older === undefined ? undefined : new older.BatchSpanProcessor(exporter);
}

/** All of auto-instrumentations-node where installed, else those for HTTP where installed. */
function findInstrumentations(sdkPath: string | undefined): object[] {
  const autoName = '@opentelemetry/auto-instrumentations-node';
  const auto = loadModule<{ getNodeAutoInstrumentations(): object[] }>(autoName);
  const instrumentations = auto?.getNodeAutoInstrumentations() ?? [
    ...instrumentation('@opentelemetry/instrumentation-http', 'HttpInstrumentation'),
    ...instrumentation('@opentelemetry/instrumentation-undici', 'UndiciInstrumentation'),
  ];
  if (instrumentations.length > 0) {
    // ES modules are patched by a loader hook, which must be of the same copy as the instrumentations.
    const places = [findModule(autoName), findModule('@opentelemetry/instrumentation-http'), sdkPath];
    const hook = findModule('@opentelemetry/instrumentation/hook.mjs', places);
    if (hook !== undefined) register(pathToFileURL(hook));
  }
  return instrumentations;
}

function instrumentation(name: string, className: string): object[] {
  const Instrumentation = loadModule<InstrumentationModule>(name)?.[className];
  return Instrumentation === undefined ? [] : [new Instrumentation()];
}

function env(name: string): string | undefined {
  return process.env[name]?.trim() || undefined;
}
