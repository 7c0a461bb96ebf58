/** The encoders alone, for programs that start once a span and read none. */
export { encodeResourceContext, encodeScopeContext } from './encode-context.js';
export { encodeSpan } from './encode-span.js';
