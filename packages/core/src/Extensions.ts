export interface Extensions {
  readonly keywords: ReadonlyMap<string, ReadonlyArray<string>>
  readonly size: number | undefined
  readonly auth: ReadonlyArray<string>
  readonly pipelining: boolean
  readonly startTls: boolean
}
