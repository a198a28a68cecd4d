/**
 * The page at /dashboard: files of ours and of uPlot, as they lie on the disk. What it shows it asks of the API, as any other caller.
 */
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'

const PAGE = fileURLToPath(new URL('../dashboard', import.meta.url))
const CHARTS = dirname(fileURLToPath(import.meta.resolve('uplot')))
const CHART_FILES = new Set(['uPlot.iife.min.js', 'uPlot.min.css'])

export async function serveDashboard(app: FastifyInstance): Promise<void> {
  await app.register(fastifyStatic, {
    root: PAGE,
    prefix: '/dashboard',
    redirect: true,
  })
  await app.register(fastifyStatic, {
    root: CHARTS,
    prefix: '/dashboard/charts/',
    decorateReply: false,
    allowedPath: (path) => CHART_FILES.has(path.slice(1)),
  })
}
