/**
 * What holds for texts: what can be stored, how long they are, which blanks are dropped.
 */

/** What PostgreSQL can store, and the prediction log has to. */
export const STORABLE_TEXT = 'text without NUL and without half a surrogate pair'

export const isStorable = (text: string): boolean => !text.includes('\0') && text.isWellFormed()

/** In code points, where that is more than `most`; otherwise `most` or less. */
export function lengthBeyond(text: string, most: number): number {
  // A text has at most as many code points as units.
  return text.length > most ? [...text].length : text.length
}

/** Without ASCII white space at both ends: tab, LF, VT, FF, CR and space. */
export function trimAscii(text: string): string {
  let from = 0
  let to = text.length
  while (from < to && isBlank(text.charCodeAt(from))) from++
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--
  return from === 0 && to === text.length ? text : text.slice(from, to)
}

const isBlank = (unit: number): boolean => unit === 32 || (unit >= 9 && unit <= 13)
