/**
 * docs/api.md is what the service says today: each route is asked again, and the page made anew. Numbers, times and ids are left out of
 * the comparison, and so is what of a long answer goes with them.
 */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { embeddedFolder } from '../embedded.ts'
import { startService } from '../service.ts'
import { makePage, PAGE } from './page.ts'

t.test('the page is up to date', async (t) => {
  const service = await startService(t, { DATA_DIR: await embeddedFolder(t) })
  t.equal(mask(await makePage(service.url)), mask(readFileSync(PAGE, 'utf8')), 'or run: npm run api')
  await service.stop()
})

function mask(page: string): string {
  return page
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g, '(id)')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '(time)')
    .replaceAll(/(?<![\w.])-?\d+(\.\d+)?(e[+-]?\d+)?(?![\w.])/g, '0')
}
