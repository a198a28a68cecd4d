/**
 * What serves, what served, the arms of the experiment, drift, the log, and of whom the predictions are.
 */
import { ask } from './service.js'
import { bytes, count, element, empty, facts, fill, percent, revenue, table, time } from './format.js'

/** @param {any} info @param {any} health */
export function showModel(info, health) {
  const { metrics } = info
  const figures = Object.entries(metrics?.test ?? metrics ?? {}).filter(
    ([, value]) => typeof value === 'number',
  )
  fill(
    'model',
    facts([
      ['Model', `${info.name} ${info.version}`],
      ['Predicts', `revenue of the first ${count(info.horizon_days)} days after the install`],
      ['In service since', time(info.serving_since)],
      ['From', info.origin],
      ['Objective', `${info.objective}, ${count(info.trees)} trees, ${info.features.length} features`],
      [
        'Trained on',
        `${count(info.training.rows)} installs${info.training.synthetic ? ' (synthetic data)' : ''}`,
      ],
      ['Golden predictions', `${count(info.golden_predictions)} reproduced`],
      ...figures
        .slice(0, 4)
        .map(([name, value]) => /** @type {const} */ ([name, revenue(/** @type {number} */ (value))])),
    ]),
  )
  const { champion, challenger } = health.rollout
  const trouble = [champion, challenger].filter((follower) => follower?.reason)
  if (trouble.length > 0)
    document
      .getElementById('model')
      ?.append(...trouble.map(({ state, reason }) => element('p', { class: 'bad' }, `${state}: ${reason}`)))
}

/** @param {any} health */
export function showArms(health) {
  const { traffic } = health.rollout
  const arm = (/** @type {any} */ slot, /** @type {number} */ share) =>
    slot ? `${slot.name} ${slot.version}, ${percent(share / 100)} of users` : 'none'
  const rows = facts([
    ['Champion', arm(health.model, traffic.champion)],
    ['Challenger', arm(health.challenger, traffic.challenger)],
    ['Shadow', traffic.shadow ? 'the challenger scores what the champion answers' : 'off'],
  ])
  if (!health.challenger) return fill('arms', rows)
  const verdict = element('div', { 'aria-live': 'polite' })
  const button = element('button', { type: 'button' }, 'Compare on matured outcomes')
  button.addEventListener('click', async () => {
    verdict.replaceChildren(empty('comparing …'))
    try {
      const answer = await ask('/experiments')
      verdict.replaceChildren(element('p', {}, `Verdict: ${answer.verdict}. ${answer.reason ?? ''}`))
    } catch (error) {
      verdict.replaceChildren(element('p', { class: 'bad' }, /** @type {Error} */ (error).message))
    }
  })
  // A verdict that stands there is not taken away by the next look.
  if (document.querySelector('#arms button') && document.querySelector('#arms [aria-live]')?.textContent)
    return
  fill('arms', rows, button, verdict)
}

/** A population stability index up to this is called stable, and above the other another population. */
const [STABLE, DRIFTED] = [0.1, 0.25]
/** The prediction, and the features that moved most. */
const SHOWN_FEATURES = 8

/** @param {number} psi @returns {[verdict: string, look: string]} */
function verdictOf(psi) {
  if (psi <= STABLE) return ['stable', 'good']
  return psi <= DRIFTED ? ['moved', ''] : ['drifted', 'bad']
}

/** @param {any} drift of the champion */
export function showDrift({ predictions, min_predictions, prediction, features, window_seconds }) {
  if (prediction === null)
    return fill(
      'drift',
      empty(
        `${count(predictions)} of the ${count(min_predictions)} predictions that it takes to compare installs with the training data.`,
      ),
    )
  const rows = [{ feature: 'the prediction itself', psi: prediction }, ...features].map(
    ({ feature, psi }) => {
      const [verdict, look] = verdictOf(psi)
      return element(
        'tr',
        {},
        element('td', { class: 'bar', '--share': `${Math.min(100, (100 * psi) / (2 * DRIFTED))}%` }, feature),
        element('td', { class: 'number' }, psi.toFixed(3)),
        element('td', { class: look }, verdict),
      )
    },
  )
  const names = ['Feature', '#PSI', 'Is']
  const under = `PSI of ${count(predictions)} predictions of the last ${count(window_seconds / 60)} minutes, in this process, against the training data.`
  const parts = [table(names, rows.slice(0, SHOWN_FEATURES)), element('p', { class: 'under' }, under)]
  if (rows.length > SHOWN_FEATURES) parts.splice(1, 0, moreOf(table(names, rows.slice(SHOWN_FEATURES)), rows))
  fill('drift', ...parts)
}

/** It stays open when it is shown anew. @param {Node} content @param {readonly Node[]} rows */
function moreOf(content, rows) {
  const summary = element('summary', {}, `${rows.length - SHOWN_FEATURES} more`)
  const isOpen = document.querySelector('#drift details[open]') !== null
  return element('details', isOpen ? { open: '' } : {}, summary, content)
}

/** @param {any} log of /health */
export function showLog(log) {
  fill(
    'log',
    facts([
      [
        'State',
        element(
          'span',
          { class: log.state === 'shipping' ? 'good' : log.state === 'off' ? 'empty' : 'bad' },
          log.state,
        ),
      ],
      [
        'Waiting',
        `${bytes(log.spool_bytes)}${log.oldest_record_age_s === null ? '' : `, oldest ${count(log.oldest_record_age_s)} s`}`,
      ],
      ['Dropped', element('span', { class: log.dropped > 0 ? 'bad' : 'good' }, count(log.dropped))],
      ['Quarantined', count(log.quarantined)],
      ['Last error', log.last_error],
    ]),
  )
}

/** @param {readonly any[]} events */
export function showHistory(events) {
  if (events.length === 0) return fill('history', empty('Nothing yet.'))
  const rows = events.map(({ time: at, event, variant, model, version, host, detail }) =>
    element(
      'tr',
      {},
      element('td', {}, time(at)),
      element('td', { class: event === 'refused' ? 'bad' : '' }, event),
      element('td', {}, variant ?? ''),
      element('td', {}, [model, version].filter(Boolean).join(' ')),
      element('td', {}, detail ?? ''),
      element('td', {}, host),
    ),
  )
  fill('history', table(['When', 'What', 'Slot', 'Model', 'Detail', 'Host'], rows))
}

/** A card for each facet. @param {readonly { facet: string, segments: readonly Segment[] }[]} facets */
export function showSegments(facets) {
  fill(
    'facets',
    ...facets.map(({ facet, segments }, at) =>
      element(
        'section',
        { class: 'card', 'aria-labelledby': `facet-${at}`, 'data-facet': facet },
        element('h2', { id: `facet-${at}` }, `By ${facet}`),
        segments.length === 0 ? empty('No predictions yet.') : segmentsTable(facet, segments),
      ),
    ),
  )
}

/** @typedef {{ value: string, predictions: number, mean_predicted_revenue: number }} Segment */

/**
 * @param {string} facet
 * @param {readonly Segment[]} segments
 */
function segmentsTable(facet, segments) {
  const most = Math.max(...segments.map(({ predictions }) => predictions))
  const rows = segments.map(({ value, predictions, mean_predicted_revenue }) =>
    element(
      'tr',
      {},
      element('td', { class: 'bar', '--share': `${(100 * predictions) / most}%` }, value || '(empty)'),
      element('td', { class: 'number' }, count(predictions)),
      element('td', { class: 'number' }, revenue(mean_predicted_revenue)),
    ),
  )
  return table([facet, '#predictions', '#mean revenue'], rows)
}
