/** What every door of the collector is to those who open it, and why one could not be opened. */

/** A listening server. */
export interface Door {
  /** The address listened on; for the host `localhost` what that name stands for. */
  readonly host: string;
  /** The port listened on, also when 0 was asked for. */
  readonly port: number;
  /**
   * Stops accepting, lets the requests under way finish until the deadline, then cuts what is left. Resolves when the last
   * connection is gone; never rejects. A second call gets the same promise.
   */
  stop(deadlineMs: number): Promise<void>;
}

/**
 * Why a door could not be opened:
 * - `address_in_use`: somebody else listens there. Choose another port or stop the other one
 * - `no_permission`: ports below 1024 need privileges on many systems
 * - `no_such_address`: this machine has no such address, or the name is unknown
 * - `bad_tls`: certificate or key cannot be used
 * - `failed`: anything else; see `cause`
 */
export type DoorErrorCode = 'address_in_use' | 'no_permission' | 'no_such_address' | 'bad_tls' | 'failed';

/** A door that could not be opened. Tell the operator: the message says what to do. */
export class DoorError extends Error {
  override readonly name = 'DoorError';
  readonly code: DoorErrorCode;

  constructor(code: DoorErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What Node said about listening, as a {@link DoorError}. */
export function listenError(host: string, port: number, cause: unknown): DoorError {
  const errno = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const where = `cannot listen on ${host} port ${port}`;
  switch (errno) {
    case 'EADDRINUSE':
      return new DoorError('address_in_use', `${where}: something listens there already; choose another port`, {
        cause,
      });
    case 'EACCES':
    case 'EPERM':
      return new DoorError('no_permission', `${where}: not permitted; choose a port from 1024 up`, { cause });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new DoorError('no_such_address', `${where}: this machine has no such address`, { cause });
    default:
      return new DoorError('failed', `${where}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}
