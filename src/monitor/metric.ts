/**
 * One metric: its name, what it means, and how its figures are read when somebody asks. A request pays for none of it; prom-client
 * writes the text, and adds the figures of several processes up by the metric's aggregator.
 */
import type { Metric as ClientMetric } from 'prom-client'

export interface Sample {
  readonly labels?: Readonly<Record<string, string>>
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
