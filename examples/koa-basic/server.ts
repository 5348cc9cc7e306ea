import { createApp } from './app.ts'

const { app, meter } = createApp()
const server = app.listen(Number(process.env.PORT ?? 3001), () => {
  console.log('Koa example:', server.address())
})

process.once('SIGTERM', () => {
  server.close(async () => {
    console.log('Closed:', await meter.close())
  })
})
