/**
 * A worker that does nothing but what the primary sees of one. FAKE says what is wrong with it:
 *
 *   broken     it ends before it is ready
 *   stubborn   it does not end when it is told to
 *   mute       it does not tell its figures
 */
import { linkToPrimary } from '../../src/processes/index.ts'

const fake = process.env['FAKE']
if (fake === 'broken') process.exit(3)

const link = linkToPrimary()!
const figures = [
  {
    name: 'made',
    help: 'Things made.',
    type: 'counter',
    aggregator: 'sum',
    values: [{ value: 10, labels: {} }],
  },
]
link.tellFigures(fake === 'mute' ? () => new Promise(() => {}) : async () => figures)
link.onLeave(async () => {
  if (fake === 'stubborn') return
  await link.sayLastFigures()
  process.exit(0)
})
/** What the test asks of it. */
process.on('message', async (message: { test?: 'figures' | 'keep'; value?: string }) => {
  if (message.test === 'figures') process.send!({ test: await link.allFigures() })
  if (message.test === 'keep')
    process.send!({ test: (await link.shared.keep('name', Buffer.from(message.value!)))?.toString() ?? null })
})
setInterval(() => {}, 1_000)
link.sayReady()
