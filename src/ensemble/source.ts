/**
 * What is often mistaken for a model, each with its own sentence. Looks at nothing but what tells them apart.
 */
import { ModelFormatError, show } from './errors.ts'

/** @throws ModelFormatError or RangeError if it is known what was meant */
export function checkSource(source: unknown): void {
  const problem = typeof source === 'string' ? mistakenText(source) : mistakenObject(source)
  if (problem) throw new ModelFormatError(typeof source === 'string' ? 'line 1' : 'the document', problem)
}

function mistakenText(text: string): string | undefined {
  if (text.startsWith('\ufeff'))
    return 'expected "tree", got a byte order mark (U+FEFF) before it: save the file as UTF-8 without one'
  if (/^\s*\{/.test(text))
    return 'expected "tree", got the text of a JSON document: a dump is passed as JSON.parse(text)'
  if (!text.includes('\n') && /[/\\]|\.(?:txt|json|model|lgb)$/i.test(text))
    return `expected "tree", got what looks like a path (${show(text)}): pass the text of the file`
  return undefined
}

function mistakenObject(source: unknown): string | undefined {
  if (typeof source !== 'object' || source === null) return undefined
  if (source instanceof Uint8Array || Object.prototype.toString.call(source) === '[object ArrayBuffer]')
    return 'expected a text or an object, got bytes: decode them, as new TextDecoder().decode(bytes) does'
  if ('then' in source && typeof source.then === 'function')
    return 'expected a text or an object, got a promise: await it'
  if ('learner' in source) return "expected LightGBM's dump, got XGBoost's JSON (it has a learner)"
  if ('oblivious_trees' in source || ('model_info' in source && 'features_info' in source))
    return "expected LightGBM's dump, got CatBoost's JSON (it has oblivious_trees or features_info)"
  return undefined
}

/** @throws RangeError for an option that is none: a misspelt one would be left out of account in silence */
export function checkOptions(options: object, known: readonly string[]): void {
  for (const name of Object.keys(options))
    if (!known.includes(name))
      throw new RangeError(`expected the options ${known.join(', ')}, got ${show(name)}`)
}
