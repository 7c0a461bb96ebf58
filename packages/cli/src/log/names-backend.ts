/** Whether an OTLP backend is wanted besides the ledger. Apart, so that nothing about sending is loaded when none is. */

type Env = Readonly<Record<string, string | undefined>>;

/** Whether a variable names one. */
export function namesBackend(env: Env): boolean {
  return Boolean(env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT);
}
