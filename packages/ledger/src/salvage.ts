export { SalvageReader } from './salvage/salvage-reader.js';
