/**
 * How many transactions of a session may be in flight (RFC 2920, RFC 3030 §4.2).
 *
 * A session earns it: one transaction until the server has accepted one, then the full window. Each refused MAIL, RCPT
 * or BDAT halves it, three refusals in a row bring it back to one, each accepted transaction gives one back. Servers hang up
 * on clients whose pipelines are full of refusals (Postfix after 10 refused transactions, Exim after 3 protocol errors),
 * and the good messages behind them would be cut off.
 */
import * as Context from "effect/Context"

/** 128 messages of 1 KiB keep a link of 20 ms busy; more only costs memory. */
export const fullWindow = 128
/** For tests: a session's window once it is open. */
export const FullWindow: Context.Reference<number> = Context.Reference<number>(
  "@colloquy/core/internal/window/FullWindow",
  { defaultValue: () => fullWindow }
)
/** Octets of content in flight, whatever their number of messages. */
export const windowOctets = 1_048_576
const refusalsInARow = 3

export interface Window {
  readonly size: () => number
  /** Every command of a transaction was accepted. */
  readonly onAccepted: () => void
  readonly onRefused: () => void
}

export const make = (full: number): Window => {
  let size = 1
  let opened = false
  let row = 0
  return {
    size: () => size,
    onAccepted: () => {
      row = 0
      size = opened ? Math.min(full, size + 1) : full
      opened = true
    },
    onRefused: () => {
      row++
      size = row >= refusalsInARow ? 1 : Math.max(1, Math.floor(size / 2))
    }
  }
}
