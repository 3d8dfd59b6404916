import * as LogEvent from "@colloquy/core/LogEvent"
import { assert, it } from "@effect/vitest"

it("shows a secret as 32 asterisks, whatever its length", () =>
  assert.strictEqual(LogEvent.secret, "********************************"))
