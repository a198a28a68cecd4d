/**
 * The dashboard as a person meets it, in a real Chromium over a real service: it loads, it lives, it predicts, light and dark, and axe
 * finds nothing serious. Left out where there is no Chromium.
 */
import { AxeBuilder } from '@axe-core/playwright'
import { type Browser, chromium, type Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { EXAMPLE } from '../example.ts'
import { CHROMIUM, missing } from '../programs.ts'
import { type ServiceProcess, startService, untilReady } from '../service.ts'
import { logSettings } from '../shared-postgres.ts'
import { until } from '../until.ts'

const GROUND = 'getComputedStyle(document.body).backgroundColor'
const skip = missing('chromium')
if (skip) t.pass('the dashboard in a browser', { skip })
else await run()

async function run(): Promise<void> {
  const service = await startService(t, { ...(await logSettings(t)), LOG_FLUSH_MS: '50' })
  await untilReady(service.url)
  const features = (await get(service, '/model/info')).features.length
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
  t.teardown(() => browser.close())

  t.test('it loads and lives', async (t) => {
    const { page, problems } = await open(t, browser, service)
    await page.waitForSelector('#state[data-state=ok]')
    t.match(await page.textContent('#state-text'), /^ok, model /)
    await page.waitForSelector('#model dl')
    t.match(await page.textContent('#model'), 'reproduced')
    await page.waitForSelector('#total:not(:text-is("–"))')
    t.equal(await page.textContent('#answered'), '0')
    const before = Number(await page.textContent('#total'))

    await predict(service)
    await page.waitForSelector('#answered:text-is("1")')
    t.pass('a prediction is there at once')
    await page.waitForSelector(`#total:text-is("${before + 1}")`)
    await page.waitForSelector('[data-facet=country] td')
    t.equal(await page.textContent('[data-facet=country] td'), 'es')
    t.match(
      await page.getAttribute('#distribution', 'aria-label'),
      /^Most of the predictions above 0, 1, lie /,
    )
    t.same(problems, [], 'no fault, and nothing from elsewhere')
  })

  t.test('the form, by keyboard', async (t) => {
    const { page } = await open(t, browser, service)
    await page.waitForSelector('#fields input[name=country]')
    t.equal(await page.locator('#fields input').count(), 9)
    t.ok((await page.locator('#known-country option').count()) > 20, 'what the model knows is offered')
    for (const [name, value] of Object.entries(EXAMPLE))
      await page.fill(`#fields input[name=${name}]`, value === null ? '' : String(value))
    await page.focus('#fields input[name=event_3]')
    await page.keyboard.press('Enter')
    await page.waitForSelector('#answer .revenue')
    const { predicted_revenue } = await predict(service)
    t.equal(
      await page.textContent('#answer .revenue'),
      new Intl.NumberFormat('en', { maximumSignificantDigits: 4 }).format(predicted_revenue),
      'as the API answers',
    )
  })

  t.test('what is wrong is said', async (t) => {
    const { page } = await open(t, browser, service)
    await page.waitForSelector('#fields input[name=country]')
    await page.fill('#fields input[name=country]', 'x'.repeat(300))
    await page.click('#try button')
    await page.waitForSelector('#answer .bad')
    t.equal(await page.textContent('#answer .bad'), 'country: expected at most 256 characters, got 300')
  })

  t.test('a key is asked for once', async (t) => {
    const { page } = await open(t, browser, service, async (page) => {
      await page.route('**/health', async (route) => {
        const key = route.request().headers()['authorization']
        if (key === 'Bearer the key') return route.fallback()
        return route.fulfill({ status: 401, json: { message: 'a key is expected' } })
      })
    })
    await page.waitForSelector('#key-dialog[open]')
    await page.fill('#key', 'the key')
    await page.keyboard.press('Enter')
    await page.waitForSelector('#log dl')
    t.equal(await page.locator('#key-dialog[open]').count(), 0)
  })

  t.test('drift, once there is something to compare', async (t) => {
    const { page } = await open(t, browser, service)
    await page.waitForSelector('#drift .empty')
    t.match(await page.textContent('#drift'), 'of the 200 predictions that it takes')
    // A hundred are looked at each second.
    await until('there is a drift', async () => {
      await post(service, '/batch_predict', { users: Array.from({ length: 100 }, () => EXAMPLE) })
      return (await get(service, '/model/drift')).prediction !== null
    })
    await page.waitForSelector('#drift td.bad')
    t.equal(await page.locator('#drift tbody tr').count(), 1 + features, 'the prediction and each feature')
    t.match(await page.textContent('#drift tbody tr'), /^the prediction itself\d+\.\d{3}drifted$/)
  })

  for (const scheme of ['light', 'dark'] as const)
    t.test(`${scheme}: contrast, names, roles`, async (t) => {
      const { page } = await open(t, browser, service, (page) => page.emulateMedia({ colorScheme: scheme }))
      await page.waitForSelector('[data-facet=country] td')
      await page.waitForSelector('#history td')
      const { violations } = await new AxeBuilder({ page }).analyze()
      const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
      t.same(
        serious.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]),
        [],
      )
      const ground = await page.evaluate(GROUND)
      t.equal(ground, scheme === 'light' ? 'rgb(244, 246, 245)' : 'rgb(16, 21, 20)')
      await page.click('#theme')
      if (scheme === 'light') await page.click('#theme')
      const other = await page.evaluate(GROUND)
      t.not(other, ground, 'the button changes it')
    })

  t.test('a phone', async (t) => {
    const { page } = await open(t, browser, service, (page) =>
      page.setViewportSize({ width: 360, height: 740 }),
    )
    await page.waitForSelector('#history td')
    const width = Number(await page.evaluate('document.documentElement.scrollWidth'))
    t.ok(width <= 360, `nothing is wider than the screen: ${width}`)
  })
}

/** @returns the page at /dashboard, and what went wrong in it */
async function open(
  t: Test,
  browser: Browser,
  service: ServiceProcess,
  prepare: (page: Page) => Promise<unknown> = async () => {},
): Promise<{ page: Page; problems: string[] }> {
  const context = await browser.newContext()
  t.teardown(() => context.close())
  const page = await context.newPage()
  page.setDefaultTimeout(300_000) // what does not come ends the test, on any machine
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(error.message))
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()))
  page.on('request', (request) => {
    if (!request.url().startsWith(service.url)) problems.push(`asked for ${request.url()}`)
  })
  await prepare(page)
  await page.goto(`${service.url}/dashboard`)
  return { page, problems }
}

const predict = (service: ServiceProcess): Promise<any> => post(service, '/predict', EXAMPLE)

async function get(service: ServiceProcess, path: string): Promise<any> {
  return (await fetch(service.url + path)).json()
}

async function post(service: ServiceProcess, path: string, body: object): Promise<any> {
  const headers = { 'content-type': 'application/json' }
  return (await fetch(service.url + path, { method: 'POST', headers, body: JSON.stringify(body) })).json()
}
