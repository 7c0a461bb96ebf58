/** Why a collector did not start. */
import type { LedgerError } from '@infrafabric/ledger';
import type { DoorError } from '../door/door.js';

/** Nothing is left open behind it. */
export class StartError extends Error {
  override readonly name = 'StartError';
  /** Of the ledger (`tampered`, `corrupt` …), of a door (`address_in_use`, `no_permission` …), or `open_to_all`. */
  readonly code: string;
  /** What to do. */
  readonly hint: string | undefined;

  constructor(code: string, message: string, hint?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.hint = hint;
  }
}

/** A ledger that nobody can write until it is mended. */
export function ledgerStartError(error: LedgerError): StartError {
  return new StartError(error.code, error.message, error.hint, error);
}

/** A door that cannot be opened. @param setting which of the settings says where */
export function doorStartError(error: DoorError, setting: 'port' | 'grpc_port'): StartError {
  const flag = setting === 'port' ? '--host and --port' : '--grpc-host and --grpc-port';
  const off = setting === 'port' ? '' : ', or leave OTLP/gRPC out with --no-grpc';
  return new StartError(error.code, error.message, `${flag} say where it listens${off}`, error);
}
