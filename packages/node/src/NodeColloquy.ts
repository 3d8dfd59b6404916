/**
 * Everything that Colloquy needs of Node, but the log: the connector, files and paths, cryptography, and, as references,
 * the process id that logs show and the machine's name for EHLO.
 */
import * as Connector from "@colloquy/core/Connector"
import * as LogEvent from "@colloquy/core/LogEvent"
import type { Platform } from "@colloquy/core/Transporter"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as Layer from "effect/Layer"
import * as Os from "node:os"
import * as NodeConnector from "./NodeConnector.ts"

export type NodeColloquy = Connector.Connector | Platform

export const layer: Layer.Layer<NodeColloquy> = Layer.mergeAll(
  NodeConnector.layer,
  NodeFileSystem.layer,
  NodePath.layer,
  NodeCrypto.layer,
  Layer.sync(LogEvent.ProcessId, () => process.pid),
  Layer.sync(Connector.HostName, () => Os.hostname())
)
