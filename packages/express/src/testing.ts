// The test kit of core, for an app that installed only this package
export * from '@px-usage/core/testing'
