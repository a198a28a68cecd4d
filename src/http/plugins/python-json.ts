/**
 * JSON as Python writes it: `json.dumps` writes a missing number as a bare NaN, which is no JSON, and which is null here. Errors repeat
 * nothing of the text.
 */
import { isUtf8 } from 'node:buffer'

/** @throws 400 for what is neither JSON nor that */
export function parsePythonJson(body: Buffer): unknown {
  if (body.length === 0) throw invalid('JSON, got nothing')
  if (!isUtf8(body)) throw invalid('UTF-8, got other bytes')
  const text = body.toString()
  try {
    return JSON.parse(text)
  } catch (error) {
    if (text.includes('NaN'))
      try {
        return JSON.parse(withNulls(text))
      } catch {}
    const place = / at position \d+/.exec((error as Error).message)?.[0] ?? ''
    throw invalid(`JSON, got something else${place}`)
  }
}

/** Every NaN outside of texts is null. */
function withNulls(text: string): string {
  let parts = ''
  let from = 0
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '"') {
      at = endOfText(text, at)
    } else if (text.startsWith('NaN', at)) {
      parts += `${text.slice(from, at)}null`
      from = at + 'NaN'.length
      at = from - 1
    }
  }
  return parts + text.slice(from)
}

/** The place of the quote that ends the text that begins there. */
function endOfText(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '"') return at
  }
  return text.length
}

function invalid(expected: string): Error {
  return Object.assign(new Error(`body: expected ${expected}`), { statusCode: 400, code: 'BODY_INVALID' })
}
