export { type Collector, type CollectorOptions, startCollector } from './collector.js';
export { type CollectorConfig, defaultCollectorConfig, forwardTo } from './config/collector-config.js';
export { ConfigError, type ConfigProblem, problemText } from './config/config-problem.js';
export { type DescribedSetting, type DescribedValue, describeConfig } from './config/describe-config.js';
export type { ConfigFlags } from './config/given.js';
export { type ConfigSources, type ResolvedConfig, resolveConfig } from './config/resolve-config.js';
export {
  flagOf,
  type LogFormat,
  type LogLevel,
  type SettingName,
  type SettingValues,
  settingNames,
  variableOf,
} from './config/settings.js';
export type { TlsFiles } from './config/tls-files.js';
export type { ForwardTarget } from './forward/forward-target.js';
export { ByteBudget } from './intake/byte-budget.js';
export type { Encoding, Intake, IntakeAnswer, TraceRequest, Transport } from './intake/intake.js';
export { Log, type LogOptions } from './operate/log.js';
export type { LogFields } from './operate/log-line.js';
export type { CollectorAddresses } from './operate/open-doors.js';
export { stopSelfTracing } from './operate/self-tracing.js';
export { StartError } from './operate/start-error.js';
