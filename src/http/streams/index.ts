export { CSV, NDJSON, readStreams, streamReplies } from './reply.ts'
