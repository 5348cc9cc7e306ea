import { createApp } from './app.ts'

const { app, meter } = createApp()
const server = app.listen(Number(process.env.PORT ?? 3001), () => {
  console.log('Koa example:', server.address())
})

// Requests under way are answered and counted, then the meter lets go of its store; the process ends by itself.
process.on('SIGTERM', shutDown)
process.on('SIGINT', shutDown)

function shutDown(): void {
  if (!server.listening) return
  // A connection that is kept alive counts as open for five seconds after its last answer.
  const sweeping = setInterval(() => server.closeIdleConnections(), 50)
  server.close(async () => {
    clearInterval(sweeping)
    console.log('Closed:', await meter.close())
  })
}
