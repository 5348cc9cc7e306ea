import 'reflect-metadata'
import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Injectable,
  Module,
  type OnApplicationShutdown,
  Param,
  Post,
  UnauthorizedException,
  UseGuards,
  VERSION_NEUTRAL,
  VersioningType,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { pxUsage, type UsageMiddleware, type UsageOptions } from '@px-usage/express'
import type { Request } from 'express'

interface AppRequest extends Request {
  user?: { id: string; orgId: string }
}

/** Holds the middleware, and closes its meter when the app shuts down. */
@Injectable()
class Usage implements OnApplicationShutdown {
  readonly middleware: UsageMiddleware

  constructor(options: Partial<UsageOptions<AppRequest>>) {
    this.middleware = pxUsage({
      identify: (req: AppRequest) => req.user && { userId: req.user.id, accountId: req.user.orgId },
      ignore: ['GET /api/health'],
      ...options,
    })
  }

  async onApplicationShutdown(): Promise<void> {
    await this.middleware.meter.close()
  }
}

/** A real API would read its keys from a database. */
const users = new Map([
  ['key of ann', { id: 'ann', orgId: 'acme' }],
  ['key of bob', { id: 'bob', orgId: 'acme' }],
])

@Injectable()
class ApiKeyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const req = context.switchToHttp().getRequest<AppRequest>()
    const user = users.get(req.get('x-api-key') ?? '')
    if (user === undefined) throw new UnauthorizedException()
    req.user = user
    return true
  }
}

@Controller({ path: 'orders', version: ['1', '2'] })
@UseGuards(ApiKeyGuard)
class OrdersController {
  @Get(':id')
  order(@Param('id') id: string) {
    return { id }
  }

  @Post()
  create() {
    return { id: 'new' }
  }
}

@Controller({ path: 'health', version: VERSION_NEUTRAL })
class HealthController {
  @Get()
  health() {
    return 'ok'
  }
}

/** Creates a small API with a global prefix, versions and a guard. */
export async function createApp(options: Partial<UsageOptions<AppRequest>> = {}) {
  @Module({
    controllers: [OrdersController, HealthController],
    providers: [{ provide: Usage, useFactory: () => new Usage(options) }],
  })
  class AppModule {}

  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] })
  const { middleware } = app.get(Usage)
  app.use(middleware)
  app.setGlobalPrefix('api')
  app.enableVersioning({ type: VersioningType.URI })
  app.enableShutdownHooks()
  return { app, meter: middleware.meter }
}
