export * as Colloquy from "./colloquy.ts"
