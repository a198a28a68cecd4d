/**
 * Figures of several processes ↔ those of all together. Each metric says how its values become one: counters and sizes are added
 * up; of states, ages and times there is the greatest or the least.
 */
import { AggregatorRegistry, Counter, Gauge, Registry } from 'prom-client'

/** The metrics of a process, as they go from one to another. */
export type Figures = readonly object[]

export function renderFigures(all: readonly Figures[]): Promise<string> {
  return merged(all).metrics()
}

/** What remains of a process that is gone: its counters, so that the sum over all never falls. */
export function addCounters(sum: Figures, gone: Figures): Promise<Figures> {
  const counters = gone.filter((metric) =>
    ['counter', 'histogram', 'summary'].includes((metric as { type?: string }).type!),
  )
  return merged([sum, counters]).getMetricsAsJSON()
}

/** What the process knows that starts the others. */
export function workerFigures(workers: { serving(): number; restarts(): number }): Promise<Figures> {
  const registry = new Registry()
  const registers = [registry]
  new Gauge({ name: 'day7_workers', help: 'Workers that answer.', registers }).set(workers.serving())
  new Counter({
    name: 'day7_worker_restarts_total',
    help: 'Workers that died and were replaced.',
    registers,
  }).inc(workers.restarts())
  return registry.getMetricsAsJSON()
}

const merged = (all: readonly Figures[]): Registry => AggregatorRegistry.aggregate([...all])
