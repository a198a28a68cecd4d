/**
 * docs/dashboard-light.png and -dark.png: the dashboard in Chromium, over a service that has just predicted synthetic installs.
 *
 *   node test/http/screenshots.ts
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parse } from 'csv-parse/sync'
import { chromium } from 'playwright-core'
import { makeVenv, PYTHON } from '../../training/venv.ts'
import { CHROMIUM } from '../programs.ts'
import { EXAMPLE } from '../example.ts'
import { spawnService, untilReady } from '../service.ts'

const WIDTH = 1280
const SECONDS = 40
/** So many users at a time, several times a second. */
const [LEAST, MOST] = [20, 60]

makeVenv()
const folder = mkdtempSync(join(tmpdir(), 'day7-screenshots-'))
const service = await spawnService({ DATA_DIR: folder, LOG_FLUSH_MS: '50' }, () => {})
try {
  await untilReady(service.url)
  const installs = synthetic()
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
  const pages = await Promise.all(
    (['light', 'dark'] as const).map(async (scheme) => {
      const context = await browser.newContext({
        colorScheme: scheme,
        viewport: { width: WIDTH, height: 900 },
        locale: 'en-GB',
        timezoneId: 'UTC',
      })
      const page = await context.newPage()
      await page.goto(`${service.url}/dashboard`)
      return { scheme, page }
    }),
  )
  const untilMs = performance.now() + SECONDS * 1000
  while (performance.now() < untilMs) {
    const start = Math.floor(Math.random() * (installs.length - MOST))
    const size = LEAST + Math.floor(Math.random() * (MOST - LEAST))
    await predict(installs.slice(start, start + size))
    await delay(250)
  }
  for (const { scheme, page } of pages) {
    for (const [name, value] of Object.entries({ ...EXAMPLE, event_1: 3, event_2: 12 }))
      await page.fill(`#fields input[name=${name}]`, String(value))
    await page.click('#try button')
    await page.waitForSelector('#answer .revenue')
    await page.waitForSelector('#drift table')
    await page.evaluate('document.activeElement.blur(); scrollTo(0, 0)')
    await delay(1_500)
    await page.screenshot({ path: `docs/dashboard-${scheme}.png`, fullPage: true })
  }
  await browser.close()
} finally {
  await service.stop()
  rmSync(folder, { recursive: true })
}

function synthetic(): object[] {
  const csv = join(folder, 'installs.csv')
  execFileSync(PYTHON, ['-m', 'day7_training', 'synthesize', '--rows', '5000', '--seed', '7', '--out', csv], {
    cwd: 'training',
  })
  const rows = parse(readFileSync(csv), { columns: true }) as Record<string, string>[]
  return rows.map((row) =>
    Object.fromEntries(
      Object.entries(EXAMPLE).map(([field, example]) => {
        const value = row[field]!
        if (value === '') return [field, null]
        return [field, typeof example === 'number' ? Number(value) : value]
      }),
    ),
  )
}

async function predict(users: readonly object[]): Promise<void> {
  const answer = await fetch(`${service.url}/batch_predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ users }),
  })
  if (!answer.ok) throw new Error(await answer.text())
}
