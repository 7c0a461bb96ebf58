/** CSV as RFC 4180 has it, with text that a spreadsheet would run as a formula made harmless. */

/** A cell: text from spans is foreign, numbers and ids of our own are not. */
export type Cell = { readonly foreign: string | undefined } | string | number | undefined;

/** One record with its line break. */
export function csvLine(cells: readonly Cell[]): string {
  return `${cells.map(cellText).join(',')}\r\n`;
}

function cellText(cell: Cell): string {
  if (cell === undefined) return '';
  const text = typeof cell === 'object' ? defused(cell.foreign ?? '') : String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Spreadsheets take text that starts so for a formula; an apostrophe makes it text again. */
function defused(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}
