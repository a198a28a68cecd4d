/**
 * A form from what the model knows → a prediction, and why it is what it is.
 */
import { ask } from './service.js'
import { byId, element, fill, ms, revenue, table } from './format.js'

/** A list longer than that helps nobody to choose. */
const OFFERED = 300

/**
 * @typedef {{
 *   field: string, kind: string, nullable: boolean, example: string | number | boolean | null,
 *   description: string | null, known: readonly string[] | null
 * }} Input
 */

/** What to offer where the model knows no values. @type {Record<string, readonly string[]>} */
const CHOICES = { boolean: ['true', 'false'] }

/** What one press answers with: the example, or else anything that is taken. @param {Input} input */
function startOf({ kind, nullable, example, known }) {
  if (example !== null) return String(example)
  if (nullable) return ''
  return { number: '0', boolean: 'false', time: new Date().toISOString() }[kind] ?? known?.[0] ?? ''
}

/** @param {{ inputs: readonly Input[] }} inputs */
export function makeForm({ inputs }) {
  const fields = inputs.map((described, at) => {
    const { field, kind, nullable, description } = described
    const known = described.known ?? CHOICES[kind] ?? null
    const start = startOf(described)
    // An id has no blanks in it.
    const listId = `known-${/^\w+$/.test(field) ? field : at}`
    const input = /** @type {HTMLInputElement} */ (
      element('input', {
        name: field,
        'data-kind': kind,
        value: start,
        placeholder: nullable ? 'not known' : '',
        ...(description !== null && { title: description }),
        autocomplete: 'off',
        ...(kind === 'number' && { type: 'number', step: 'any' }),
        ...(!nullable && { required: '' }),
        ...(known && { list: listId }),
      })
    )
    const list =
      known &&
      element(
        'datalist',
        { id: listId },
        ...known.slice(0, OFFERED).map((value) => element('option', { value })),
      )
    return element('label', {}, field.replaceAll('_', ' '), input, list)
  })
  fill('fields', ...fields)
}

byId('try').addEventListener('submit', async (event) => {
  event.preventDefault()
  const inputs = /** @type {HTMLInputElement[]} */ ([...byId('fields').querySelectorAll('input')])
  const install = Object.fromEntries(
    inputs.map(({ name, value, dataset }) => [name, valueOf(value, dataset['kind'])]),
  )
  try {
    const answer = await ask('/predict?explain=true', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(install),
    })
    show(answer)
  } catch (error) {
    fill('answer', element('p', { class: 'bad' }, /** @type {Error} */ (error).message))
  }
})

/** As a request has it; what is wrong stays as it is, and the service says so. @param {string} text @param {string | undefined} kind */
function valueOf(text, kind) {
  if (text === '') return null
  if (kind === 'number') return Number(text)
  return kind === 'boolean' && (text === 'true' || text === 'false') ? text === 'true' : text
}

/** @param {any} answer */
function show({ predicted_revenue, interval, inference_time_ms, model, explanation }) {
  fill(
    'answer',
    element('p', { class: 'revenue' }, revenue(predicted_revenue)),
    element(
      'p',
      { class: 'under' },
      `predicted revenue, by ${model.name} ${model.version} (${model.variant}), in ${ms(inference_time_ms)}${
        interval
          ? `; one in ten brings less than ${revenue(interval.p10)}, one in ten more than ${revenue(interval.p90)}`
          : ''
      }`,
    ),
    explanation ? waterfall(explanation) : '',
  )
}

/** From the base value to the raw score, step by step. @param {any} explanation */
function waterfall({ base_value, raw_score, contributions }) {
  const ends = [base_value]
  for (const { contribution } of contributions) ends.push(/** @type {number} */ (ends.at(-1)) + contribution)
  const [low, high] = [Math.min(...ends, raw_score), Math.max(...ends, raw_score)]
  const span = high - low || 1
  const bar = (/** @type {number} */ from, /** @type {number} */ to) =>
    element(
      'span',
      { class: 'track', 'aria-hidden': 'true' },
      element('i', {
        class: to < from ? 'less' : '',
        '--left': `${(100 * (Math.min(from, to) - low)) / span}%`,
        '--width': `${(100 * Math.abs(to - from)) / span}%`,
      }),
    )
  const row = (
    /** @type {string} */ name,
    /** @type {any} */ value,
    /** @type {Node | string} */ track,
    /** @type {string} */ by,
    total = false,
  ) =>
    element(
      'tr',
      total ? { class: 'total' } : {},
      element('td', {}, name),
      element('td', {}, value === null ? 'not known' : String(value)),
      element('td', {}, track),
      element('td', { class: 'number' }, by),
    )
  const signed = (/** @type {number} */ value) => `${value < 0 ? '−' : '+'}${Math.abs(value).toPrecision(3)}`
  const rows = [
    row('base value', '', '', base_value.toPrecision(4)),
    ...contributions.map((/** @type {any} */ { feature, value, contribution }, /** @type {number} */ at) =>
      row(feature.replaceAll('_', ' '), value, bar(ends[at], ends[at + 1]), signed(contribution)),
    ),
    row('raw score', '', '', raw_score.toPrecision(4), true),
  ]
  return element(
    'div',
    { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Why' },
    table(['Input', 'Value', 'Contribution to the raw score', '#'], rows, { class: 'waterfall' }),
  )
}
