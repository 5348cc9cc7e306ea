import { NestFactory } from '@nestjs/core'

const app = await NestFactory.create(AppModule) // Usage is one of its providers
app.use(app.get(Usage).middleware)
app.enableShutdownHooks()

// --- what any app has
import { AppModule } from '../../support/nest-module.ts'
import { Usage } from './nest-usage.ts'

await app.init()
export const listener = app.getHttpAdapter().getInstance()
export const { meter } = app.get(Usage).middleware
export const endpoints = ['/hello']
