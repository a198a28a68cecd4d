/**
 * What a stream of installs may take.
 */
import type { Reader, Setting } from './setting.ts'

export interface StreamsConfig {
  readonly streamLineBytes: number
  readonly streamIdleMs: number
}

export const STREAM_SETTINGS = [
  {
    name: 'STREAM_LINE_BYTES',
    default: '65536',
    description: 'Longest line of a stream; a longer one is answered with an error.',
  },
  {
    name: 'STREAM_IDLE_MS',
    default: '60000',
    description: 'A stream ends when its client has neither sent nor taken anything for so long.',
  },
] as const satisfies readonly Setting[]

type Name = (typeof STREAM_SETTINGS)[number]['name']

export function readStreams(read: Reader<Name>): StreamsConfig {
  return {
    streamLineBytes: read.whole('STREAM_LINE_BYTES', 1024, 16_777_216),
    streamIdleMs: read.whole('STREAM_IDLE_MS', 100, 86_400_000),
  }
}
