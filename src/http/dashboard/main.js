/**
 * The page: what it shows, and when it asks again. Live figures come every second; the rest is asked for after new predictions, and
 * every so often.
 */
import { drawDistribution, drawLive, drawOverTime, forget } from './charts.js'
import { byId, count, fill, ms, revenue } from './format.js'
import { showArms, showDrift, showHistory, showLog, showModel, showSegments } from './models.js'
import { ask, follow } from './service.js'
import { makeForm } from './try.js'

const REFRESH_MS = 15_000
/** What was predicted is in the database within about that time. */
const LOGGED_WITHIN_MS = 1_500
const SHOWN_TICKS = 180
const RECONNECT_MS = 2_000
const BUCKETS = /** @type {Record<string, string>} */ ({ '1h': 'minute', '24h': 'hour', '7d': 'hour' })
const THEMES = ['auto', 'light', 'dark']
const THEME_SIGNS = /** @type {Record<string, string>} */ ({ auto: '◐', light: '☀', dark: '☾' })

/** @type {{ time: number, rate: number, p99: number | null }[]} */
const ticks = []
let answered = -1
let formOf = ''

function setState(/** @type {string} */ state, /** @type {string} */ text) {
  byId('state').dataset['state'] = state
  if (byId('state-text').textContent !== text) fill('state-text', text)
}

/** @param {any} tick */
function onTick(tick) {
  setState(tick.status, `${tick.status}${tick.version ? `, model ${tick.version}` : ''}`)
  fill('rate', count(tick.predictions_per_s))
  fill('p50', ms(tick.p50_ms))
  fill('p99', ms(tick.p99_ms))
  fill('answered', count(tick.predictions))
  ticks.push({ time: Date.parse(tick.time) / 1000, rate: tick.predictions_per_s, p99: tick.p99_ms })
  if (ticks.length > SHOWN_TICKS) ticks.shift()
  drawLive(ticks)
  if (answered >= 0 && tick.predictions !== answered) soon()
  answered = tick.predictions
}

async function live() {
  for (;;) {
    try {
      await follow('/stats/live', onTick)
    } catch {
      // said below
    }
    setState('away', 'out of reach')
    await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS))
  }
}

async function showHealth() {
  const health = await ask('/health')
  showArms(health)
  showLog(health.prediction_log)
  if (health.model) showModel(await ask('/model/info'), health)
}

async function showTotals() {
  const window = /** @type {HTMLInputElement} */ (document.querySelector('[name=window]:checked')).value
  const stats = await ask(`/stats?window=${window}&bucket=${BUCKETS[window]}`)
  fill('total', count(stats.total_predictions))
  fill('mean', revenue(stats.avg_predicted_revenue))
  fill('total-window', `in the last ${window.replace('h', ' h').replace('d', ' d')}`)
  drawOverTime(stats.buckets, stats.from, window === '1h' ? 60_000 : 3_600_000)
}

async function showRecent() {
  const recent = await ask('/stats/recent')
  drawDistribution(recent.distribution)
  const zeros = count(recent.distribution.zeros)
  fill(
    'distribution-under',
    `${count(recent.predictions)} latest predictions; ${zeros} of them are 0. Scale: powers of ten.`,
  )
  showSegments(recent.facets)
}

async function showForm() {
  const inputs = await ask('/model/inputs')
  const of = JSON.stringify(inputs.model)
  if (of !== formOf) makeForm(inputs)
  formOf = of
}

async function showDriftOfChampion() {
  showDrift(await ask('/model/drift'))
}

async function showEvents() {
  showHistory((await ask('/model/history')).events)
}

/** Each part is shown as soon as it is there; one that is missing takes no other away. */
async function refresh() {
  const parts = await Promise.allSettled([
    showHealth(),
    showTotals(),
    showRecent(),
    showEvents(),
    showDriftOfChampion(),
    showForm(),
  ])
  const reasons = new Set(parts.flatMap((part) => (part.status === 'rejected' ? [part.reason.message] : [])))
  fill('notice', [...reasons].join('; '))
  byId('notice').hidden = reasons.size === 0
  fill('updated', `updated ${new Date().toLocaleTimeString()}`)
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let waiting
let refreshing = false

/** After what has just been predicted is in the log; as often as that at most. */
function soon() {
  waiting ??= setTimeout(() => {
    waiting = undefined
    void once()
  }, LOGGED_WITHIN_MS)
}

async function once() {
  if (refreshing || document.hidden) return
  refreshing = true
  await refresh().finally(() => (refreshing = false))
}

function setTheme(/** @type {string} */ theme) {
  if (theme === 'auto') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme
  localStorage.setItem('day7-theme', theme)
  fill('theme', `${THEME_SIGNS[theme]} ${theme}`)
  byId('theme').setAttribute('aria-label', `Theme: ${theme}`)
  forget()
  if (ticks.length > 0) drawLive(ticks)
}

byId('theme').addEventListener('click', () => {
  const now = document.documentElement.dataset['theme'] ?? 'auto'
  setTheme(/** @type {string} */ (THEMES[(THEMES.indexOf(now) + 1) % THEMES.length]))
  void once()
})
byId('windows').addEventListener('change', () => void once())
document.addEventListener('visibilitychange', () => void once())
setTheme(localStorage.getItem('day7-theme') ?? 'auto')
setInterval(() => void once(), REFRESH_MS)
void once()
void live()
