/**
 * A text → a cell of a CSV, in quotes where it needs them. The empty cell is null, so an empty text has quotes.
 */
export function csvCell(text: string | null): string {
  if (text === null) return ''
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
