/**
 * A call that gives one page → all pages, one by one. Refuses a server that gives the same token twice: it would never end.
 */
import { MlflowError } from './errors.ts'
import type { Fields } from './fields.ts'

/** @param read one page; undefined: the first */
export async function* pagesOf(
  read: (pageToken: string | undefined) => Promise<Fields>,
): AsyncGenerator<Fields, void, void> {
  const seen = new Set<string>()
  for (let token: string | undefined; ;) {
    const page = await read(token)
    yield page
    token = page.textOrEmpty('next_page_token')
    if (token === '') return
    if (seen.has(token))
      throw MlflowError.of(
        'MLFLOW_UNEXPECTED_ANSWER',
        `expected MLflow to give a new page token, got "${token}" twice`,
      )
    seen.add(token)
  }
}
