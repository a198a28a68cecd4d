/**
 * A text → a cell of a CSV, in quotes where it needs them. The empty cell is null, so an empty text has quotes.
 */
export function csvCell(text: string | null, separator = ','): string {
  if (text === null) return ''
  return text === '' || NEEDS_QUOTES.test(text) || text.includes(separator)
    ? `"${text.replaceAll('"', '""')}"`
    : text
}

const NEEDS_QUOTES = /["\r\n]/
