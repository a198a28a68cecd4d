export { CsvRows } from './csv.ts'
export { CSV, NDJSON, readStreams, streamReplies } from './reply.ts'
