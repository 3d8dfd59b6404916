import { Transporter } from "@colloquy/core"
import { type Effect, Result, Stream } from "effect"

interface Customer {
  readonly name: string
  readonly address: string
}
const customers: Stream.Stream<Customer, "database down"> = Stream.make(
  { name: "Ann", address: "ann@example.org" },
  { name: "Bob", address: "bob@example.org" },
  { name: "nobody", address: "nobody@example.org" },
  { name: "Eve", address: "eve@example.org\r\nRCPT TO:<all@example.org>" }
)

export const newsletter = customers.pipe(
  Stream.map(({ name, address }) => ({
    from: "news@shop.example",
    to: address,
    subject: `News for ${name}`,
    text: "…"
  })),
  Transporter.sendAll,
  Stream.runFold(() => ({ sent: 0, unknown: 0, refused: 0 }), (tally, { result }) =>
    Result.isSuccess(result)
      ? { ...tally, sent: tally.sent + 1 }
      : result.failure.delivery === "Unknown"
      ? { ...tally, unknown: tally.unknown + 1 }
      : { ...tally, refused: tally.refused + 1 })
) satisfies Effect.Effect<unknown, "database down", Transporter.Transporter>
