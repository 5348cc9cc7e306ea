import { memoryStore } from '../../../packages/core/src/stores/memory-store.ts'
import { storeContract } from '../../contracts/store-contract.ts'

storeContract('memoryStore()', memoryStore)
