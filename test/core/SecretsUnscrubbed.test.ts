/** The tests of secrets can fail: with the scrub switched off in this build, they find what a server repeats. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { vi } from "vitest"
import { check, type Place } from "./secretsEcho.ts"

vi.mock("@colloquy/core/internal/scrub", () => ({
  makeScrub: () => ({ addSecret: () => {}, addLine: () => {}, scrub: (text: string) => text })
}))

const places: ReadonlyArray<Place> = [
  "greeting",
  "a keyword of EHLO",
  "STARTTLS",
  "error challenge",
  "535",
  "no reply",
  "MAIL",
  "RCPT refused",
  "verdict",
  "QUIT"
]

describe("without the scrub", () => {
  for (const place of places) {
    it.effect(`the check finds a secret in the reply: ${place}`, () =>
      Effect.gen(function*() {
        const { different, pieces } = yield* check(
          { mechanism: "XOAUTH2", place, form: "raw", what: "the secret", chunks: "whole" },
          "first;s3cret;of;two",
          "and:the:other~one"
        )
        assert.isAbove(pieces.length, 0)
        for (
          const where of ["the memory's text", "the file /log/text", "the file /log/ndjson", "the live log as JSON"]
        ) {
          assert.include(different, where)
        }
      }))
  }

  it.effect("it finds what the client sent, in the error and its exports", () =>
    Effect.gen(function*() {
      const { different } = yield* check(
        { mechanism: "PLAIN", place: "535", form: "percent", what: "the line", chunks: "byte" },
        "first;s3cret;of;two",
        "and:the:other~one"
      )
      for (
        const where of [
          "the error's message",
          "the error as JSON",
          "the error, inspected",
          "the error encoded",
          "the error rendered",
          "the cause printed",
          "the spans",
          "what Effect's loggers got",
          "the memory's text"
        ]
      ) assert.include(different, where)
    }))
})
