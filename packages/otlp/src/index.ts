export { OtlpDecodeError, type OtlpDecodeErrorCode } from './decode-error.js';
