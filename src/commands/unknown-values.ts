/**
 * Values of a file that the model does not know → sentences, and what the report as JSON has. Such rows are predicted all the same.
 */
import { parseInputSchema } from '../inputs/index.ts'
import type { UnknownValue } from '../scoring/index.ts'
import { number } from './progress.ts'

export interface UnknownReport {
  readonly field: string
  readonly reason: UnknownValue['reason']
  readonly rows: number
  /** With `outside`: what training saw. */
  readonly trained?: UnknownValue['trained']
  /** Null of a personal field. */
  readonly most_often: { readonly text: string; readonly rows: number } | null
}

/** More would hide one another. */
const MOST_SENTENCES = 10
const WHAT = {
  unseen: 'a text that training never saw',
  marker: 'a text that commonly stands for a missing value, which the model does not know',
  blanks: 'a text with blanks around it, which the model does not know',
  outside: 'a value outside of what training saw',
} as const

/** @param inputs the input schema's document */
export function unknownReports(unknown: readonly UnknownValue[], inputs: unknown): UnknownReport[] {
  const personal = new Set(
    parseInputSchema(inputs)
      .withRole('personal')
      .map(({ name }) => name),
  )
  return unknown.map(({ mostOften, ...value }) => ({
    ...value,
    most_often: personal.has(value.field) ? null : mostOften,
  }))
}

/** @param predicted rows */
export function unknownInWords(unknown: readonly UnknownReport[], predicted: number): string[] {
  const sentences = unknown.slice(0, MOST_SENTENCES).map(({ field, reason, rows, trained, most_often }) => {
    const range = trained ? `, ${trained.from} ${trained.to === null ? 'and later' : `to ${trained.to}`}` : ''
    const shown = most_often && (reason === 'outside' ? most_often.text : JSON.stringify(most_often.text))
    const often = shown === null ? '' : `, most often ${shown}`
    return `${field}: ${number(rows)} of ${number(predicted)} rows have ${WHAT[reason]}${range}${often}`
  })
  const more = unknown.length - sentences.length
  return more > 0 ? [...sentences, `and ${more} more such findings; --json has all`] : sentences
}
