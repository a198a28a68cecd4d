/**
 * Series → uPlot. Each chart is told in words, too, for those who do not see it.
 */
import { byId, count, ms, revenue, short } from './format.js'

/** @type {typeof import('uplot')} */
const uPlot = /** @type {any} */ (globalThis).uPlot

/** @typedef {{ plot: import('uplot'), id: string }} Chart */
/** @type {Map<string, Chart>} */
const charts = new Map()

/** @param {string} name of a custom property */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

/** The colour that a custom property has now, light or dark. @param {string} name */
function resolved(name) {
  const probe = document.createElement('i')
  probe.style.color = `var(${name})`
  document.body.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color || colour(name)
}

/**
 * @param {string} id
 * @param {any} data
 * @param {string} words
 * @param {() => any} options made once; and again in another theme
 */
function draw(id, data, words, options) {
  const place = byId(id)
  place.setAttribute('aria-label', words)
  const chart = charts.get(id)
  if (chart) return void chart.plot.setData(data)
  const plot = new uPlot({ ...options(), width: place.clientWidth, height: place.clientHeight }, data, place)
  charts.set(id, { plot, id })
}

/** All are drawn anew when they are next given data. */
export function forget() {
  for (const { plot } of charts.values()) plot.destroy()
  charts.clear()
}

addEventListener('resize', () => {
  for (const { plot, id } of charts.values())
    plot.setSize({ width: byId(id).clientWidth, height: byId(id).clientHeight })
})

/** Times of day, and days where they begin or are all there is. @param {any} _ @param {number[]} splits */
const times = (_, splits) =>
  splits.map((seconds) => {
    const time = new Date(seconds * 1000)
    const isDay = time.getHours() === 0 && time.getMinutes() === 0 && time.getSeconds() === 0
    if (isDay) return dayOf.format(time)
    return (time.getSeconds() === 0 ? minuteOf : secondOf).format(time)
  })
const dayOf = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })
const minuteOf = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const secondOf = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' })

/** Steps of an axis that counts. */
const WHOLE = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat()

/** @param {(value: number) => string} say */
function axes(say) {
  const [stroke, grid] = [resolved('--quiet'), { stroke: resolved('--line'), width: 1 }]
  const common = { stroke, grid, ticks: grid, font: '12px system-ui' }
  return [
    { ...common, space: 80, values: times },
    {
      ...common,
      size: 62,
      ...(say === count && { incrs: WHOLE }),
      values: (/** @type {any} */ _, /** @type {number[]} */ splits) => splits.map(say),
    },
  ]
}

/**
 * A bar begins at its value; the last one needs room, too.
 * @param {number} step
 */
const withRoomFor =
  (step) => (/** @type {any} */ _, /** @type {number} */ min, /** @type {number} */ max) => [min, max + step]

const bars = (/** @type {number} */ share) => uPlot.paths.bars?.({ size: [share, 60], align: 1 })

/**
 * @param {readonly { time: number, rate: number, p99: number | null }[]} ticks time in seconds
 */
export function drawLive(ticks) {
  const last = ticks.at(-1)
  draw(
    'live',
    [ticks.map(({ time }) => time), ticks.map(({ rate }) => rate), ticks.map(({ p99 }) => p99)],
    `${count(last?.rate)} predictions per second; 99 in 100 requests within ${ms(last?.p99)}`,
    () => ({
      scales: {
        x: { range: lastMinutes },
        ms: {
          range: (/** @type {any} */ _, /** @type {any} */ __, /** @type {number} */ max) => [
            0,
            Math.max(1, max * 1.1),
          ],
        },
        y: { range: fromZero },
      },
      series: [
        {},
        { label: 'per second', stroke: resolved('--accent'), width: 2, fill: resolved('--bar') },
        {
          label: 'p99',
          scale: 'ms',
          stroke: resolved('--second'),
          width: 2,
          points: { show: true, size: 4 },
        },
      ],
      axes: [...axes(count), { ...axes(ms)[1], side: 1, scale: 'ms', grid: { show: false } }],
    }),
  )
}

const SHOWN_S = 180
/** @type {any} */
const lastMinutes = (/** @type {any} */ _, /** @type {any} */ __, /** @type {number} */ max) => [
  max - SHOWN_S,
  max,
]

/** @type {any} */
const fromZero = (/** @type {any} */ _, /** @type {any} */ __, /** @type {number} */ max) => [
  0,
  Math.max(1, max * 1.05),
]

/**
 * @param {readonly { start: string, total_predictions: number }[]} buckets those without a prediction are left out
 * @param {string} from
 * @param {number} stepMs
 */
export function drawOverTime(buckets, from, stepMs) {
  const counts = new Map(buckets.map((bucket) => [Date.parse(bucket.start), bucket.total_predictions]))
  const first = Date.parse(from)
  const starts = Array.from(
    { length: Math.floor((Date.now() - first) / stepMs) + 1 },
    (_, at) => first + at * stepMs,
  )
  const total = buckets.reduce((sum, bucket) => sum + bucket.total_predictions, 0)
  draw(
    'over-time',
    [starts.map((start) => start / 1000), starts.map((start) => counts.get(start) ?? 0)],
    `${count(total)} predictions in ${buckets.length} of ${starts.length} intervals of time`,
    () => ({
      scales: { x: { range: withRoomFor(stepMs / 1000) }, y: { range: fromZero } },
      series: [
        {},
        {
          label: 'predictions',
          stroke: resolved('--accent'),
          fill: resolved('--bar'),
          paths: bars(0.9),
          points: { show: false },
        },
      ],
      axes: axes(count),
    }),
  )
}

/** @param {{ zeros: number, bins: readonly { lower: number, upper: number, predictions: number }[] }} distribution */
export function drawDistribution({ bins }) {
  const most = bins.toSorted((a, b) => b.predictions - a.predictions)[0]
  draw(
    'distribution',
    [bins.map(({ lower }) => Math.log10(lower)), bins.map(({ predictions }) => predictions)],
    most
      ? `Most of the predictions above 0, ${count(most.predictions)}, lie between ${revenue(most.lower)} and ${revenue(most.upper)}`
      : 'No predictions above 0',
    () => {
      const [x, y] = /** @type {[any, any]} */ (axes(count))
      const edges = (/** @type {any} */ _, /** @type {number[]} */ splits) =>
        splits.map((split) => (Number.isInteger(split) ? short(10 ** split) : ''))
      return {
        scales: { x: { time: false, range: withRoomFor(1 / 4) }, y: { range: fromZero } },
        series: [
          {},
          {
            label: 'predictions',
            stroke: resolved('--accent'),
            fill: resolved('--bar'),
            paths: bars(0.95),
            points: { show: false },
          },
        ],
        axes: [{ ...x, values: edges }, y],
      }
    },
  )
}
