/** The encoders alone, for programs that start once a span and read none. */
export { encodeResourceContext, encodeScopeContext } from './encode-context.js';
export { encodeSpan, SPAN_ID_PLACES, writeSpan } from './encode-span.js';
export { ProtoWriter } from './proto-writer.js';
