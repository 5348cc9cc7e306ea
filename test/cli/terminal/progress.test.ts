import { expect, test } from 'vitest'
import { createProgress } from '../../../packages/cli/src/terminal/progress.ts'

function progressOn(isTTY: boolean, total: number | undefined) {
  let nowMs = 0
  const drawn: string[] = []
  const stream = { isTTY, columns: 80, write: (text: string) => drawn.push(text) }
  const settings = { stream, label: 'Reading PX', unit: 'pages', now: () => nowMs }
  return {
    progress: createProgress({ ...settings, total }),
    drawn,
    pass(ms: number) {
      nowMs += ms
    },
  }
}

test('a terminal shows the bar with rate and time left, ten times a second at most', () => {
  const { progress, drawn, pass } = progressOn(true, 1_000)
  pass(10_000)
  progress.add(250)
  pass(50)
  progress.add(50)
  pass(9_950)
  progress.add(200)
  expect(drawn).toEqual([
    '\rReading PX [#####---------------]  250/1,000 pages  25/s  30 s left\u001b[K',
    '\rReading PX [##########----------]  500/1,000 pages  25/s  20 s left\u001b[K',
  ])
  progress.end()
  progress.end()
  expect(drawn.slice(2)).toEqual(['\r\u001b[K'])
})

test('without a total it shows what was done, until the total is known', () => {
  const { progress, drawn, pass } = progressOn(true, undefined)
  pass(100)
  progress.add(1)
  pass(100)
  progress.setTotal(2)
  expect(drawn.map((text) => text.slice(12).replace('\u001b[K', ''))).toEqual([
    '[--------------------]  1 pages  10/s',
    '[##########----------]  1/2 pages  5/s  0 s left',
  ])
})

test('a pipe shows nothing', () => {
  const { progress, drawn, pass } = progressOn(false, 1_000)
  pass(1_000)
  progress.add(1)
  progress.end()
  expect(drawn).toEqual([])
})
