import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Logger,
  Module,
  UseGuards,
} from '@nestjs/common'
import type { Request } from 'express'
import { Usage } from '../docs/snippets/nest-usage.ts'

Logger.overrideLogger(['error', 'warn'])

class UserGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const req = context.switchToHttp().getRequest<Request>()
    req.user = { id: req.get('x-user') ?? '', orgId: 'acme' }
    return true
  }
}

@Controller('hello')
@UseGuards(UserGuard)
class HelloController {
  @Get()
  hello() {
    return 'hello'
  }
}

@Module({ controllers: [HelloController], providers: [Usage] })
export class AppModule {}
