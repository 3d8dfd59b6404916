/** Counters and durations of all transporters (no host, address or secret in any). */
import * as Metric from "effect/Metric"

export const connections = Metric.counter("smtp_connections_total", {
  description: "Connections opened",
  incremental: true
})
export const transactions = Metric.counter("smtp_transactions_total", {
  description: "Mail transactions, by outcome",
  incremental: true
})
export const replies = Metric.counter("smtp_replies_total", {
  description: "Replies read, by the first digit of their code",
  incremental: true
})
export const contentOctets = Metric.counter("smtp_content_octets_total", {
  description: "Octets of content that were accepted",
  incremental: true
})
export const duration = Metric.timer("smtp_send_duration", {
  description: "From send to verdict",
  boundaries: Metric.exponentialBoundaries({ start: 5, factor: 2, count: 16 })
})

/** The counters of replies, from 2yz to 5yz. */
export const replyClasses = [2, 3, 4, 5].map((digit) => Metric.withAttributes(replies, { class: `${digit}yz` }))
