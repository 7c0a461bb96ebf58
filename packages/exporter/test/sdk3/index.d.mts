export * as api from '@opentelemetry/api';
export * as transformer from '@opentelemetry/otlp-transformer';
export * as resources from '@opentelemetry/resources';
export * as sdk from '@opentelemetry/sdk-trace';
