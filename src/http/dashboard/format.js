/**
 * Figures and elements → what is read.
 */

const whole = new Intl.NumberFormat('en')
const exact = new Intl.NumberFormat('en', { maximumSignificantDigits: 4 })
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 })

/** @param {number | null | undefined} value */
export const count = (value) =>
  value == null ? '–' : value < 1e6 ? whole.format(Math.round(value)) : compact.format(value)
/** Revenue is in the unit of the training data, which the page does not know. @param {number | null | undefined} value */
export const revenue = (value) =>
  value == null ? '–' : value < 1e9 ? exact.format(value) : value.toExponential(3)
/** For an axis. @param {number} value */
export const short = (value) => compact.format(value)
/** @param {number | null | undefined} value */
export const ms = (value) => (value == null ? '–' : `${exact.format(Number(value.toPrecision(2)))} ms`)
/** @param {number} value */
export const percent = (value) => `${exact.format(Number((value * 100).toPrecision(3)))} %`
/** @param {number} bytes */
export const bytes = (bytes) =>
  bytes < 1024
    ? `${bytes} B`
    : bytes < 1024 ** 2
      ? `${exact.format(bytes / 1024)} KiB`
      : `${exact.format(bytes / 1024 ** 2)} MiB`
/** @param {string} iso */
export const time = (iso) =>
  new Date(iso).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' })

/**
 * An element; texts are texts, whatever stands in them.
 * @param {string} name
 * @param {Record<string, string>} [attributes] `style` names custom properties
 * @param {...(Node | string | number | null)} children
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes))
    if (key.startsWith('--')) made.style.setProperty(key, value)
    else made.setAttribute(key, value)
  made.append(
    ...children
      .filter((child) => child !== null)
      .map((child) => (child instanceof Node ? child : String(child))),
  )
  return made
}

/** @param {string} id */
export const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id))

/**
 * @param {string} id
 * @param {...(Node | string)} children
 */
export const fill = (id, ...children) => byId(id).replaceChildren(...children)

/** @param {string} text */
export const empty = (text) => element('p', { class: 'empty' }, text)

/** @param {readonly (readonly [string, Node | string | null])[]} entries */
export const facts = (entries) =>
  element(
    'dl',
    {},
    ...entries.flatMap(([term, value]) => [element('dt', {}, term), element('dd', {}, value ?? '–')]),
  )

/**
 * @param {readonly string[]} heads a name that starts with # is of a column of numbers
 * @param {readonly Node[]} rows
 * @param {Record<string, string>} [attributes]
 */
export function table(heads, rows, attributes = {}) {
  const head = heads.map((name) =>
    name.startsWith('#')
      ? element('th', { scope: 'col', class: 'number' }, name.slice(1))
      : element('th', { scope: 'col' }, name),
  )
  return element(
    'table',
    attributes,
    element('thead', {}, element('tr', {}, ...head)),
    element('tbody', {}, ...rows),
  )
}
