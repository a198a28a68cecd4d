/**
 * Swagger UI in a real browser, under the content security policy and under a name that is not this machine's, where browsers forgive
 * less: it loads, tries `POST /predict` out, and breaks no rule of the policy.
 */
import { chromium, type ConsoleMessage } from 'playwright-core'
import t from 'tap'
import { readConfig } from '../../src/config/index.ts'
import { CHROMIUM, missing } from '../programs.ts'
import { appWith } from './app.ts'

const HOST = 'day7.test'
/** Machines of tests are busy. */
const PATIENCE_MS = 120_000

t.test('Swagger UI', { skip: missing('chromium') }, async (t) => {
  const { browsers } = readConfig({ ALLOWED_HOSTS: HOST })
  const { app, logged } = await appWith({}, undefined, { browsers })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as { port: number }
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', `--host-resolver-rules=MAP ${HOST} 127.0.0.1`],
  })
  t.teardown(async () => {
    await browser.close()
    await app.close()
  })
  const page = await browser.newPage()
  page.setDefaultTimeout(PATIENCE_MS)
  const complaints: string[] = []
  page.on('console', (message: ConsoleMessage) => {
    // Of a page over plain HTTP browsers say so; over TLS the header counts.
    if (/Cross-Origin-Opener-Policy header has been ignored/.test(message.text())) return
    if (message.type() === 'error' || /content security policy/i.test(message.text()))
      complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('requestfailed', (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`))
  page.on('request', (request) => {
    const { hostname, protocol } = new URL(request.url())
    if (hostname !== HOST && protocol !== 'data:') complaints.push(`asks elsewhere: ${request.url()}`)
  })

  await page.goto(`http://${HOST}:${port}/docs`)
  const operation = page.locator('#operations-predict-predict')
  await operation.locator('button.opblock-summary-control').click()
  await operation.getByRole('button', { name: 'Try it out' }).click()
  const [answer] = await Promise.all([
    page.waitForResponse((response) => response.url().endsWith('/predict')),
    operation.getByRole('button', { name: 'Execute' }).click(),
  ])
  t.equal(answer.status(), 200)
  await operation.locator('.live-responses-table .response-col_status', { hasText: '200' }).waitFor()
  t.match(await operation.locator('.live-responses-table').innerText(), /predicted_revenue/)
  t.equal(logged.length, 1, 'the example is an install')
  t.same(complaints, [])

  // The policy is in force: what it forbids is reported, and does not happen.
  await page.evaluate(
    `document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.isRun = true' }))`,
  )
  t.equal(await page.evaluate(`'isRun' in window`), false)
  t.match(complaints.join(), /content security policy/i)
})
