/**
 * The thread of a comparison: two arms → one message.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { type Arms, compare } from './compare.ts'

parentPort!.postMessage(compare(workerData as Arms))
