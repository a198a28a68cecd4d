export { openServices, type Services } from './services.ts'
