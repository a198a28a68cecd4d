/**
 * A value that came → what a fault shows of it: its JSON type and the beginning of its JSON text. Python writes the same, character by
 * character.
 */

/** In code points. */
const MOST_SHOWN = 60
/** Of a text that is longer; the ellipsis follows. */
const SHOWN_OF_LONGER = 57
/** In UTF-16 units: enough for one code point more than is shown. */
const ROOM = 2 * (MOST_SHOWN + 1)

/** `null`, `-1`, `string "a\u0000"`, `array [1,2]`; a Date of a file is a `time`. */
export function describeValue(value: unknown): string {
  if (value === null || typeof value === 'number') return String(value) // JSON.stringify would call Infinity null
  if (typeof value === 'bigint') return String(Number(value))
  return `${typeOf(value)} ${beginning(jsonBeginning(value, ROOM))}`
}

/** What came, and nothing of it. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'number' || typeof value === 'bigint')
    return Number.isFinite(Number(value)) ? (value < 0 ? 'negative number' : 'number') : String(value)
  return typeOf(value)
}

/** The beginning of a text in quotes, as a cell is shown. */
export function describeText(text: string): string {
  return beginning(jsonBeginning(text, ROOM))
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  return value instanceof Date ? 'time' : typeof value
}

function beginning(text: string): string {
  if (text.length <= MOST_SHOWN) return text
  const points = [...text]
  return points.length > MOST_SHOWN ? `${points.slice(0, SHOWN_OF_LONGER).join('')}…` : text
}

/**
 * The JSON text of a value, or at least `room` units of it: neither the size nor the depth of what came matters. Halves of surrogate pairs
 * are escaped, as JSON.stringify does.
 */
function jsonBeginning(value: unknown, room: number): string {
  if (room < 0) return ''
  if (typeof value === 'string') return JSON.stringify(value.slice(0, room))
  if (typeof value === 'bigint') return String(Number(value))
  if (ArrayBuffer.isView(value)) return '"bytes"'
  if (Array.isArray(value)) {
    let text = '['
    for (let i = 0; i < value.length && text.length <= room; i++)
      text += `${i > 0 ? ',' : ''}${jsonBeginning(value[i], room - text.length)}`
    return `${text}]`
  }
  if (typeof value === 'object' && value !== null && !(value instanceof Date)) {
    let text = '{'
    for (const key of Object.keys(value)) {
      if (text.length > room) break
      const separator = text.length > 1 ? ',' : ''
      text += `${separator}${jsonBeginning(key, room - text.length)}:`
      text += jsonBeginning((value as Readonly<Record<string, unknown>>)[key], room - text.length)
    }
    return `${text}}`
  }
  return JSON.stringify(value) ?? 'null'
}
