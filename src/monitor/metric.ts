/**
 * One metric: its name, what it means, and how its figures are read when somebody asks. A request pays for none of it; prom-client
 * writes the text, and adds the figures of several processes up by the metric's aggregator.
 */
import type { Metric as ClientMetric } from 'prom-client'
import type { Buckets, Total } from './buckets.ts'

type Labels = Readonly<Record<string, string>>

export interface Sample {
  readonly labels?: Labels
  readonly value: number
}

/** What several processes have together. `max` of a state's 0 and 1: whether one of them is in it. */
export type Aggregator = 'sum' | 'max' | 'average' | 'first'

/** Where the figures are read; a number alone has no labels. */
type Read = () => number | Iterable<Sample>

export interface Metric {
  readonly name: string
  readonly help: string
  readonly type: 'gauge' | 'counter' | 'histogram' | 'summary'
  readonly aggregator: Aggregator
  samples(): readonly NamedSample[]
}

export interface NamedSample extends Sample {
  /** Where it is not the metric's own: `_bucket`, `_sum` and `_count` of a histogram. */
  readonly metricName?: string
}

export function gauge(name: string, help: string, aggregator: Aggregator, read: Read): Metric {
  return { name, help, type: 'gauge', aggregator, samples: () => listed(read()) }
}

/** Its figures only grow. */
export function counter(name: string, help: string, read: Read): Metric {
  return { name, help, type: 'counter', aggregator: 'sum', samples: () => listed(read()) }
}

/** One histogram for each of the labels that are read. */
export function histogram(
  name: string,
  help: string,
  read: () => Iterable<{ readonly labels: Labels; readonly buckets: Buckets }>,
): Metric {
  return {
    name,
    help,
    type: 'histogram',
    aggregator: 'sum',
    samples: () =>
      [...read()].flatMap(({ labels, buckets: { bounds, counts, sum } }) => {
        let count = 0
        const cumulated = Array.from(counts, (each, at) => ({
          metricName: `${name}_bucket`,
          labels: { ...labels, le: at < bounds.length ? String(bounds[at]) : '+Inf' },
          value: (count += each),
        }))
        return [
          ...cumulated,
          { metricName: `${name}_sum`, labels, value: sum },
          { metricName: `${name}_count`, labels, value: count },
        ]
      }),
  }
}

/** A sum and a count: a summary without quantiles. */
export function summary(
  name: string,
  help: string,
  read: () => Iterable<{ readonly labels: Labels; readonly total: Total }>,
): Metric {
  return {
    name,
    help,
    type: 'summary',
    aggregator: 'sum',
    samples: () =>
      [...read()].flatMap(({ labels, total: { sum, count } }) => [
        { metricName: `${name}_sum`, labels, value: sum },
        { metricName: `${name}_count`, labels, value: count },
      ]),
  }
}

function listed(figures: number | Iterable<Sample>): readonly Sample[] {
  return typeof figures === 'number' ? [{ value: figures }] : [...figures]
}

/** As prom-client's registry reads its own. */
export function forRegistry({ name, help, type, aggregator, samples }: Metric): ClientMetric {
  const get = async () => ({
    name,
    help,
    type,
    aggregator,
    values: samples().map((sample) => ({ labels: {}, ...sample })),
  })
  return { name, help, type, aggregator, get, reset: () => {} } as unknown as ClientMetric
}
