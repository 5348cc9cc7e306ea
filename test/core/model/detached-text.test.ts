import fc from 'fast-check'
import { it } from 'vitest'
import { detached } from '../../../packages/core/src/model/detached-text.ts'

it('the text is the same, also with lone surrogates', () => {
  const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.constant('a lone \ud800 surrogate'))
  fc.assert(fc.property(text, (each) => detached(each) === each))
})
