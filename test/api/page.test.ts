/**
 * docs/api.md is what the service says today: each route is asked again, and the page made anew. Times, ids and what takes its time are
 * left out of the comparison.
 */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { startService } from '../service.ts'
import { logSettings } from '../shared-postgres.ts'
import { makePage, PAGE } from './page.ts'

t.test('the page is up to date', async (t) => {
  const service = await startService(t, await logSettings(t))
  t.equal(mask(await makePage(service.url)), mask(readFileSync(PAGE, 'utf8')), 'or run: npm run api')
  await service.stop()
})

/** Keys whose numbers are another each time. */
const VARYING = [
  'clock_offset_s',
  ...['inference_time_ms', 'avg_inference_time_ms', 'uptime_s', 'process', 'predictions_per_s', 'p50_ms'],
  'p99_ms',
]

function mask(page: string): string {
  return (
    page
      .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g, '(id)')
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '(time)')
      .replaceAll(new RegExp(`"(${VARYING.join('|')})": ?(null|[-+.e\\d]+)`, 'g'), '"$1": 0')
      // What happens while a service starts happens in no order.
      .replaceAll(/(?<="events": \[\n)[^]*?(?=\n {2}\])/g, (events) =>
        events
          .split(/,\n(?= {4}\{)/)
          .sort()
          .join(),
      )
      .replaceAll(/^(day7_\w+(?:\{.*\})?) \S+$/gm, '$1 0')
  )
}
