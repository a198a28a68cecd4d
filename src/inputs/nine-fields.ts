/**
 * The input schema of bundles that have none of their own: formats 1 and 2 know these nine fields.
 */
import document from './nine-fields.json' with { type: 'json' }
import { parseInputSchema } from './schema.ts'

export const NINE_FIELDS = parseInputSchema(document)
