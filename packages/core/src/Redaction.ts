import type { LogEvent } from "./LogEvent.ts"
export interface Redaction {
  readonly "~@colloquy/core/Redaction": unknown
  readonly name: string
  readonly apply: <E extends LogEvent>(event: E) => E
}
/** A policy rewrites text; it cannot drop an event or change its kind (P2). The secret scrub has already run. */
export declare const make: (name: string, apply: <E extends LogEvent>(event: E) => E) => Redaction
export declare const text: (name: string, replace: (text: string, event: LogEvent) => string) => Redaction
export declare const and: (...policies: ReadonlyArray<Redaction>) => Redaction
export declare const none: Redaction
/** `j***@example.com`; in commands, replies and headers */
export declare const addresses: Redaction
export declare const subject: Redaction
export declare const content: Redaction
