import * as Statistics from "@colloquy/cli/report/statistics"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"

const durations = Schema.NonEmptyArray(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 86_400_000 })))
const times = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: -8.64e15, maximum: 8.64e15 })))

describe("percentiles", () => {
  it.prop("are within 1 % of the value that has the rank, and the largest is exact", [durations], ([values]) => {
    const distribution = Statistics.makeDistribution()
    for (const value of values) distribution.add(value)
    const sorted = values.toSorted((a, b) => a - b)
    for (const share of [0.01, 0.5, 0.9, 0.99, 1]) {
      const wanted = sorted[Math.ceil(sorted.length * share) - 1] ?? 0
      assert.closeTo(distribution.percentile(share), wanted, Math.max(wanted * 0.01, 0.5) + 0.5)
    }
    assert.strictEqual(distribution.max(), sorted.at(-1))
    assert.strictEqual(distribution.count(), values.length)
  })
  it("of nothing are 0", () => {
    const distribution = Statistics.makeDistribution()
    assert.deepStrictEqual([distribution.percentile(0.5), distribution.max(), distribution.count()], [0, 0, 0])
  })
})

describe("numbers over time", () => {
  it("come in columns of a round width, empty ones too", () => {
    const timeline = Statistics.makeTimeline(["a", "b"])
    const noon = Date.UTC(2026, 1, 6, 12)
    for (const minute of [0, 1, 1, 44]) timeline.add(noon + minute * 60_000 + 7, "a")
    timeline.add(noon + 20 * 60_000, "b")
    assert.deepStrictEqual(timeline.columns(5), {
      start: noon,
      width: 900_000,
      columns: [{ a: 3, b: 0 }, { a: 0, b: 1 }, { a: 1, b: 0 }]
    })
  })
  it("are none where there is no time", () => {
    assert.isUndefined(Statistics.makeTimeline(["a"]).columns(10))
  })
  it.prop("lose none, and fit", [times], ([values]) => {
    const timeline = Statistics.makeTimeline(["a"])
    for (const value of values) timeline.add(value, "a")
    const columns = timeline.columns(90)?.columns ?? []
    assert.isAtMost(columns.length, 90)
    assert.strictEqual(columns.reduce((sum, { a }) => sum + a, 0), values.length)
  })
  it("need no more room for a long log than for a short one", () => {
    const timeline = Statistics.makeTimeline(["a"])
    for (let second = 0; second < 100_000; second++) timeline.add(second * 1_000, "a")
    const found = timeline.columns(90)
    assert.strictEqual(found?.columns.length, 28)
    assert.strictEqual(found?.columns.reduce((sum, { a }) => sum + a, 0), 100_000)
  })
})
